"""The data set on one page: who is in it, what they show, and whether the labels say what the eye sees."""

from __future__ import annotations

import base64
import collections
import io
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from experiments.datasets.design import DatasetDesign
from experiments.datasets.tables import rows_in
from robopatient.errors import require
from robopatient.levels import MAX_NRS, MAX_PSPI
from robopatient.report.figures import ACCENTS, QUIET, inline_svg, new_figure, styled
from robopatient.report.page import PageCell, columns, render

__all__ = ["write_report"]

MONTAGE_PEOPLE = 12
THUMB_PX = 112
FACE = (0.17, 0.15, 0.83, 0.81)
"""Left, top, right and bottom of the face in a picture, as shares of it."""
JPEG_QUALITY = 82
MARKERS = ("o", "s", "^", "D", "v")
MAX_DOTS = 3000
COLUMNS = (
    "file_name", "person", "split", "shot", "view", "light", "frame", "pspi", "stimulus_nrs", "archetype", "sex",
    "age_band", "age_years", "ancestry", "skin_band", "monk_tone",
)  # fmt: skip


def write_report(out: Path, design: DatasetDesign, facts: dict[str, Any], tables: list[Path]) -> str:
    """The page as text: montage of the first look, PSPI against pain, people in every cell."""
    first = (design.picture.views[0], design.picture.lights[0])
    strongest = _strongest(tables, first)
    seen = list(strongest.values())
    shots = design.shots()
    splits = ", ".join(f"{split} {count}" for split, count in facts["frames"].items())
    return render(
        "report.html",
        "experiments.datasets",
        title=design.title,
        facts=(
            f"{sum(facts['frames'].values())} labelled frames of {design.balance.people} synthetic people in "
            f"{len(design.cells())} cells ({splits}); expressions by {facts['lineage']}; robopatient "
            f"{facts['version']}, design {facts['design_sha256'][:16]}…"
        ),
        look=f"{first[0]} view, {first[1]} light",
        montage_columns=columns(":", *(f":{_shot_name(shot.kind, shot.nrs, shot.archetype)}" for shot in shots)),
        montage=_montage(out, design, strongest),
        curve=_curve(seen),
        cell_columns=columns(":age", ":sex", ":skin", *dict.fromkeys(row["split"] for row in seen)),
        cells=_cells(seen),
        version=facts["version"],
    )


def _strongest(tables: list[Path], look: tuple[str, str]) -> dict[tuple[str, int], dict[str, Any]]:
    """The frame of the largest PSPI of every person and expression, in one look."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in (row for table in tables for row in rows_in(table, COLUMNS)):
        key = (row["person"], row["shot"])
        if (row["view"], row["light"]) == look and (key not in found or row["pspi"] > found[key]["pspi"]):
            found[key] = row
    return found


def _montage(
    out: Path, design: DatasetDesign, strongest: dict[tuple[str, int], dict[str, Any]]
) -> list[list[PageCell]]:
    """Rows are people, columns what they show."""
    names = sorted({person for person, _ in strongest})
    step = max(1, len(names) // MONTAGE_PEOPLE)
    chosen = [names[min(k * step + k % step, len(names) - 1)] for k in range(min(MONTAGE_PEOPLE, len(names)))]
    rows = []
    for name in chosen:  # shifted by one each time: an even step would meet one kind of cell only
        who = strongest[name, 0]
        label = Markup("{}, {:.0f}<br>{}<br>Monk {:.1f}")
        cells: list[PageCell] = [label.format(who["sex"], who["age_years"], who["ancestry"], who["monk_tone"])]
        for shot in design.shots():
            row = strongest[name, shot.number]
            shown = f"{_shot_name(shot.kind, shot.nrs, shot.archetype)}, PSPI {row['pspi']:.1f}"
            picture = _thumbnail(out / row["split"] / row["file_name"], row["frame"])
            image = Markup('<img alt="{}" src="{}"><br><small>PSPI {:.1f}</small>')
            cells.append(image.format(shown, picture, row["pspi"]))
        rows.append(cells)
    return rows


def _shot_name(kind: str, nrs: float, archetype: str) -> str:
    return f"pain {nrs:g}, {archetype}" if kind == "pain" else kind


def _thumbnail(path: Path, frame: int) -> str:
    pil = require("PIL.Image", "face")
    if path.suffix in (".mp4", ".mkv"):
        with require("av", "face").open(str(path)) as film:
            picture = next(shown for k, shown in enumerate(film.decode(video=0)) if k == frame).to_image()
    else:
        picture = pil.open(path)
        picture.draft("RGB", (2 * THUMB_PX, 2 * THUMB_PX))  # a JPEG is read at a part of its size, which is quicker
        picture = picture.convert("RGB")
    file = io.BytesIO()
    face = picture.crop(tuple(round(share * side) for share, side in zip(FACE, 2 * picture.size, strict=True)))
    face.resize((THUMB_PX, THUMB_PX), pil.Resampling.LANCZOS).save(file, format="JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _curve(seen: list[dict[str, Any]]) -> Markup:
    """PSPI against pain by archetype: every frame a dot, medians a line."""
    kinds = [a for a in dict.fromkeys(row["archetype"] for row in seen) if a]
    with styled():
        shown = new_figure(7.0, 3.2, layout="constrained")
        axes = shown.subplots()
        axes.set(xlim=(-0.2, MAX_NRS + 0.2), ylim=(0, MAX_PSPI), xlabel="pain behind the frame, NRS", ylabel="PSPI")
        for index, archetype in enumerate(kinds):
            points = np.array([(row["stimulus_nrs"], row["pspi"]) for row in seen if row["archetype"] == archetype])
            colour = (*ACCENTS, QUIET)[index % 5]
            thin = 1 + len(points) * len(kinds) // MAX_DOTS
            axes.plot(*points[::thin].T, "o", color=colour, alpha=0.35, markersize=3, markeredgewidth=0)
            levels = np.unique(np.round(points[:, 0]))
            medians = [np.median(points[np.round(points[:, 0]) == level, 1]) for level in levels]
            axes.plot(levels, medians, color=colour, linewidth=2, marker=MARKERS[index % len(MARKERS)], label=archetype)
        axes.legend(loc="upper left")
    return inline_svg(shown, f"PSPI against pain for {len(kinds)} archetypes of pain", "plot")


def _cells(seen: list[dict[str, Any]]) -> list[list[str]]:
    """People by age, sex and skin in every split."""
    people = {row["person"]: row for row in seen}
    splits = list(dict.fromkeys(row["split"] for row in seen))
    counts = collections.Counter((r["age_band"], r["sex"], r["skin_band"], r["split"]) for r in people.values())
    return [
        [str(age), sex, str(skin), *(str(counts[age, sex, skin, split]) for split in splits)]
        for age, sex, skin in sorted({key[:3] for key in counts})
    ]
