"""``judge score``: a frozen judge scores clips that are independent of its training data, and is checked for validity.

It refuses when judge and clips share an ancestor, and it shows the judge spoilt faces: a judge that finds as much pain
in a face whose frames were shuffled has not looked at the course, and is reported so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.judges.clip_sessions import sessions_of
from experiments.judges.clips import Clip, course_of
from experiments.judges.controls import CONTROLS, SHUFFLED, control
from experiments.judges.coupling import couple
from experiments.judges.judge import Judge, JudgeCard, SessionJudge
from experiments.judges.measures import agreement, majority_rate, permutation_p
from policies.statistics.resampling import Interval
from robopatient.errors import SessionError

__all__ = ["refuse_kin", "refuse_senseless", "score"]

MIN_CLIPS, MIN_PEOPLE = 20, 4
BROKEN_SHARE = 0.9
"""A judge that keeps this share of its rank correlation on a spoilt face does not use what was spoilt (assumption)."""


def refuse_kin(card: JudgeCard, clips: list[Clip]) -> None:
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


def refuse_senseless(judge: Judge, clips: list[Clip]) -> None:
    """Stop when clips lack what the judge looks at or listens to.

    Raises
    ------
    SessionError
        Naming the first such clip.
    """
    for clip in clips:
        if not len(clip.sound if judge.sense == "voice" else clip.au):
            raise SessionError(
                f"judge {judge.kind} needs a {judge.sense}, and clip {clip.name} of {clip.lineage[0]} has none; "
                "see the sources that have one: robopatient judge list"
            )


def score(judge: Judge, card: JudgeCard, clips: list[Clip], seed: int = 1) -> dict[str, Any]:
    """Report of a judge's verdict on clips.

    Raises
    ------
    SessionError
        When lineages intersect, or there is too little to judge.
    """
    refuse_kin(card, clips)
    refuse_senseless(judge, clips)
    if judge.task == "course":
        return _identified(card, clips) | _course(judge, clips, seed)
    people = [clip.person for clip in clips]
    if len(clips) < MIN_CLIPS or len(set(people)) < MIN_PEOPLE:
        raise SessionError(
            f"{len(clips)} clips of {len(set(people))} people are too few to judge; give at least {MIN_CLIPS} clips of "
            f"{MIN_PEOPLE} people"
        )
    true = np.array([clip.nrs for clip in clips])
    predicted = judge.predict(clips)
    found, majority, p = (
        agreement(true, predicted, people, seed),
        majority_rate(true),
        permutation_p(true, predicted, seed),
    )
    controls: dict[str, dict[str, Any]] = {}
    for name in CONTROLS[judge.sense][1]:
        spoilt = judge.predict(control(name, clips, seed, judge.sense))
        kept = agreement(true, spoilt, people, seed, ("spearman", "mae_nrs"))
        controls[name] = {"spearman": _row(kept["spearman"]), "mae_nrs": kept["mae_nrs"].value}
    rho = found["spearman"].value
    unmoved = [name for name, row in controls.items() if rho > 0.0 and row["spearman"]["value"] >= BROKEN_SHARE * rho]
    return _identified(card, clips) | {
        "measures": {name: _row(value) for name, value in found.items()},
        "majority_rate": majority,
        "permutation_p": p,
        "controls": controls,
        "verdict": _verdict(unmoved, p, found["accuracy"].value, majority),
        "coupling": _coupling(clips, judge.sense, seed),
        "sessions": _sessions(judge, clips, seed) if isinstance(judge, SessionJudge) else None,
    }


def _row(found: Interval) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _identified(card: JudgeCard, clips: list[Clip]) -> dict[str, Any]:
    """Who judges whom."""
    return {
        "judge": {"kind": card.kind, "lineage": list(card.lineage), "sha256": card.sha256},
        "clips": len(clips),
        "people": len({clip.person for clip in clips}),
        "lineage": sorted({source for clip in clips for source in clip.lineage}),
        "wording": card.wording,
    }


def _course(judge: Judge, clips: list[Clip], seed: int) -> dict[str, Any]:
    """Report of a judge of dynamics."""
    from experiments.judges.course import KEEP_SIZE, score_course

    report = score_course(judge, clips, seed)
    deceived = [name for name in KEEP_SIZE if report["auc"][name]["low"] <= 0.5]
    verdict = "reads the course: faces that differ in nothing but time are distinguished from genuine ones"
    if deceived:
        verdict = f"BROKEN as a judge of dynamics: takes for genuine what is {' and what is '.join(deceived)}"
    return {"course": report, "verdict": verdict}


def _sessions(judge: SessionJudge, clips: list[Clip], seed: int) -> dict[str, Any] | None:
    """Agreement of a judge's session ratings with the rater's, also with its attention dealt out anew."""
    sessions = sessions_of(clips, seed)
    people = [session.person for session in sessions]
    if len(set(people)) < MIN_PEOPLE:
        return None
    true = np.array([session.rating for session in sessions])
    predicted = judge.rate(clips, sessions)
    found = agreement(true, predicted, people, seed)
    shuffled = agreement(true, judge.rate(clips, sessions, shuffle=seed), people, seed, ("mae_nrs",))
    return {
        "sessions": len(sessions),
        "measures": {name: _row(value) for name, value in found.items()},
        "majority_rate": majority_rate(true),
        "permutation_p": permutation_p(true, predicted, seed),
        "mae_nrs_attention_shuffled": _row(shuffled["mae_nrs"]),
    }


def _verdict(unmoved: list[str], p: float, accuracy: float, majority: float) -> str:
    """One sentence on what may be made of the judge; ``unmoved`` are the spoilings that it does not mind."""
    if p > 0.05:
        return "no better than chance: what it says of these clips is not to be used"
    if SHUFFLED in unmoved:
        verdict = "BROKEN as a judge of dynamics: shuffled time is the same to it; read it as a judge of size only"
    elif accuracy <= majority:
        verdict = "ranks pains, but names their grade no better than always saying the commonest one"
    else:
        verdict = "usable for comparing generators of other lineages"
    others = [name for name in unmoved if name != SHUFFLED]
    return verdict + (f"; it ranks as well by {' and by '.join(others)}" if others else "")


def _coupling(clips: list[Clip], sense: str, seed: int) -> dict[str, Any]:
    """Lag, correlation, coherence and information of what is shown as it is and with each spoiling."""
    table = {}
    for name in ("as it is", *CONTROLS[sense][1]):
        shown = clips if name == "as it is" else control(name, clips, seed, sense)
        rows = [couple(clip.pain, course_of(clip, sense)) for clip in shown if clip.nrs > 0.0]
        table[name] = {
            field: float(np.nanmedian(values))
            if np.isfinite(values := [getattr(row, field) for row in rows]).any()
            else None
            for field in ("lag_s", "correlation", "coherence", "information_bits")
        }
    return table
