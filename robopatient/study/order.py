"""Trial orders with a limit on runs: found by repair, with a proof of impossibility where there is one.

The limit counts for each factor by itself: no level more than so many times in a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from robopatient.errors import ConfigError
from robopatient.study.trials import Factors

__all__ = ["arrange", "fits", "longest_run"]

REPAIRS = 20_000
"""Swaps tried before the problem is called unsolvable (assumption: 192 trials of four factors take some 60)."""


def arrange(cells: Sequence[Factors], rng: np.random.Generator, max_run: Mapping[str, int]) -> list[int]:
    """Order of ``cells``, as indices, that keeps ``max_run``.

    A random order is repaired: the trial at the end of a run that is too long changes places with the one that leaves
    the fewest such runs, ties by chance (min-conflicts; Minton et al. 1992).

    Raises
    ------
    ConfigError
        Naming the factor and level that no order can spread, or the limits that were not met together.
    """
    order = [int(index) for index in rng.permutation(len(cells))]
    limits = {name: limit for name, limit in max_run.items() if cells}
    for name, limit in limits.items():
        _spreadable(cells, name, limit)
    codes = [_codes(cells, name) for name in limits]
    widths = list(limits.values())
    for _ in range(REPAIRS):
        bad = [place for place in range(len(order)) if _ends_run(order, codes, widths, place)]
        if not bad:
            return order
        place = bad[int(rng.integers(len(bad)))]
        best, choices = 1 << 30, [place]
        for other in range(len(order)):
            if other == place:
                continue
            before = _runs_about(order, codes, widths, place, other)
            order[place], order[other] = order[other], order[place]
            change = _runs_about(order, codes, widths, place, other) - before
            order[place], order[other] = order[other], order[place]
            if change < best:
                best, choices = change, [other]
            elif change == best:
                choices.append(other)
        other = choices[int(rng.integers(len(choices)))]
        order[place], order[other] = order[other], order[place]
    told = ", ".join(f"{name} {limit}" for name, limit in limits.items())
    raise ConfigError(
        f"design.max_run: no order of these {len(cells)} trials was found that keeps {told}; allow longer runs"
    )


def fits(cells: Sequence[Factors], cell: Factors, place: int, max_run: Mapping[str, int]) -> bool:
    """Whether ``cell`` may be inserted before ``place`` without a run that is too long."""
    for name, limit in max_run.items():
        about = [one.get(name) for one in cells[max(0, place - limit) : place]]
        about += [cell.get(name)]
        about += [one.get(name) for one in cells[place : place + limit]]
        if longest_run(about) > limit:
            return False
    return True


def longest_run(levels: Sequence[object]) -> int:
    """Most equal levels in a row; trials without the factor (None) end a run."""
    longest = run = 0
    before: object = None
    for level in levels:
        run = run + 1 if level is not None and level == before else int(level is not None)
        before = level
        longest = max(longest, run)
    return longest


def _spreadable(cells: Sequence[Factors], name: str, limit: int) -> None:
    """A level fits when the others cut its trials into groups of at most ``limit``."""
    counts = Counter(cell.get(name) for cell in cells)
    for level, count in counts.items():
        if level is not None and count > limit * (len(cells) - count + 1):
            raise ConfigError(
                f"design.max_run.{name} = {limit}: {count} of {len(cells)} trials have {name} {level}, more than any "
                f"order can spread (at most {limit * (len(cells) - count + 1)}); allow longer runs or add levels"
            )


def _codes(cells: Sequence[Factors], name: str) -> list[int]:
    """Level of a factor as a number, a different negative one for each cell that has none."""
    known: dict[object, int] = {}
    return [
        known.setdefault(cell[name], len(known)) if name in cell else -1 - index for index, cell in enumerate(cells)
    ]


def _ends_run(order: list[int], codes: list[list[int]], widths: list[int], place: int) -> bool:
    """Whether a run longer than allowed ends at ``place`` or goes on through it."""
    for code, width in zip(codes, widths, strict=True):
        if place >= width:
            level = code[order[place]]
            if all(code[order[place - back]] == level for back in range(1, width + 1)):
                return True
    return False


def _runs_about(order: list[int], codes: list[list[int]], widths: list[int], first: int, second: int) -> int:
    """Runs that are too long and touch either place."""
    places: set[int] = set()
    reach = max(widths)
    for place in (first, second):
        places.update(range(place, min(place + reach + 1, len(order))))
    count = 0
    for place in places:
        for code, width in zip(codes, widths, strict=True):
            if place >= width:
                level = code[order[place]]
                count += all(code[order[place - back]] == level for back in range(1, width + 1))
    return count
