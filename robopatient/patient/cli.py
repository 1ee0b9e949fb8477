"""The verbs of patients: list them, show one, make one from a short description."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robopatient.command import Force, Json

if TYPE_CHECKING:
    from robopatient.patient import PatientProfile

app = typer.Typer()

FORCES_NEWTON = (5.0, 10.0, 20.0, 35.0)
"""Light touch to the median published press."""


@app.command("list", epilog="Example: robopatient patient list")
def list_patients(json: Json = False) -> int:
    """List the patients that can be played; exit status 1 when one of them cannot be read, after the others."""
    import msgspec

    from robopatient.config import asset_names
    from robopatient.errors import RobopatientError
    from robopatient.patient import load_patient

    rows, troubles = [], []
    for name in asset_names("patients"):
        try:
            patient = load_patient(name)
        except RobopatientError as error:
            troubles.append(str(error))
            continue
        rows.append(
            {
                "name": name,
                "patient": patient.name,
                "age_years": patient.age_years,
                "sex": patient.sex,
                "sites": [site.region for site in patient.sites],
                "complaint": patient.complaint,
            }
        )
    if json:
        print(msgspec.json.encode({"patients": rows, "troubles": troubles}).decode())
    else:
        width = max((len(str(row["name"])) for row in rows), default=0)
        for row in rows:
            print(f"{row['name']:<{width}}  {row['patient']}, {row['age_years']}: {row['complaint']}")
        for trouble in troubles:
            print(trouble)
    return 1 if troubles else 0


@app.command("show", epilog="Example: robopatient patient show appendicitis")
def show_patient(
    name: Annotated[str, typer.Argument(metavar="PATIENT", help="Name under assets/patients, or a .toml file.")],
    json: Json = False,
) -> None:
    """Describe a patient and the pain (NRS) that presses of 5 to 35 N on each site cause."""
    import msgspec

    from robopatient.patient import load_patient
    from robopatient.simulation.fit import to_toml

    profile = load_patient(name)
    table = _presses(profile)
    if json:
        told = {"profile": profile, "forces_newton": FORCES_NEWTON, "nrs": {place: list(row) for place, row in table}}
        print(msgspec.json.encode(told).decode())
        return
    print(f"{profile.name}, {profile.age_years}, {profile.sex}: {profile.complaint}\n{profile.history}\n")
    heading = "felt pain (NRS) at"
    places = max(len(heading), *(len(place) for place, _ in table))
    print(f"{heading:<{places}}" + "".join(f"{newton:>8g} N" for newton in FORCES_NEWTON))
    for place, row in table:
        print(f"{place:<{places}}" + "".join(f"{nrs:>10.1f}" for nrs in row))
    print("\n" + to_toml(profile), end="")


@app.command("parameters", epilog="Example: robopatient patient parameters")
def print_parameters() -> None:
    """Print every key of a patient file with unit, range and source, as Markdown."""
    from robopatient.patient.parameters import to_markdown

    print(to_markdown())


@app.command(
    "fit", epilog='Example: robopatient patient fit "NRS 7 at 20 N on the right iliac, stoic" --out patient.toml'
)
def fit(
    wishes: Annotated[str, typer.Argument(help='Such as "NRS 7 at 20 N on the right iliac, mild elsewhere, stoic".')],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, print.")] = None,
    force: Force = False,
) -> None:
    """Make a patient file from a short description: pain (NRS), force (N), region, and how the patient is."""
    from firmware_bridge.outputs import new_files
    from robopatient.simulation.fit import fit_patient

    text = fit_patient(wishes)
    if out is None:
        print(text, end="")
        return
    with new_files(out, force=force) as (part,):
        part.write_text(text, encoding="utf-8")
    print(f"{out}: try it with: robopatient run --set patient={out}")


def _presses(profile: PatientProfile) -> list[tuple[str, tuple[float, ...]]]:
    """Worst pain of one press by place and force; endogenous pain left out."""
    import msgspec

    from robopatient.simulation.hand import GuidedHand

    profile = msgspec.structs.replace(profile, fluctuation=None)
    places = [(site.name, (site.left_mm, site.head_mm)) for site in profile.sites] or [("navel", (0.0, 0.0))]
    return [
        (
            name,
            tuple(
                round(max(pain.nrs for pain in GuidedHand(profile).press(newton, at_mm)), 2) for newton in FORCES_NEWTON
            ),
        )
        for name, at_mm in places
    ]
