"""A study with simulated participants, for its power and for the tests."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from experiments.studies.lab import RATE_HZ, SimulatedSession
from experiments.studies.simulated_people import SimulatedPerson, factors_without_effect, people_of, read_effects
from firmware_bridge.outputs import claim_folder
from policies.worker_pool import on_cores
from robopatient.errors import ConfigError, RecordError, RobopatientError
from robopatient.record.reader import Record
from robopatient.session.study_run import config_of
from robopatient.study.study import load_study
from robopatient.study.trials import Person

__all__ = ["simulate"]

QUICK = ("voice.device=none", "record.report=false", f"board.rate_hz={RATE_HZ:g}", "face.engine=blend")
"""What every simulated session is, unless ``--set`` says otherwise."""


class _Job(NamedTuple):
    """One session to run."""

    study: str
    code: str
    session: int
    person: SimulatedPerson
    folder: str
    keep_all: bool
    overrides: list[str]


def simulate(
    name: str,
    listeners: str,
    participants: int,
    out: Path,
    sessions: int,
    seed: int,
    workers: int,
    keep_all: bool,
    speed: str,
    overrides: list[str],
    effects: str = "",
    resume: bool = False,
) -> None:
    """Run every session of ``participants`` simulated people.

    Parameters
    ----------
    sessions
        How many of the study's sessions; 0: all.
    keep_all
        Record forces, commands, sound and pictures too, not only trials.
    speed
        "max", or how many times faster than life, as a number.
    effects
        Of factors that no simulated person knows, see ``read_effects``.
    resume
        With the same other arguments as before: keep the sessions in ``out`` that came to their end, and run the
        others, those that did not end anew.

    Raises
    ------
    ConfigError
        When the speed or an effect is none.
    RecordError
        When the folder holds sessions, without ``resume``; or one that is not simulated.
    """
    study = load_study(name)
    pace = _pace(speed)
    declared = read_effects(effects, study)
    unheeded = [
        name for name in factors_without_effect(study, Person("S01", 1, study.file.seed)) if name not in declared
    ]
    if unheeded:
        print(
            f"{', '.join(unheeded)}: simulated people do not know what this changes, so it changes no answer; declare "
            f"an effect with --effects {unheeded[0]}=1.5 (SDs of one answer, from the first level to the last)",
            file=sys.stderr,
        )
    claim_folder(out)
    people = people_of(listeners, participants, seed)  # fitted once: it takes as long as a session
    for person in people:
        person.effects = {name: (study.file.factors[name], size) for name, size in declared.items()}
    count = sessions or study.file.sessions
    jobs = []
    for index in range(participants):
        code = f"S{index + 1:02d}"
        for session in range(1, min(count, study.file.sessions) + 1):
            study.plan(Person(code, session, study.file.seed))
            folder = out / f"{study.name}_{code}_s{session}"
            if folder.exists():
                if not resume:
                    raise RecordError(
                        f"{folder}: is there already; go on with --resume, or choose another folder with --out"
                    )
                if _finished(folder):
                    continue
                shutil.rmtree(folder)
            given = [*QUICK, *overrides]
            jobs.append(_Job(name, code, session, people[index], str(folder), keep_all, given))
    if not jobs:
        print(f"{out}: all sessions are there")
        return
    begun_s = time.monotonic()
    answered = 0
    statuses: Counter[str] = Counter()
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    finished = on_cores(_run, [(job, pace) for job in jobs], workers)
    for number, (_, (trials, counts, life_s)) in enumerate(finished, 1):
        answered += trials
        statuses.update(counts)
        spent_s = time.monotonic() - begun_s
        left_s = spent_s / number * (len(jobs) - number)
        line = f"{number} of {len(jobs)} sessions, {life_s / 60:.0f} min simulated in the last; {left_s:.0f} s left"
        print(line, file=sys.stderr)
    spent_s = time.monotonic() - begun_s
    counted = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    print(
        f"{out}: {answered} trials of {participants} participants ({counted}) in {spent_s:.0f} s, {workers} processes"
    )
    print(f"to analyse: robopatient study analyse {out} --out {out / 'analysis'}")


def _finished(folder: Path) -> bool:
    """Whether a simulated session came to its end.

    Raises
    ------
    RecordError
        When it cannot be read, or people took part in it.
    """
    if not (folder / "record.sqlite").exists():
        if any(folder.iterdir()):
            raise RecordError(f"{folder}: holds files but no record; choose another folder with --out")
        return False
    with Record(folder) as record:
        if "simulated" not in record.start.machine:
            raise RecordError(f"{folder}: is no simulated session; choose another folder with --out")
        stop = record.stop
    return stop is not None and stop.reason == "done"


def _pace(speed: str) -> float:
    """Times faster than life; 0 without a limit."""
    if speed == "max":
        return 0.0
    try:
        pace = float(speed)
    except ValueError:
        pace = 0.0
    if not pace > 0.0:
        raise ConfigError(f'--speed "{speed}": write max, or a number such as 1 (as in life) or 10')
    return pace


def _run(task: tuple[_Job, float]) -> tuple[int, Counter[str], float]:
    """One session, in a process of its own."""
    job, pace = task
    study = load_study(job.study)
    person = Person(job.code, job.session, study.file.seed)
    job.person.begin(job.session)
    config = config_of(study, person, [*job.overrides, f"study.session={job.session}"])
    try:
        lab = SimulatedSession(config, Path(job.folder), job.person, "all" if job.keep_all else "trials", pace=pace)
        answered = lab.run()
    except RobopatientError as error:
        raise ConfigError(f"{job.code}, session {job.session}: {error}") from None
    return answered, Counter(row.status for row in lab.rows), lab.now_ns * 1e-9
