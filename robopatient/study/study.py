"""A study as a folder: ``study.toml`` says what is varied and how it is asked, ``study.py`` what each trial presents.

``study.py`` has ``stimulus(study, person, factors) -> Stimulus`` and, where the general design does not do,
``blocks(study, person) -> list[Block]``, ``session(study, person) -> dict``: configuration of this person's session,
and ``ready(study, person)``: raises an error when something is missing.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from robopatient.config import NonNegative, Positive, decode_toml
from robopatient.errors import AssetError, ConfigError
from robopatient.folders import user_path
from robopatient.levels import HAND_OFF_NEWTON
from robopatient.study import designs
from robopatient.study.questions import question
from robopatient.study.staircase import StaircaseConfig
from robopatient.study.trials import Factors, Level, Person, Stimulus, Trial, TrialBlock

__all__ = [
    "DesignConfig",
    "PressConfig",
    "SessionPlan",
    "Study",
    "StudyFile",
    "TrialRules",
    "load_study",
    "study_folder",
    "study_names",
]

STUDIES = Path(__file__).resolve().parent.parent.parent / "experiments" / "studies"
PACKAGE = "experiments.studies"
FILE_NAME = "study.toml"

Share = Annotated[float, Meta(ge=0, le=0.5)]


class DesignConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How trials are made of the factors: ``[design]``."""

    order: Literal["factorial", "independent", "staircase"] = "factorial"
    """Full crossing by one permutation; the published permutation for every factor; staircases alone."""
    trials: Annotated[int, Meta(ge=0)] = 0
    """Main trials of a session, all blocks together; 0: every combination once."""
    blocks_by: str = ""
    """Factor that has one level a block, in an order that a Williams square gives the participant."""
    max_run: dict[str, Annotated[int, Meta(ge=1)]] = {}
    """Most trials in a row with one level of a factor."""
    repeats_share: Share = 0.0
    """Hidden repeats, as a share of a block's main trials."""
    repeat_gap: Annotated[int, Meta(ge=1)] = 20
    """Trials between a trial and its repeat, at least."""
    catch: tuple[Factors, ...] = ()
    """Trials with a known answer, spread over every block."""
    practice: tuple[Factors, ...] = ()
    """Trials before the first block, which do not count."""
    break_every: Annotated[int, Meta(ge=0)] = 64
    """Trials between breaks within a block; 0: none."""
    break_s: NonNegative = 60.0


class PressConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a trial runs: ``[press]``."""

    ready_s: Positive = 0.8
    """Hand off the abdomen for so long before the press window opens."""
    hand_newton: Annotated[float, Meta(ge=0.5, le=10)] = HAND_OFF_NEWTON
    """Force from which a hand lies there: the published rigs' end of a press."""
    window_s: Annotated[float, Meta(ge=0.5, le=60)] = 3.0
    """Time for the press; a design made in Python may set none: 0."""
    ends: Literal["time", "release"] = "release"
    """When the reaction is over: at the end of the window, or when the hand has left."""
    early_s: NonNegative = 0.1
    """Contact sooner after the window opens was no answer to it (no hand moves within a tenth of a second)."""
    early: Literal["queue", "flag"] = "queue"
    """What an early contact costs: the trial comes again, or a word in the row."""
    missed: Literal["queue", "ask"] = "queue"
    """What a press without trigger costs: the trial comes again, or the question is asked all the same."""
    above: Literal["queue", "flag"] = "flag"
    """What a peak above the band costs; one below it is a missed trigger."""
    answer_s: NonNegative = 0.0
    """Time for the answer; 0: none is set. A trial without an answer comes again."""
    replays: Annotated[int, Meta(ge=0)] = 0
    """How often the reaction may be presented again."""
    pause_s: NonNegative = 0.3
    """Between an answer and the next trial."""


class StudyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A ``study.toml``."""

    title: str
    purpose: str = ""
    version: str
    """Raised whenever a trial would be another one: the design's hash changes with it."""
    question: str
    consent_version: str = "none"
    """Of the wording under which participants agree."""
    instructions: Literal["sound", "face", "both", "films", "delay", "lesson"] = "sound"
    """Which of the pages ``instructions.…`` of the strings a participant reads."""
    sessions: Annotated[int, Meta(ge=1, le=99)] = 1
    """How many sessions a participant comes to."""
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 1
    factors: dict[str, tuple[Level, ...]] = {}
    constants: dict[str, Any] = {}
    """Whatever ``study.py`` wants to know."""
    design: DesignConfig = DesignConfig()
    press: PressConfig = PressConfig()
    staircases: dict[str, StaircaseConfig] = {}
    session: dict[str, Any] = {}
    """Configuration of the session, such as ``[session.voice]``; what is given on the command line goes before."""


class TrialRules(msgspec.Struct, frozen=True):
    """What a design may want otherwise of the trial machine; no part of a design's hash, and not set by ``study.toml``.

    Attributes
    ----------
    band
        "asked": a peak outside the band is no trial, or is flagged; "advice": every press counts as what it came to,
        and the bar stays until the hand has left.
    again
        When a trial that failed comes again: at the end of its block, or at once.
    undo
        What an undo does: asks the last question again, or takes the newest answer back (again and again) and has its
        trial done anew, with a press.
    question
        Whether a pause ends a trial whose question stands, or waits for the answer.
    between
        Who acts between trials: nobody ("rest"), or the session's own patient.
    """

    band: Literal["asked", "advice"] = "asked"
    again: Literal["later", "at once"] = "later"
    undo: Literal["question", "press"] = "question"
    question: Literal["ends", "waits"] = "ends"
    between: Literal["rest", "patient"] = "rest"


class SessionPlan(msgspec.Struct, frozen=True):
    """The list of one participant's session.

    Attributes
    ----------
    blocks
        In the order in which they are run, practice first.
    sha256
        Of the study's settings, of this list and of all that it presents.
    """

    study: str
    person: Person
    blocks: tuple[TrialBlock, ...]
    sha256: str

    @property
    def trials(self) -> list[Trial]:
        """All trials; a trial's number is its place here."""
        return [trial for block in self.blocks for trial in block.trials]

    def first_of(self, block: int) -> int:
        """Number of a block's first trial."""
        return sum(len(one.trials) for one in self.blocks[:block])


class Study:
    """A study that has been read and checked.

    Attributes
    ----------
    name
        Of its folder.
    reference
        How a session's configuration names it.
    file
        Its settings.
    rules
        What it wants otherwise of the trial machine.
    """

    def __init__(
        self,
        name: str,
        reference: str,
        folder: Path,
        file: StudyFile,
        module: ModuleType,
        rules: TrialRules = TrialRules(),  # noqa: B008 (frozen)
    ) -> None:
        self.name = name
        self.reference = reference
        self.folder = folder
        self.file = file
        self.rules = rules
        self._module = module
        self._stimulus: Callable[[StudyFile, Person, Factors], Stimulus] = _function(module, folder, "stimulus")
        self._check()

    def plan(self, person: Person) -> SessionPlan:
        """The trials of this person's session.

        Raises
        ------
        ConfigError
            When they cannot be balanced or a level is unknown: naming factor and value.
        """
        if person.session > self.file.sessions:
            raise ConfigError(
                f"{self.name}: session {person.session} of {self.file.sessions} does not exist; "
                f"use --session 1 to {self.file.sessions}"
            )
        own = getattr(self._module, "blocks", None)
        blocks = list(own(self.file, person)) if own else general_blocks(self.file, person)
        if self.file.design.practice:
            practice = tuple(Trial(dict(factors), "practice") for factors in self.file.design.practice)
            blocks.insert(0, TrialBlock("practice", practice))
        if not any(block.trials for block in blocks):
            raise ConfigError(f"{self.folder / FILE_NAME}: makes no trial; give [factors] or [staircases]")
        return SessionPlan(self.name, person, tuple(blocks), self._hash(blocks, person))

    def stimulus(self, person: Person, factors: Factors) -> Stimulus:
        """What a trial with these levels presents.

        Raises
        ------
        ConfigError
            For a level that it cannot present.
        """
        try:
            made = self._stimulus(self.file, person, factors)
            return msgspec.convert(msgspec.to_builtins(made), Stimulus)  # structs check their ranges only when decoded
        except KeyError as error:
            raise ConfigError(
                f"{self.folder / 'study.py'}: no factor or level {error} (trial {_told(factors)})"
            ) from error
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            raise ConfigError(f"{self.folder / 'study.py'}: trial {_told(factors)} cannot be presented: {error}") from (
                error
            )

    def session(self, person: Person) -> dict[str, Any]:
        """Configuration of this person's session, as nested tables."""
        own = getattr(self._module, "session", None)
        made: dict[str, Any] = msgspec.to_builtins(self.file.session)
        return _merged(made, own(self.file, person)) if own else made

    def ready(self, person: Person) -> None:
        """What must be there before this person comes, such as films; simulated people need none of it.

        Raises
        ------
        AssetError, ConfigError
            Naming what is missing and how to make it.
        """
        own = getattr(self._module, "ready", None)
        if own:
            own(self.file, person)

    def _check(self) -> None:
        path = self.folder / FILE_NAME
        try:
            question(self.file.question)
        except ConfigError as error:
            raise ConfigError(f"{path}: question: {error}") from error
        for name, levels in self.file.factors.items():
            if len(levels) < 1 or len(set(levels)) < len(levels):
                raise ConfigError(f"{path}: factors.{name}: give each level once, found {list(levels)}")
            if any(isinstance(level, float) and not math.isfinite(level) for level in levels):
                raise ConfigError(f"{path}: factors.{name}: levels must be finite numbers or words")
            if len({isinstance(level, str) for level in levels}) > 1:
                raise ConfigError(f"{path}: factors.{name}: mixes numbers and words: {list(levels)}")
        if getattr(self._module, "blocks", None):
            return  # its trials have factors of their own; a stimulus refuses those that it does not know
        design = self.file.design
        known = {*self.file.factors, *(one.factor for one in self.file.staircases.values())}
        for what, names in (("max_run", design.max_run), ("blocks_by", [design.blocks_by] if design.blocks_by else [])):
            for name in names:
                if name not in known:
                    raise ConfigError(f"{path}: design.{what}: no factor {name}; known are {', '.join(known)}")
        for kind in ("catch", "practice"):
            for factors in getattr(design, kind):
                for name in factors:
                    if name not in known:
                        raise ConfigError(f"{path}: design.{kind}: no factor {name}; known are {', '.join(known)}")

    def _hash(self, blocks: list[TrialBlock], person: Person) -> str:
        stimuli: list[Any] = [
            {} if trial.staircase else self.stimulus(person, trial.factors)
            for block in blocks
            for trial in block.trials
        ]
        stimuli = [_by_contents(stimulus) for stimulus in stimuli]
        file = msgspec.structs.replace(self.file, constants=_without_paths(self.file.constants))
        parts = (self.name, file, person, blocks, stimuli)
        return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def _by_contents(stimulus: Any) -> Any:
    """A stimulus whose films stand for what is in them, wherever they lie; one that is not there has its name."""
    if not isinstance(stimulus, Stimulus) or not stimulus.media:
        return stimulus
    return msgspec.structs.replace(stimulus, media=tuple(map(_contents_of, stimulus.media)))


def _contents_of(name: str) -> str:
    path = Path(name)
    try:
        state = path.stat()
    except OSError:
        return path.name
    return _sha256_of(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _sha256_of(path: Path, size_bytes: int, changed_ns: int) -> str:
    """Of a file's bytes; read again only when its size or its time has changed."""
    del size_bytes, changed_ns
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_paths(constants: dict[str, Any]) -> dict[str, Any]:
    """Constants that are the same on every machine: where a lab keeps its files tells nothing of a trial."""
    return {
        name: "" if isinstance(value, str) and os.sep in value and user_path(value).exists() else value
        for name, value in constants.items()
    }


def general_blocks(file: StudyFile, person: Person) -> list[TrialBlock]:
    """Blocks as ``[design]`` and ``[staircases]`` have them."""
    rng = person.rng()
    design = file.design
    factors: dict[str, tuple[Level, ...]] = dict(file.factors)
    names: tuple[Level, ...] = ("",)
    if design.blocks_by:
        levels = factors.pop(design.blocks_by)
        names = tuple(levels[place] for place in designs.williams_row(len(levels), person.number))
    blocks = []
    for name in names:
        fixed: Factors = {design.blocks_by: name} if design.blocks_by else {}
        trials = [
            msgspec.structs.replace(trial, factors=fixed | trial.factors)
            for trial in _trials(file, factors, rng, len(names))
        ]
        trials = designs.insert_catch(trials, rng, [fixed | catch for catch in design.catch], design.max_run)
        mains = sum(trial.kind == "main" for trial in trials)
        if design.order != "staircase":  # a staircase repeats by itself
            count = round(design.repeats_share * mains)
            trials = designs.insert_repeats(trials, rng, count, design.repeat_gap, design.max_run)
        blocks.append(TrialBlock(f"{name:g}" if isinstance(name, float) else str(name), tuple(trials)))
    return blocks


def _trials(file: StudyFile, factors: dict[str, tuple[Level, ...]], rng: Any, n_blocks: int) -> list[Trial]:
    design = file.design
    if design.order == "staircase":
        lists = [
            Trial(dict(cell), staircase=name)
            for name, config in file.staircases.items()
            for cell in designs.crossed(factors)
            for _ in range(config.trials)
        ]
        return [lists[int(index)] for index in rng.permutation(len(lists))]  # interleaved, so that none is guessed
    if not factors:
        return []
    if design.trials % n_blocks:
        raise ConfigError(
            f"design.trials: {design.trials} trials cannot be shared equally by {n_blocks} blocks of "
            f"{design.blocks_by}; use {design.trials - design.trials % n_blocks + n_blocks}"
        )
    wanted = design.trials // n_blocks or math.prod(map(len, factors.values()))
    if design.order == "independent":
        return designs.independent(factors, rng, wanted)
    return designs.factorial(factors, rng, designs.replications(wanted, factors), design.max_run)


def study_names() -> list[str]:
    """Studies that are shipped."""
    return sorted(path.parent.name for path in STUDIES.glob(f"*/{FILE_NAME}"))


def study_folder(name: str) -> Path:
    """Folder of a study by its name or path; AssetError when there is none."""
    shipped, own = STUDIES / name, user_path(name)
    if "/" not in name and (shipped / FILE_NAME).is_file():
        return shipped
    if name and (own / FILE_NAME).is_file():
        return own
    raise AssetError(
        f'study "{name}": no {FILE_NAME} there; choose one of {", ".join(study_names())} or give the path of the '
        "folder of your own"
    )


def load_study(name: str) -> Study:
    """Study by its name under ``experiments/studies``, or by the path of its folder.

    Raises
    ------
    AssetError
        When there is none: naming those that exist.
    ConfigError
        Naming file and key of a setting that will not do.
    """
    folder = study_folder(name)
    shipped = folder.parent == STUDIES
    file = decode_toml(folder / FILE_NAME, StudyFile)
    module = importlib.import_module(f"{PACKAGE}.{name}.study") if shipped else _import(folder / "study.py")
    place = folder.resolve()
    return Study(place.name, name if shipped else str(place), folder, file, module)


def _import(path: Path) -> ModuleType:
    """Module of a user's own file."""
    spec = importlib.util.spec_from_file_location(f"robopatient_study_{path.parent.name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AssetError(f"{path}: no such file; a study needs one with stimulus(study, person, factors)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise AssetError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _function(module: ModuleType, folder: Path, name: str) -> Any:
    found = getattr(module, name, None)
    if not callable(found):
        raise AssetError(f"{folder / 'study.py'}: has no function {name}(study, person, factors)")
    return found


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Tables merged key by key; the second wins."""
    merged = dict(first)
    for key, value in second.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _told(factors: Factors) -> str:
    return ", ".join(f"{name} {_level(level)}" for name, level in factors.items())


def _level(level: Level) -> str:
    return level if isinstance(level, str) else f"{level:g}"


def numbered(plan: SessionPlan) -> Iterator[tuple[int, int, Trial]]:
    """Number, block and trial, in order."""
    number = 0
    for index, block in enumerate(plan.blocks):
        for trial in block.trials:
            yield number, index, trial
            number += 1
