"""The verbs of judges of pain expressions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from robopatient.command import FixedSeed, Force, Json, print_json

app = typer.Typer()


@app.command("list", epilog="Example: robopatient judge list")
def list_judges() -> None:
    """List kinds of judges, and sources of clips."""
    from experiments.judges.judge import KINDS
    from experiments.judges.sources import SOURCES
    from robopatient.config import reference

    print("judges:")
    for name, where in KINDS.items():
        print(f"  {name:12} {_first_line(reference(name, {name: where}).__doc__)}")
    print("sources:")
    for name, function in SOURCES.items():
        print(f"  {name:12} {_first_line(function.__doc__)}")


@app.command("train", epilog="Example: robopatient judge train ridge corpus --out judge")
def train_judge(
    kind: Annotated[str, typer.Argument(help="A kind of: robopatient judge list.")],
    source: Annotated[
        str, typer.Argument(help="corpus, engine:NAME, voice:NAME, dataset:FOLDER, session:FOLDER, table:CSV.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the judge.")],
    seed: FixedSeed = 1,
    force: Force = False,
) -> None:
    """Train a judge on one source and freeze it with a card and a hash."""
    from experiments.judges.evaluator import refuse_senseless
    from experiments.judges.judge import JudgeCard, new_judge, save_judge
    from experiments.judges.sources import load_clips
    from firmware_bridge.outputs import new_folder

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


@app.command("score", epilog="Example: robopatient judge score judge engine:blend")
def score_clips(
    judge: Annotated[Path, typer.Argument(help="Folder of a judge.")],
    source: Annotated[str, typer.Argument(help="As for training; refused when both share a lineage.")],
    seed: FixedSeed = 1,
    json: Json = False,
) -> None:
    """Score clips of another lineage with a frozen judge, with intervals and negative controls."""
    from experiments.judges.evaluator import score
    from experiments.judges.judge import load_judge
    from experiments.judges.sources import load_clips

    found, card = load_judge(judge)
    report = score(found, card, load_clips(source, seed), seed)
    if json:
        print_json(report)
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
