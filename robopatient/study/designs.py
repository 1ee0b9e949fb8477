"""Designs as lists of trials: full crossing, the published independent permutations, Latin squares, hidden repeats.

All functions are pure: the same generator state gives the same list.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from robopatient.errors import ConfigError
from robopatient.study.order import arrange, fits
from robopatient.study.trials import Factors, Level, Trial

__all__ = [
    "crossed",
    "factorial",
    "independent",
    "insert_catch",
    "insert_repeats",
    "replications",
    "williams",
    "williams_row",
]

Levels = Mapping[str, Sequence[Level]]


def crossed(factors: Levels) -> list[Factors]:
    """Every combination of levels once, the last factor fastest."""
    return [dict(zip(factors, cell, strict=True)) for cell in itertools.product(*factors.values())]


def factorial(
    factors: Levels, rng: np.random.Generator, replications: int = 1, max_run: Mapping[str, int] | None = None
) -> list[Trial]:
    """Every combination ``replications`` times, in one random order that keeps ``max_run``.

    Parameters
    ----------
    max_run
        For a factor, the most trials in a row that may have one level.

    Raises
    ------
    ConfigError
        When no order keeps the limits.
    """
    cells = crossed(factors) * replications
    order = arrange(cells, rng, max_run or {})
    return [Trial(cells[index]) for index in order]


def independent(factors: Levels, rng: np.random.Generator, n_trials: int) -> list[Trial]:
    """The published study's list: a permutation of its own for every factor.

    Each level comes equally often but the combinations do not: of 192 cells some 124 occur (arXiv 2506.11827, its
    public script). For replications only.

    Raises
    ------
    ConfigError
        When the levels of a factor do not divide the number of trials.
    """
    columns: dict[str, list[Level]] = {}
    for name, levels in factors.items():
        if n_trials % len(levels):
            raise ConfigError(
                f"factors.{name}: {len(levels)} levels cannot come equally often in {n_trials} trials; "
                f"use {n_trials - n_trials % len(levels)} or {n_trials + len(levels) - n_trials % len(levels)}"
            )
        column = list(levels) * (n_trials // len(levels))
        columns[name] = [column[index] for index in rng.permutation(n_trials)]
    return [Trial({name: column[row] for name, column in columns.items()}) for row in range(n_trials)]


def insert_repeats(
    trials: Sequence[Trial], rng: np.random.Generator, count: int, gap: int, max_run: Mapping[str, int] | None = None
) -> list[Trial]:
    """The list with ``count`` of its main trials presented again unannounced, at least ``gap`` trials later.

    Raises
    ------
    ConfigError
        When the list is too short for them, or no place keeps ``max_run``.
    """
    chosen = list(trials)
    mains = [index for index, trial in enumerate(chosen) if trial.kind == "main"]
    if count > len(mains) or (count and len(chosen) <= gap):
        raise ConfigError(
            f"design: {count} hidden repeats at least {gap} trials after their first do not fit {len(chosen)} trials; "
            "lower design.repeats_share or design.repeat_gap"
        )
    # Originals from the early part, where a place after the gap is left; those drawn later serve when one has none.
    candidates = [int(index) for index in rng.permutation(mains)]
    candidates.sort(key=lambda index: index > len(trials) - gap)  # stable: keeps the random order within each part
    done = 0
    keys: list[int] = list(range(len(chosen)))  # which trial of the original list each one is, repeats negative
    for original in candidates:
        if done == count:
            break
        at = keys.index(original)
        places = range(at + gap, len(chosen) + 1)
        for offset in rng.permutation(len(places)):
            place = places[int(offset)]
            if fits([one.factors for one in chosen], chosen[at].factors, place, max_run or {}):
                chosen.insert(place, Trial(chosen[at].factors, "repeat", original, chosen[at].staircase))
                keys.insert(place, -1)
                done += 1
                break
    if done < count:
        raise ConfigError(
            f"design: only {done} of {count} hidden repeats find a place that keeps design.max_run; lower "
            "design.repeats_share or allow longer runs"
        )
    where = {key: index for index, key in enumerate(keys) if key >= 0}
    return [
        Trial(one.factors, one.kind, where[one.repeat_of], one.staircase) if one.repeat_of >= 0 else one
        for one in chosen
    ]


def insert_catch(
    trials: Sequence[Trial],
    rng: np.random.Generator,
    catches: Sequence[Factors],
    max_run: Mapping[str, int] | None = None,
) -> list[Trial]:
    """The list with catch trials spread over it: one at a random place of each equal part, ``max_run`` kept.

    Raises
    ------
    ConfigError
        When a part has no place that keeps ``max_run``.
    """
    result = list(trials)
    order = [catches[int(index)] for index in rng.permutation(len(catches))]
    for number in reversed(range(len(order))):  # from the end, so that the places before stay where they are
        first, last = (len(trials) * part // len(order) for part in (number, number + 1))
        for offset in rng.permutation(last - first + 1):
            place = first + int(offset)
            if fits([one.factors for one in result], order[number], place, max_run or {}):
                result.insert(place, Trial(dict(order[number]), "catch"))
                break
        else:
            raise ConfigError(
                f"design.catch: no place for a catch trial between trials {first} and {last} keeps design.max_run; "
                "allow longer runs"
            )
    return result


def williams(n: int) -> list[list[int]]:
    """Rows of a Williams square for ``n`` conditions: each at every place, each after every other, equally often.

    ``n`` rows when n is even, 2 n when it is odd (Williams 1949).
    """
    first = [(n - step // 2) % n if step % 2 == 0 else (step + 1) // 2 for step in range(n)]
    rows = [[(one + shift) % n for one in first] for shift in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def williams_row(n: int, number: int) -> list[int]:
    """Order of ``n`` conditions for participant ``number``, from 0."""
    rows = williams(n)
    return rows[number % len(rows)]


def replications(n_trials: int, factors: Levels) -> int:
    """How often a list of ``n_trials`` holds every combination.

    Raises
    ------
    ConfigError
        When it cannot hold all equally often: naming the numbers of trials that can.
    """
    cells = math.prod(len(levels) for levels in factors.values())
    if n_trials < cells or n_trials % cells:
        below = n_trials - n_trials % cells
        names = " x ".join(f"{len(levels)} {name}" for name, levels in factors.items())
        numbers = " or ".join(str(number) for number in (below, below + cells) if number)
        raise ConfigError(
            f"design.trials: {n_trials} trials cannot hold the {cells} cells of {names} equally often; use {numbers}"
        )
    return n_trials // cells
