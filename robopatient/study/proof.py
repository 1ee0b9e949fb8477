"""Proof that a study is balanced: the lists of its first participants are made and counted."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

from robopatient.study.designs import williams
from robopatient.study.duration import Balance, balance_of
from robopatient.study.study import Study
from robopatient.study.trials import Person

__all__ = ["Proof", "prove"]


class Proof(NamedTuple):
    """What the lists hold, one entry a list, the hash of the first, and what is wrong: nothing when balanced."""

    balances: list[Balance]
    design_sha256: str
    problems: list[str]


def prove(study: Study, participants: int) -> Proof:
    """Look at the lists of a study's first participants, in every session.

    Every trial's stimulus is made, so that a level that cannot be presented is found here.
    """
    plans = [
        study.plan(Person(f"P{number:02d}", session, study.file.seed))
        for number in range(1, participants + 1)
        for session in range(1, study.file.sessions + 1)
    ]
    again = study.plan(plans[0].person)
    balances = [balance_of(study, plan) for plan in plans]
    problems = [] if again == plans[0] else ["the same seed gave two lists: study.py draws from elsewhere"]
    exact = study.file.design.order != "independent"
    problems += [
        f"{plan.person.code}, session {plan.person.session}: {balance.cells} of {balance.of_cells} cells, each "
        f"{balance.least} to {balance.most} times"
        for plan, balance in zip(plans, balances, strict=True)
        if exact and not balance.is_balanced
    ]
    problems += _order_problems(study, [tuple(b.name for b in plan.blocks if b.name != "practice") for plan in plans])
    return Proof(balances, plans[0].sha256, problems)


def _order_problems(study: Study, orders: list[tuple[str, ...]]) -> list[str]:
    """Whether the blocks' orders are balanced over a full Latin square of participants."""
    if not study.file.design.blocks_by and len(set(orders)) < 2:
        return []
    size = len(orders[0])
    rows = len(williams(size))
    if len(orders) < rows * study.file.sessions:
        return []  # fewer participants than rows: nothing can be said
    square = orders[: rows * study.file.sessions]
    places = Counter((place, name) for order in square for place, name in enumerate(order))
    carried = Counter(pair for order in square for pair in itertools.pairwise(order))
    if len(set(places.values())) > 1 or len(set(carried.values())) > 1:
        return [f"order of blocks: not balanced over {rows} participants ({dict(carried)})"]
    return []
