"""Duration of a session and contents of a design: the figures that ``study check`` prints."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from robopatient.study.order import longest_run
from robopatient.study.study import SessionPlan, Study
from robopatient.study.trials import Level, Stimulus, Trial, TrialBlock

__all__ = ["Balance", "balance_of", "seconds_of"]

PRESS_S = 1.0
"""From the open window to the trigger (published trials: median 1.0 to 1.3 s)."""
AWAY_S = 0.8
"""From the trigger until the hand has left (published contact: median 1.1 to 1.5 s, half of it before the trigger)."""
ANSWER_S = 2.0
"""Assumption: the published rigs took 7 to 8 s a trial, of which 4 s are fixed."""
READING_S = 90.0
"""Consent and instructions (assumption)."""


class Balance(msgspec.Struct, frozen=True):
    """What a session's list holds.

    Attributes
    ----------
    kinds
        Trials by kind.
    cells, of_cells
        Different combinations of levels among the main trials, and how many there are, block by block.
    least, most
        How often the rarest and the most frequent combination occur.
    levels
        For each factor, main trials by level.
    runs
        For each factor, most equal levels in a row over all trials of a block.
    repeat_gap
        Least distance of a hidden repeat from its first, trials; 0 without repeats.
    minutes
        Expected length of the session.
    """

    kinds: dict[str, int]
    cells: int
    of_cells: int
    least: int
    most: int
    levels: dict[str, dict[str, int]]
    runs: dict[str, int]
    repeat_gap: int
    minutes: float

    @property
    def is_balanced(self) -> bool:
        """Whether every combination occurs equally often."""
        return self.cells == self.of_cells and self.least == self.most


def balance_of(study: Study, plan: SessionPlan) -> Balance:
    """Count a list."""
    mains = [trial for trial in plan.trials if trial.kind == "main"]
    names = [name for name in (mains[0].factors if mains else ()) if not _chosen(study, name)]
    tables = [_cells(block, names) for block in plan.blocks]
    counts = Counter({(place, cell): count for place, table in enumerate(tables) for cell, count in table.items()})
    levels = {
        name: {_word(level): count for level, count in _sorted(Counter(trial.factors[name] for trial in mains))}
        for name in names
    }
    own = {name: found for name in names if len(found := {trial.factors[name] for trial in mains}) > 1}
    runs = {
        name: max(
            longest_run([trial.factors.get(name) for trial in block.trials])
            for block in plan.blocks
            if block.name != "practice"
        )
        for name in own
    }
    gaps = [
        place - trial.repeat_of
        for block in plan.blocks
        for place, trial in enumerate(block.trials)
        if trial.repeat_of >= 0
    ]
    return Balance(
        kinds=dict(Counter(trial.kind for trial in plan.trials)),
        cells=len(counts),
        of_cells=sum(_crossing(table) for table in tables),
        least=min(counts.values(), default=0),
        most=max(counts.values(), default=0),
        levels=levels,
        runs=runs,
        repeat_gap=min(gaps, default=0),
        minutes=seconds_of(study, plan) / 60.0,
    )


def _cells(block: TrialBlock, names: Sequence[str]) -> Counter[tuple[Level | None, ...]]:
    """How often each combination occurs among a block's main trials."""
    return Counter(tuple(trial.factors.get(name) for name in names) for trial in block.trials if trial.kind == "main")


def _crossing(table: Counter[tuple[Level | None, ...]]) -> int:
    """How many combinations the levels of a block have."""
    return math.prod(len(set(column)) for column in zip(*table, strict=True)) if table else 0


def seconds_of(study: Study, plan: SessionPlan) -> float:
    """Expected length of a session."""
    total_s = READING_S
    for trial in plan.trials:
        total_s += _trial_s(study, trial, study.stimulus(plan.person, _with_levels(study, trial)))
    return total_s + study.file.design.break_s * _breaks(study, plan)


def _trial_s(study: Study, trial: Trial, stimulus: Stimulus) -> float:
    press = study.file.press
    if stimulus.trigger == "begin":
        shown_s = stimulus.react_s
    elif press.ends == "time":
        shown_s = max(press.window_s, PRESS_S + stimulus.react_s)
    else:
        shown_s = PRESS_S + max(AWAY_S, stimulus.react_s)
    return press.ready_s + shown_s + ANSWER_S + press.pause_s


def _breaks(study: Study, plan: SessionPlan) -> int:
    every = study.file.design.break_every
    sizes = [len(block.trials) for block in plan.blocks if block.name != "practice"]
    within = sum((size - 1) // every for size in sizes) if every else 0
    return within + max(0, len(sizes) - 1)


def _with_levels(study: Study, trial: Trial) -> dict[str, Level]:
    """Factors of a trial, with the lowest level where a staircase chooses."""
    if not trial.staircase:
        return trial.factors
    config = study.file.staircases[trial.staircase]
    return {**trial.factors, config.factor: config.low}


def _chosen(study: Study, name: str) -> bool:
    return any(config.factor == name for config in study.file.staircases.values())


def _sorted(counts: Counter[Level]) -> Sequence[tuple[Level, int]]:
    return sorted(counts.items(), key=lambda item: (isinstance(item[0], str), item[0]))


def _word(level: Level) -> str:
    return level if isinstance(level, str) else f"{level:g}"
