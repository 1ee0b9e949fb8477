"""The verbs of patients: list them, show one, make one from a short description."""

from __future__ import annotations

from pathlib import Path

import msgspec

from firmware_bridge.outputs import new_files
from robopatient.config import asset_names
from robopatient.errors import RobopatientError
from robopatient.patient import PatientProfile, load_patient
from robopatient.simulation.fit import fit_patient, to_toml
from robopatient.simulation.hand import GuidedHand

__all__ = ["fit", "list_patients", "parameters", "show"]

FORCES_NEWTON = (5.0, 10.0, 20.0, 35.0)
"""Light touch to the median published press."""


def list_patients(as_json: bool = False) -> int:
    """The verb ``patient list``: one line a patient; 1 when one of them cannot be read, after the others."""
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
    if as_json:
        print(msgspec.json.encode({"patients": rows, "troubles": troubles}).decode())
    else:
        width = max((len(str(row["name"])) for row in rows), default=0)
        for row in rows:
            print(f"{row['name']:<{width}}  {row['patient']}, {row['age_years']}: {row['complaint']}")
        for trouble in troubles:
            print(trouble)
    return 1 if troubles else 0


def show(name: str, as_json: bool = False) -> int:
    """The verb ``patient show``: who it is, and what presses on each site do to a fresh patient."""
    profile = load_patient(name)
    table = _presses(profile)
    if as_json:
        print(
            msgspec.json.encode(
                {"profile": profile, "forces_newton": FORCES_NEWTON, "nrs": {place: list(row) for place, row in table}}
            ).decode()
        )
        return 0
    print(f"{profile.name}, {profile.age_years}, {profile.sex}: {profile.complaint}\n{profile.history}\n")
    heading = "felt pain (NRS) at"
    places = max(len(heading), *(len(place) for place, _ in table))
    print(f"{heading:<{places}}" + "".join(f"{newton:>8g} N" for newton in FORCES_NEWTON))
    for place, row in table:
        print(f"{place:<{places}}" + "".join(f"{nrs:>10.1f}" for nrs in row))
    print("\n" + to_toml(profile), end="")
    return 0


def parameters() -> int:
    """The verb ``patient parameters``: every key of a patient file with unit, range and source, as Markdown."""
    from robopatient.patient.parameters import to_markdown

    print(to_markdown())
    return 0


def fit(wishes: str, out: Path | None = None, force: bool = False) -> int:
    """The verb ``patient fit``: write a patient of whom the wishes are true, or print it."""
    text = fit_patient(wishes)
    if out is None:
        print(text, end="")
        return 0
    with new_files(out, force=force) as (part,):
        part.write_text(text, encoding="utf-8")
    print(f"{out}: try it with: robopatient run --set patient={out}")
    return 0


def _presses(profile: PatientProfile) -> list[tuple[str, tuple[float, ...]]]:
    """Worst pain of one press by place and force; endogenous pain left out."""
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
