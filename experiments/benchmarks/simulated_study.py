"""A whole study on disk without running one: sessions with trials of known origin, to time and test what reads them.

Answers come from a cumulative-link model with each person's own place on the scale, so that the analysis has something
to find again; ``TRUE_WEIGHTS`` are what it should find.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from robopatient import messages as m
from robopatient.record.writer import RecordWriter

__all__ = ["TRUE_CUTS", "TRUE_WEIGHTS", "simulated_trials", "write_session", "write_study"]

START_NS = 7_000_000_000_000
TRIAL_NS = 8_000_000_000
"""One trial in 8 s: as the published rig's."""
SOUNDS = (1.0, 2.0, 3.0)
GAINS = (1 / 27, 1 / 9, 1 / 3, 1.0)
RATES = (0.7, 0.9, 1.1, 1.3)
FORCES = (5.0, 10.0, 15.0, 20.0)
LABELS = ("strongly disagree", "disagree", "agree", "strongly agree")
TRUE_WEIGHTS = {"force_newton x amplitude": 0.2, "force_newton x pitch": -0.1, "amplitude^2": -0.15}
TRUE_CUTS = (-1.2, -0.2, 1.4)
PERSON_SD = 0.5


def simulated_trials(participant: str, session: int, trials: int, seed: int) -> list[m.TrialRecord]:
    """Rows of one session: the crossed list in random order, again and again, one missed attempt in twenty."""
    random = np.random.default_rng((seed, int.from_bytes(participant.encode()), session))
    own = np.random.default_rng((seed, int.from_bytes(participant.encode()))).normal(0.0, PERSON_SD)
    cells = list(itertools.product(range(3), range(4), range(4), range(4)))
    order = np.concatenate([random.permutation(len(cells)) for _ in range(1 + trials // len(cells))])[:trials]
    rows = []
    begin_ns = START_NS
    for trial, cell in enumerate(order):
        sound, gain, rate, force = cells[cell]
        missed = random.random() < 0.05
        for attempt in range(2 if missed else 1):
            done = attempt == 1 or not missed
            begin_ns += TRIAL_NS
            f, a, p = force - 1.5, gain - 1.5, rate - 1.5
            eta = own + 0.2 * f * a - 0.1 * f * p - 0.15 * a * a + random.logistic()
            answer = int(np.searchsorted(TRUE_CUTS, eta))
            trigger_ns = begin_ns + 1_100_000_000 if done else 0
            rows.append(
                m.TrialRecord(
                    t_ns=begin_ns + 6_000_000_000,
                    study="made_up",
                    design_sha256="0" * 64,
                    participant=participant,
                    session=session,
                    block=trial // 64,
                    trial=trial,
                    attempt=attempt,
                    kind="main",
                    repeat_of=-1,
                    factors={
                        "sound": SOUNDS[sound],
                        "amplitude": GAINS[gain],
                        "pitch": RATES[rate],
                        "force_newton": FORCES[force],
                        "voice": "female" if session == 1 else "male",
                    },
                    status="done" if done else "missed",
                    question="agree",
                    response=LABELS[answer] if done else "",
                    response_value=float(answer + 1) if done else float("nan"),
                    response_time_s=float(random.lognormal(0.1, 0.4)) if done else float("nan"),
                    response_ns=begin_ns + 5_000_000_000 if done else 0,
                    trigger_ns=trigger_ns,
                    command_ns=trigger_ns + int(random.uniform(1e6, 4e6)) if done else 0,
                    sound_ns=trigger_ns + int(random.uniform(12e6, 18e6)) if done else 0,
                    frame_ns=trigger_ns + int(random.uniform(20e6, 60e6)) if done else 0,
                    force_at_trigger_newton=FORCES[force] + float(random.uniform(0, 0.4)) if done else 0.0,
                    peak_newton=float(FORCES[force] * random.lognormal(0.3, 0.3)),
                    f0_hz=220.0 * RATES[rate] if done else 0.0,
                    level_dbfs=-20.0 + 20 * float(np.log10(GAINS[gain])) if done else -120.0,
                    au={"AU4": 2.0, "AU6": 1.5, "AU43": 0.5} if done else {},
                    pspi=4.0 if done else 0.0,
                    replays=int(random.random() < 0.1),
                    flags=() if done else ("unanswered",),
                    seed=seed,
                )
            )
    return rows


def write_session(
    folder: Path, participant: str, session: int, trials: int, seed: int, *, force_s: float = 0.0, stop: bool = True
) -> None:
    """Leave a session's record in ``folder``.

    Parameters
    ----------
    force_s
        Seconds of force at 250 Hz to record as well.
    stop
        Whether the session came to its end.
    """
    with RecordWriter(folder, min_free_mb=1) as writer:
        writer.put(
            m.SessionStart(
                t_ns=START_NS,
                wall_time_iso=f"2026-03-{session:02d}T09:00:00+01:00",
                session_id=folder.name,
                version="0.1.0",
                commit="",
                seed=seed,
                config_json="{}",
                calibration_json="{}",
                machine={"system": "Linux"},
            )
        )
        if force_s:
            writer.put(m.ForceFrame(START_NS - 4_000_000, START_NS - 4_000_000, -1, ()))  # no frame from the board yet
        for tick in range(round(force_s * 250)):
            newton = max(0.0, 12 * np.sin(tick / 250 * 1.3))
            cells = (0.25 * newton, 0.3 * newton, 0.35 * newton, 0.1 * newton)
            writer.put(m.ForceFrame(START_NS + tick * 4_000_000, START_NS + tick * 4_000_000, tick * 4, cells))
        for row in simulated_trials(participant, session, trials, seed):
            writer.put(row)
        if stop:
            writer.put(m.SessionStop(START_NS + (trials + 1) * TRIAL_NS, "done"))


def write_study(folder: Path, people: int, trials: int, seed: int = 1, force_s: float = 0.0) -> None:
    """Two sessions for each of ``people``, with half of ``trials`` each."""
    for person in range(1, people + 1):
        for session in (1, 2):
            name = f"made_up_P{person:02d}_s{session}"
            write_session(folder / name, f"P{person:02d}", session, trials // 2, seed, force_s=force_s)
