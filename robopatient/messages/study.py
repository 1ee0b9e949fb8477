"""A study while it runs: its phase, its trials and their rows, the dial of a rater."""

from __future__ import annotations

from typing import Literal

from robopatient.messages.flow import Message

__all__ = [
    "Dial",
    "StudyPhase",
    "StudyState",
    "TrialRecord",
    "TrialStart",
]

StudyPhase = Literal[
    "setup",
    "consent",
    "instructions",
    "waiting",
    "ready",
    "press",
    "react",
    "question",
    "feedback",
    "break",
    "paused",
    "done",
    "aborted",
]
"""Where in a study the session is; "waiting": a learner has not chosen the next trial yet; "feedback" lasts until the
trial's row is on the disk."""


class StudyState(Message, frozen=True, gc=False):
    """All that a screen of a study needs to know, at every change and some 30 times a second.

    Attributes
    ----------
    study
        Name of the study.
    participant
        Pseudonym.
    phase
        Where in the study the session is.
    block
        Number of the block, from 0.
    n_blocks
        How many blocks the session has.
    trial
        Trials of the session that are done.
    n_trials
        How many trials the session has.
    practice
        1: this trial does not count.
    question
        Name of the question to be shown, or "".
    target_low_newton, target_high_newton
        Band that the press should reach; both 0 without one.
    force_newton
        Total force now.
    time_left_s
        Of the press window, the answer or the break; negative without a limit.
    text
        Key of the text to be shown, in the file of strings.
    flags
        What the operator must know: "not saved", "disk nearly full", "board silent", "replaying", …
    media
        Films to be shown one after another in phase "react": paths.
    """

    t_ns: int
    study: str
    participant: str
    phase: StudyPhase
    block: int
    n_blocks: int
    trial: int
    n_trials: int
    practice: bool
    question: str
    target_low_newton: float
    target_high_newton: float
    force_newton: float
    time_left_s: float
    text: str
    flags: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


class TrialStart(Message, frozen=True, gc=False):
    """What the trial that starts now will present: for the operator, never for the participant.

    Attributes
    ----------
    trial
        Number of the trial in the session's list, from 0.
    attempt
        Number of the attempt, from 0.
    kind
        "main", "practice", "catch" or "repeat".
    factors
        Levels asked for, by factor.
    """

    t_ns: int
    trial: int
    attempt: int
    kind: str
    factors: dict[str, float | str]


class TrialRecord(Message, frozen=True, gc=False):
    """One finished attempt at a trial: what was asked, what was presented, what was answered.

    A row is on the disk before the next trial starts and is never changed: of several rows with one ``trial`` the last
    with status "done" counts.

    Attributes
    ----------
    study
        Name of the study.
    design_sha256
        Hash of the study's settings and of this participant's list of trials.
    participant
        Pseudonym.
    session
        Number of the session, from 1.
    block
        Number of the block in the session, from 0.
    trial
        Number of the trial in the session's list, from 0: the same for every attempt at it.
    attempt
        Number of the attempt, from 0.
    kind
        "main", "practice", "catch" or "repeat".
    repeat_of
        Trial that this one repeats, or -1.
    factors
        Levels that were asked for, by factor.
    status
        "done", "missed" (no trigger or no answer), "early contact", "aborted" or "invalid".
    question
        Name of the question.
    response
        Label of the answer, or "" without one.
    response_value
        The answer as a number; NaN without one.
    response_time_s
        From the question's appearance to the answer, s; NaN without one.
    response_ns
        When the answer was given, host monotonic time; 0 when it was not.
    trigger_ns
        Time of the force frame that set off the reaction; 0 when none did.
    command_ns
        When the loop sent the first command of the reaction; 0 when it did not.
    sound_ns
        When the first sounding sample of the reaction left the loudspeaker; 0 when none did.
    frame_ns
        When the first picture of the reaction was shown; 0 when none was.
    force_at_trigger_newton
        Total force of the frame that set off the reaction.
    peak_newton
        Largest total force of the attempt.
    f0_hz
        Median f0 of the reaction's voiced audio blocks, 0 without any.
    level_dbfs
        RMS of the reaction's loudest audio block, -120 when silent.
    au
        Largest intensity of each action unit shown in the reaction, by the names that the face sent (AU6, AU6L …).
    pspi
        Largest PSPI shown in the reaction; NaN when it was given without a picture.
    replays
        How often the reaction was presented again before the answer.
    flags
        What was unusual: "early contact", "outside band", "spike", "overload", "unanswered", "clock jump", …
    seed
        Seed that the list of trials was drawn from.
    corrects
        Trial whose earlier row this one replaces (undo, redo), or -1.
    """

    t_ns: int
    study: str
    design_sha256: str
    participant: str
    session: int
    block: int
    trial: int
    attempt: int
    kind: str
    repeat_of: int
    factors: dict[str, float | str]
    status: str
    question: str
    response: str
    response_value: float
    response_time_s: float
    response_ns: int
    trigger_ns: int
    command_ns: int
    sound_ns: int
    frame_ns: int
    force_at_trigger_newton: float
    peak_newton: float
    f0_hz: float
    level_dbfs: float
    au: dict[str, float]
    pspi: float
    replays: int
    flags: tuple[str, ...]
    seed: int
    corrects: int = -1


class Dial(Message, frozen=True, gc=False):
    """Where the dial of a rater device stands, 0 to 1, so that a screen can point at the answer it would give."""

    t_ns: int
    position: float
