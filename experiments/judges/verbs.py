"""The verbs ``judge list``, ``judge train`` and ``judge score``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.judges.evaluator import refuse_senseless, score
from experiments.judges.judge import KINDS, JudgeCard, load_judge, new_judge, save_judge
from experiments.judges.sources import SOURCES, load_clips
from firmware_bridge.outputs import new_folder
from robopatient.config import reference

__all__ = ["list_judges", "score_clips", "train_judge"]


def list_judges() -> None:
    """Print kinds of judges and sources of clips."""
    print("judges:")
    for name, where in KINDS.items():
        print(f"  {name:12} {_first_line(reference(name, {name: where}).__doc__)}")
    print("sources:")
    for name, function in SOURCES.items():
        print(f"  {name:12} {_first_line(function.__doc__)}")


def train_judge(kind: str, source: str, out: Path, seed: int = 1, force: bool = False) -> None:
    """Train a judge on a source and freeze it."""
    with new_folder(out, [source.partition(":")[2]], force) as part:
        judge, clips = new_judge(kind), load_clips(source, seed)
        refuse_senseless(judge, clips)
        judge.fit(clips, seed)
        lineage = tuple(sorted({name for clip in clips for name in clip.lineage})) if judge.weights() else ()
        people = len({clip.person for clip in clips})
        card = JudgeCard(kind=kind, lineage=lineage, source=source, clips=len(clips), people=people, seed=seed)
        card = save_judge(part, judge, card)
    print(f"{out}: {kind} learnt from {len(clips)} clips of {people} people ({', '.join(lineage) or 'nothing'})")
    print(f"frozen as {card.sha256[:12]}…; score others with: robopatient judge score {out} SOURCE")


def score_clips(judge: Path, source: str, seed: int = 1, as_json: bool = False) -> None:
    """Print what a frozen judge makes of a source."""
    found, card = load_judge(judge)
    report = score(found, card, load_clips(source, seed), seed)
    if as_json:
        print(json.dumps(report))
        return
    print(f"{card.kind} (learnt from {', '.join(card.lineage) or 'nothing'}) on {source}: {report['clips']} clips of "
          f"{report['people']} people")  # fmt: skip
    if "course" in report:
        print(f"genuine against spoilt, {report['course']['clips']} clips that show pain; chance is 0.5:")
        for name, value in report["course"]["auc"].items():
            _print_row(name, value, f"   permutation p {value['p']:.3f}")
    else:
        _print_pain(report)
    print(f"{report['verdict']} ({report['wording']})")


def _print_row(name: str, value: dict[str, float], more: str = "") -> None:
    print(f"  {name:18} {value['value']:6.3f}   95 % {value['low']:.3f} to {value['high']:.3f}{more}")


def _print_pain(report: dict[str, Any]) -> None:
    for name, value in report["measures"].items():
        _print_row(name, value)
    print(f"  majority rate      {report['majority_rate']:6.3f}   permutation p {report['permutation_p']:.3f}")
    for name, value in report["controls"].items():
        print(f"  {name:18} Spearman {value['spearman']['value']:6.3f}   MAE {value['mae_nrs']:.2f} NRS")
    if report["sessions"]:
        _tell_sessions(report["sessions"])
    print("coupling with the pain behind it (medians over clips with pain):")
    for name, row in report["coupling"].items():
        print(f"  {name:18} " + ", ".join(f"{k} {v:.2f}" if v is not None else f"{k} -" for k, v in row.items()))


def _tell_sessions(rated: dict[str, Any]) -> None:
    print(f"whole sessions: {rated['sessions']}, one rating each")
    for name in ("mae_nrs", "spearman", "icc31", "macro_f1"):
        _print_row(name, rated["measures"][name])
    print(f"  mae_nrs with attention dealt out anew {rated['mae_nrs_attention_shuffled']['value']:.3f}")


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]
