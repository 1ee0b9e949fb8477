"""The verbs ``study list``, ``check`` and ``delete``."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from robopatient.errors import ConfigError, RecordError
from robopatient.record.info import read_info
from robopatient.record.library import Library
from robopatient.record.reader import Record
from robopatient.session.study_run import DEMOGRAPHICS
from robopatient.study.designs import williams
from robopatient.study.duration import Balance, balance_of
from robopatient.study.study import Study, load_study, study_names
from robopatient.study.trials import Person

__all__ = ["check", "delete", "list_studies"]


def list_studies(as_json: bool) -> None:
    """Print the shipped studies: trials and minutes of a session, and what each is about."""
    rows = []
    for name in study_names():
        study = load_study(name)
        balance = balance_of(study, study.plan(Person("P01", 1, study.file.seed)))
        rows.append(
            {
                "name": name,
                "title": study.file.title,
                "sessions": study.file.sessions,
                "trials": sum(count for kind, count in balance.kinds.items() if kind != "practice"),
                "minutes": round(balance.minutes),
            }
        )
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(box=None)
    for heading in ("study", "sessions", "trials", "minutes", "about"):
        table.add_column(heading, justify="left" if heading in ("study", "about") else "right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("name", "sessions", "trials", "minutes", "title")))
    Console().print(table)


def check(name: str, participants: int, as_json: bool) -> int:
    """Prove a study's balance on the lists of its first participants and print what they hold; 1 when it fails.

    Every trial's stimulus is made, so that a level that cannot be presented is found here.
    """
    study = load_study(name)
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
    if as_json:
        told = {
            "study": study.name,
            "balanced": not problems,
            "problems": problems,
            "design_sha256": plans[0].sha256,
            "cells": [balance.cells for balance in balances],
            "session": msgspec.to_builtins(balances[0]),
        }
        print(json.dumps(told))
    else:
        _print(study, balances, plans[0].sha256, problems)
    return 1 if problems else 0


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


def _print(study: Study, balances: list[Balance], sha256: str, problems: list[str]) -> None:
    console = Console()
    first = balances[0]
    minutes = [balance.minutes for balance in balances]
    cells = [balance.cells for balance in balances]
    console.print(f"[bold]{study.name}[/bold] {study.file.version}: {study.file.title}")
    table = Table(box=None, show_header=False)
    table.add_row("sessions of a participant", str(study.file.sessions))
    table.add_row("trials of a session", ", ".join(f"{count} {kind}" for kind, count in first.kinds.items()))
    spread = f"{min(cells)}" if min(cells) == max(cells) else f"{min(cells)} to {max(cells)}"
    table.add_row("distinct cells", f"{spread} of {first.of_cells}, each {first.least} to {first.most} times")
    for name, counts in first.levels.items():
        shown = ", ".join(f"{level}: {count}" for level, count in counts.items())
        run = f"  (at most {first.runs[name]} in a row)" if name in first.runs else ""
        table.add_row(name, shown + run)
    if first.repeat_gap:
        table.add_row("hidden repeats", f"at least {first.repeat_gap} trials after their first")
    for name, config in study.file.staircases.items():
        table.add_row(
            f"staircase {name}",
            f"{config.factor} from {config.low:g} to {config.high:g} in {config.steps} steps, {config.trials} trials",
        )
    table.add_row("duration of a session", f"{min(minutes):.0f} min expected, breaks included")
    table.add_row("question", study.file.question)
    table.add_row("design", sha256[:16])
    console.print(table)
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    if not problems and study.file.design.order == "independent":
        console.print(f"{len(balances)} lists: every level equally often; cells are not, as in the published script")
    elif not problems:
        console.print(f"{len(balances)} lists: balanced")


def delete(participant: str, folder: Path, yes: bool) -> None:
    """Remove all that is kept of a participant: their sessions of every study, and what they told of themselves.

    Raises
    ------
    ConfigError
        Without ``yes``: naming what would be removed.
    RecordError
        When nothing of this participant is there.
    """
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such folder; give the folder that holds the sessions with --folder")
    theirs = [place for place in sorted(folder.iterdir()) if place.is_dir() and _is_of(place, participant)]
    told = folder / DEMOGRAPHICS / f"{participant}.json"
    if not theirs and not told.exists():
        raise RecordError(f"{folder}: holds nothing of participant {participant}")
    names = [place.name for place in theirs] + ([f"{DEMOGRAPHICS}/{told.name}"] if told.exists() else [])
    if not yes:
        raise ConfigError(f"participant {participant}: {', '.join(names)} would be removed for good; add --yes")
    with Library(folder) as library:
        library.refresh()
        for place in theirs:
            library.delete(place.name)
            if place.exists():  # what was put there later is theirs too
                shutil.rmtree(place)
    told.unlink(missing_ok=True)
    for name in names:
        print(f"removed {name}")


def _is_of(place: Path, participant: str) -> bool:
    """Whether a folder holds a session of a participant's."""
    try:
        with Record(place) as record:
            config = read_info(record.start)
    except RecordError:
        return False
    return config.study.participant == participant
