"""A face generator and every baseline measured on held-out people: figures, and a page with plots, tables and films."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np

from experiments.benchmarks.figures import Baseline, Figure, Result, machine, new_result, say, show, value
from firmware_bridge.outputs import new_folder
from policies.corpus.recipe import load_recipe
from policies.corpus.simulator import CorpusDesign, simulate
from policies.corpus.store import Corpus, load
from policies.errors import PolicyError
from policies.face_baselines import BASELINES
from policies.face_baselines.keeping import corpus_key, fit_or_read
from policies.face_evaluate import FULL, QUICK, TO_BEAT, FaceEvaluation, evaluate
from policies.face_generators import Generator
from policies.face_metrics.drift import Drift
from policies.face_report.page import verdicts, write_report
from policies.face_shipped import Shipped
from policies.statistics.resampling import Interval
from robopatient.config import FaceConfig
from robopatient.face.cache import cache_folder

__all__ = ["drift_figures", "evaluate_generator", "open_generator"]

QUICK_DESIGN = CorpusDesign(subjects=24, palpation_trials=4, thermal_trials=1, trial_s=8.0, test_share=0.25)
SIMULATED = "simulated"


def evaluate_generator(
    *,
    generator: str = "",
    corpus: Path | None = None,
    out: Path = Path("face-evaluation"),
    baselines: tuple[str, ...] | None = None,
    quick: bool = False,
    faces: bool = True,
    seed: int = 1,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Measure a generator and every baseline on held-out people; write ``report.html`` and print the figures.

    Parameters
    ----------
    generator
        Name under ``assets/generators``, a folder, or the name of a baseline; empty: the one that a session uses.
    corpus
        File of ``face import`` or of the simulator; None: the one that the shipped generator was trained on.
    baselines
        Names; None: all.
    force
        Write over an evaluation that is in ``out``.
    quick
        A small corpus and seconds of training: to see that everything works, not to believe.

    Raises
    ------
    RobopatientError
        When the generator or the corpus cannot be used.
    """
    import torch

    torch.set_num_threads(1)
    chosen = tuple(BASELINES) if baselines is None else baselines
    _check_names(chosen)
    with new_folder(out, force=force) as part:
        result, printed = _evaluated(generator, corpus, part, chosen, quick, faces, seed)
    if as_json:
        show(printed, as_json)
    else:
        _print(result)
        print(f"report: {out / 'report.html'}")


def _evaluated(
    generator: str, corpus: Path | None, out: Path, chosen: tuple[str, ...], quick: bool, faces: bool, seed: int
) -> tuple[FaceEvaluation, Result]:
    """What was measured, in both shapes; page and figures are in ``out``."""
    plan, effort = (QUICK, "quick") if quick else (FULL, "full")
    material = _corpus(corpus, quick)
    kept = None if quick else cache_folder().parent / "face_baselines"
    key = corpus_key(material)
    ours = open_generator(generator, material, key, seed, effort, kept)
    generators: dict[str, Generator] = {ours.name: ours}
    for name in chosen:
        if name != ours.name:
            say(name)
            generators[name] = fit_or_read(name, material, key, seed, effort, kept, say)  # type: ignore[arg-type]
    recipe = load_recipe() if material.origin.startswith(SIMULATED) else None
    result = evaluate(material, generators, plan, seed, recipe, say)
    path = out / "report.html"
    write_report(result, path, _about(result, material, quick), faces, say)
    figures = _figures(result)
    compared = [
        Baseline(name, [_figure(metric, result.summary[name][metric]) for metric in _metrics()])
        for name in result.names
        if name != result.ours
    ]
    printed = new_result("face", figures, compared, machine(), seed)
    (out / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(printed), indent=1))
    return result, printed


def open_generator(
    name: str, corpus: Corpus, key: str, seed: int, effort: str = "full", kept: Path | None = None
) -> Generator:
    """Generator under test: a checkpoint, or a baseline fitted to the corpus."""
    if name in BASELINES:
        return fit_or_read(name, corpus, key, seed, effort, kept, say)  # type: ignore[arg-type]
    return Shipped(name or FaceConfig().checkpoint)


def _corpus(path: Path | None, quick: bool) -> Corpus:
    if path is not None:
        return load(path)
    if quick:
        return simulate(QUICK_DESIGN, 1, load_recipe())
    from policies.train_face import corpus_of, read_training  # accelerate, which takes seconds

    say("simulating the corpus of the shipped training file")
    return corpus_of(read_training(None))


def _metrics() -> tuple[str, ...]:
    return (*TO_BEAT, "pain_divrs_ratio", "pain_var_ratio", "PainSim", "PainCorr", "PainAcc", "PainDist")


def _figure(name: str, one: Interval, of: str = "people") -> Figure:
    number = float(one.value) if np.isfinite(one.value) else None
    remark = f"95 % interval over {one.n} {of} {one.low:.4g} to {one.high:.4g}"
    return Figure(name, value=number, n=one.n, remark=remark if number is not None else "nothing to measure")


def _figures(result: FaceEvaluation) -> list[Figure]:
    """Ours, with what was reached of the targets."""
    reached = {what.split(" ")[0]: met for what, _, met in verdicts(result)}
    figures = []
    for name in _metrics():
        met = reached.get(name) if result.ahead else None
        if name in ("pain_divrs_ratio", "pain_var_ratio"):
            met = 0.9 <= result.summary[result.ours][name].value <= 1.1
        figures.append(msgspec.structs.replace(_figure(name, result.summary[result.ours][name]), met=met))
    dose, own = result.dose[result.ours], result.dose["held-out"]
    gap = abs(dose.value - own.value)
    if np.isfinite(gap):
        figures.append(
            msgspec.structs.replace(
                value("dose_response_difference", round(gap, 4), at_most=0.05, n=dose.n),
                remark=f"Spearman over trials of a person: {dose.value:.3f}, held-out {own.value:.3f}",
            )
        )
    swaps = result.swaps[result.ours]
    passed = sum(one.passed for one in swaps)
    figures.append(value("controls_in_the_right_direction", passed, at_least=len(swaps), n=len(swaps)))
    for nrs, one in result.presses.get(result.ours, {}).items():
        people = result.presses["held-out"][nrs]
        remark = f"peak PSPI of a short press at pain {nrs:g}; held-out people {people.value:.2f}"
        figures.append(msgspec.structs.replace(_figure(f"short_press_pspi_nrs_{nrs:g}", one), remark=remark))
    if result.ours in result.drift:
        figures += drift_figures(result.drift[result.ours])
    return figures


def drift_figures(drift: Drift) -> list[Figure]:
    """Change of variance and of PSPI over a drift, with their targets."""
    return [
        _between(_figure("drift_variance_ratio", drift.variance_ratio, "faces"), 0.9, 1.1),
        _between(_figure("drift_pspi_change", drift.pspi_change, "faces"), -0.05, 0.05),
    ]


def _print(result: FaceEvaluation) -> None:
    """A row a generator, and what was reached: the page holds the rest."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "generator", *_metrics()[:8], title="means over held-out people; lower is better but for r and FRCorr"
    )
    for name in result.names:
        table.add_row(name, *(f"{result.summary[name][metric].value:.3g}" for metric in _metrics()[:8]))
    reached = Table("target", "found", "reached", box=None)
    for what, found, met in verdicts(result):
        reached.add_row(what, found, "yes" if met else "no")
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table, reached)


def _between(figure: Figure, low: float, high: float) -> Figure:
    assert figure.value is not None
    return msgspec.structs.replace(figure, target={"from": low, "to": high}, met=bool(low <= figure.value <= high))


def _about(result: FaceEvaluation, corpus: Corpus, quick: bool) -> list[tuple[str, str]]:
    facts = machine()
    people = len({case.subject for case in result.cases})
    lines = [
        ("corpus", corpus.origin),
        ("trained on", f"{len(corpus.subjects('train'))} people, {len(corpus.of('train'))} sequences"),
        ("held out", f"{people} people, {len(result.cases)} clips of up to {result.plan.clip_s:g} s"),
        ("tries", f"{result.plan.tries} a clip; baselines below {result.plan.slow_fps:g} frames a processor second: "
         f"{result.plan.slow_tries}, on {result.plan.slow_clips} clip of {result.plan.slow_subjects} people"),
        ("machine", f"{facts['cores']} cores, load {facts['load_1m']}, Python {facts['python']}"),
        ("seed", str(result.seed)),
    ]  # fmt: skip
    if quick:
        lines.append(
            ("quick", "a small corpus and seconds of training: this page shows that everything works, no more")
        )
    return lines


def _check_names(names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise PolicyError(f'no baseline "{unknown[0]}"; choose among {", ".join(BASELINES)}')
