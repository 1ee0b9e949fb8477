"""The study as a stage of a session: its machine takes the force and decides the commands to voice and face.

Pure like the rest of the pipeline: rows that are on the disk come back as actions ("saved"), so that a replay of the
journal runs the very same trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from robopatient.config import SessionConfig, SplitConfig
from robopatient.errors import ConfigError, RecordError
from robopatient.messages import Expression, ForceFrame, OperatorAction, PainState, StudyState, TrialRecord, TrialStart
from robopatient.record.info import read_info
from robopatient.record.reader import Record
from robopatient.study.lesson import lesson_study
from robopatient.study.machine import Machine
from robopatient.study.presented import Draft
from robopatient.study.reaction import ReactionStimulus
from robopatient.study.study import Study, load_study
from robopatient.study.trials import Person, Stimulus

__all__ = ["StudyStage", "earlier_rows", "make_study", "part_before", "person_of"]


class Turn(msgspec.Struct, frozen=True):
    """What one turn of a study has to say.

    Attributes
    ----------
    voice_by_patient, face_by_patient
        Whether the session's own patient and policy act in this trial, each channel by itself.
    started
        The trial that has just begun.
    """

    state: StudyState | None
    drafts: tuple[Draft, ...]
    notes: tuple[tuple[str, str], ...]
    expression: Expression
    pain: PainState
    split: SplitConfig
    voice_by_patient: bool = False
    face_by_patient: bool = False
    started: TrialStart | None = None


class StudyStage:
    """One participant's session in the loop.

    Parameters
    ----------
    base
        Gains and delays of the session itself: every trial's come on top.
    """

    def __init__(self, study: Study, person: Person, base: SplitConfig, earlier: Sequence[TrialRecord] = ()) -> None:
        self.machine = Machine(study, study.plan(person), earlier)
        self._policy = f"study:{study.name}"
        self._base = base
        self._stimulus: Stimulus | None = None
        self._split = base
        self._started: tuple[int, int] | None = None

    def step(self, t_ns: int, force: ForceFrame, actions: Sequence[OperatorAction]) -> Turn:
        """One turn of the loop: the machine's, and what is to be heard and seen in it."""
        told = self.machine.step(t_ns, force, actions)
        stimulus = self.machine.stimulus
        if stimulus is not self._stimulus and stimulus is not None:
            self._split = _split(self._base, stimulus)
        self._stimulus = stimulus
        shown = self.machine.shown(t_ns)
        self.machine.commanded(t_ns)
        expression = Expression(force.t_ns, force.seq, self._policy, shown.voice, shown.face)
        acting = stimulus is not None and self.machine.phase in ("press", "react")
        lives = self.machine.study.rules.between == "patient"
        return Turn(
            told.state,
            told.drafts,
            told.notes,
            expression,
            _pain(force, shown),
            self._split,
            lives or (acting and stimulus is not None and stimulus.voice.mode == "patient"),
            lives or (acting and stimulus is not None and stimulus.face.mode == "patient"),
            self._start(t_ns),
        )

    def _start(self, t_ns: int) -> TrialStart | None:
        """The trial in hand, once an attempt."""
        start = self.machine.started(t_ns)
        key = (start.trial, start.attempt) if start is not None else None
        if start is None or key == self._started:
            return None
        self._started = key
        return start


def _pain(force: ForceFrame, shown: ReactionStimulus) -> PainState:
    """The stimulus told as pain: what voice and face are to admit."""
    nrs = max(shown.voice_nrs, shown.face_nrs)
    return PainState(
        t_ns=force.t_ns,
        cause_seq=force.seq,
        nrs=nrs,
        site="",
        phase=shown.phase,
        components={"stimulus": nrs} if nrs else {},
        face_nrs=shown.face_nrs,
        voice_nrs=shown.voice_nrs,
    )


def _split(base: SplitConfig, stimulus: Stimulus) -> SplitConfig:
    """Gains multiply, delays add, within what a split can do."""
    return SplitConfig(
        voice_gain=min(4.0, base.voice_gain * stimulus.voice_gain),
        face_gain=min(4.0, base.face_gain * stimulus.face_gain),
        voice_delay_ms=min(5000.0, base.voice_delay_ms + stimulus.voice_delay_ms),
        face_delay_ms=min(5000.0, base.face_delay_ms + stimulus.face_delay_ms),
    )


def person_of(config: SessionConfig, study: Study) -> Person:
    """Whose list a session runs; the study's seed and not the session's, so that every lab runs the same lists."""
    return Person(config.study.participant, config.study.session, study.file.seed)


def make_study(config: SessionConfig, folder: Path | None = None) -> StudyStage | None:
    """Study of a session, None without one; training by ratings is a study, too.

    Parameters
    ----------
    folder
        The session's own, as for ``part_before``.

    Raises
    ------
    AssetError, ConfigError, RecordError
        When it cannot be read, has a fault, or goes on with a record that is not its own.
    """
    wanted = config.study
    if not wanted.name and config.lesson.folder:
        person = Person(wanted.participant or config.rater.who, wanted.session, config.seed)
        return StudyStage(lesson_study(config.lesson), person, config.split)
    if not wanted.name:
        return None
    if not wanted.participant:
        raise ConfigError(f"study {wanted.name}: whose session is it? give a code with --participant P01")
    if config.scenario:
        raise ConfigError(
            f"study {wanted.name} and scenario {config.scenario}: a session runs one of them; leave out the other"
        )
    study = load_study(wanted.name)
    earlier = earlier_rows(part_before(wanted.resume, folder)) if wanted.resume else []
    return StudyStage(study, person_of(config, study), config.split, earlier)


def part_before(resume: str, folder: Path | None) -> Path:
    """Folder of the part that a session goes on with.

    Beside the session's own folder, under the same name, where it is there: both may have been moved together since;
    else where the settings say.
    """
    beside = None if folder is None else folder.absolute().parent / Path(resume).name
    return beside if beside is not None and beside.is_dir() else Path(resume)


def earlier_rows(folder: Path) -> list[TrialRecord]:
    """Rows of a session and of all those that it went on with, oldest first.

    Raises
    ------
    RecordError
        When one cannot be read, or they go round in a circle.
    """
    rows: list[TrialRecord] = []
    seen: set[Path] = set()
    following: Path | None = folder
    while following is not None:
        place = following.resolve()
        if place in seen:
            raise RecordError(f"{folder}: goes on with itself; name the newest folder of this session with --resume")
        seen.add(place)
        with Record(following) as record:
            rows = record.messages("trial") + rows
            before = read_info(record.start).study.resume
        following = part_before(before, following) if before else None
    return rows
