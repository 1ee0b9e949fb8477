"""Many faces in pain, with a table of what each shows.

For balanced sets of simulated people with all labels: robopatient dataset generate demo --out SET (docs/howto/make_a_dataset.md).
"""

import csv
import sys
from pathlib import Path

from robopatient.config import asset_names
from robopatient.face.apex import apex_au
from robopatient.face.still import still
from robopatient.facs import pspi

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else None  # how many people; all if it is not given
folder = Path("faces")
folder.mkdir(exist_ok=True)

with (folder / "labels.csv").open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["file", "person", "nrs", "pspi", "AU4", "AU43"])
    for person in asset_names("faces")[:COUNT]:
        for nrs in (0.0, 4.0, 8.0):
            path = folder / f"{person}_{nrs:g}.png"
            still(person, nrs, path, size_px=256, view="three-quarter", force=True)
            au = apex_au(nrs)  # intensities 0 to 5 by FACS action unit
            table.writerow([path.name, person, nrs, round(pspi(au), 2), au.get("AU4", 0.0), au.get("AU43", 0.0)])

print(f"{len(list(folder.glob('*.png')))} pictures and their labels are in {folder}")
