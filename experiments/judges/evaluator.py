"""``judge score``: what a frozen judge makes of clips that it has nothing to do with, and whether it can be believed.

It refuses when judge and clips share an ancestor, and it shows the judge spoilt faces: a judge that finds as much pain
in a face whose frames were shuffled has not looked at the course, and is reported so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.judges.clips import CONTROLS, Clip, control, pspi_of
from experiments.judges.coupling import couple
from experiments.judges.judge import Card, Judge
from experiments.judges.measures import agreement
from robopatient.errors import SessionError

__all__ = ["refuse_kin", "score"]

MIN_CLIPS, MIN_PEOPLE = 20, 4
BROKEN_SHARE = 0.9
"""A judge that keeps this share of its rank correlation on a spoilt face does not use what was spoilt (assumption)."""


def refuse_kin(card: Card, clips: list[Clip]) -> None:
    """Stop when judge and clips have a source in common.

    Raises
    ------
    SessionError
        Naming what they share.
    """
    theirs = {source for clip in clips for source in clip.lineage}
    shared = sorted(set(card.lineage) & theirs)
    if shared or "unknown" in theirs:
        raise SessionError(
            f"judge {card.kind} learnt from {', '.join(card.lineage) or 'nothing'}, and these clips come from "
            f"{', '.join(sorted(theirs))}: they share {', '.join(shared) or 'an unknown source'}, so its verdict says "
            "nothing. Train a judge on another source: robopatient judge train --help"
        )


def score(judge: Judge, card: Card, clips: list[Clip], seed: int = 1) -> dict[str, Any]:
    """Report of a judge's verdict on clips.

    Raises
    ------
    SessionError
        When lineages intersect, or there is too little to judge.
    """
    refuse_kin(card, clips)
    people = [clip.person for clip in clips]
    if len(clips) < MIN_CLIPS or len(set(people)) < MIN_PEOPLE:
        raise SessionError(
            f"{len(clips)} clips of {len(set(people))} people are too few to judge; give at least {MIN_CLIPS} clips of "
            f"{MIN_PEOPLE} people"
        )
    true = np.array([clip.nrs for clip in clips])
    told = judge.predict(clips)
    found, majority, p = agreement(true, told, people, seed)
    controls: dict[str, dict[str, Any]] = {}
    for name in CONTROLS:
        spoilt = judge.predict(control(name, clips, seed))
        kept, _, _ = agreement(true, spoilt, people, seed)
        controls[name] = {"spearman": kept["spearman"]._asdict(), "mae_nrs": kept["mae_nrs"].value}
    rho = found["spearman"].value
    shuffled = controls["shuffled time"]["spearman"]["value"]
    blind_to_time = rho > 0.0 and shuffled >= BROKEN_SHARE * rho
    return {
        "judge": {"kind": card.kind, "lineage": list(card.lineage), "sha256": card.sha256},
        "clips": len(clips),
        "people": len(set(people)),
        "lineage": sorted({source for clip in clips for source in clip.lineage}),
        "measures": {name: value._asdict() for name, value in found.items()},
        "majority_rate": majority,
        "permutation_p": p,
        "controls": controls,
        "verdict": _verdict(card, blind_to_time, p, found["accuracy"].value, majority),
        "coupling": _coupling(clips, seed),
        "wording": card.wording,
    }


def _verdict(card: Card, blind_to_time: bool, p: float, accuracy: float, majority: float) -> str:
    if p > 0.05:
        return "no better than chance: what it says of these clips is not to be used"
    if blind_to_time:
        return (
            "BROKEN as a judge of dynamics: shuffled time looks the same to it; it may be read as a judge of size only"
        )
    if accuracy <= majority:
        return "ranks pains, but names their grade no better than always saying the commonest one"
    return "usable for comparing generators of other lineages"


def _coupling(clips: list[Clip], seed: int) -> dict[str, Any]:
    """Lag, correlation, coherence and information of the faces as they are and with each spoiling."""
    table = {}
    for name in ("as it is", *CONTROLS):
        shown = clips if name == "as it is" else control(name, clips, seed)
        rows = [couple(clip.pain, pspi_of(clip.au)) for clip in shown if clip.nrs > 0.0]
        table[name] = {
            field: float(np.nanmedian(values))
            if np.isfinite(values := [getattr(row, field) for row in rows]).any()
            else None
            for field in ("lag_s", "correlation", "coherence", "information_bits")
        }
    return table
