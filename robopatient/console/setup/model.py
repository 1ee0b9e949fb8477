"""What the tabs of the set-up window share: fields, what choices come to, and checks of a configuration. No Qt.

A tab offers fields, and says of what was chosen: the checks, and the words after ``robopatient`` that Start types.
Nothing is hidden that could not be typed. A check carries the label of the field that it is about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from firmware_bridge.discovery import ports
from firmware_bridge.errors import BridgeError
from robopatient.checks import Check
from robopatient.config import Code, SessionConfig, asset_names, asset_path, load_session
from robopatient.errors import RobopatientError
from robopatient.face.identity import load_identity as load_face
from robopatient.patient import load_patient
from robopatient.sensing.calibration import load_calibration
from robopatient.session.control import open_board
from robopatient.session.run import board_overrides, quoted, resolve
from robopatient.session.scenario_stage import make_scenario
from robopatient.voice.identity import load_identity as load_voice

__all__ = [
    "Choices",
    "Field",
    "Outlook",
    "Tab",
    "assets",
    "board_check",
    "board_field",
    "calibration_field",
    "code_check",
    "configuration_checks",
    "tried",
]

Choices = dict[str, Any]
"""Name of a field -> what was chosen: text, or a number."""

SIMULATED = ("virtual", "replay", "simavr")
"""Drivers of boards on which nobody presses."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to choose.

    Attributes
    ----------
    label
        With its mnemonic: "&Patient".
    group
        Heading of the card that holds it.
    tells
        What the choice is typed as: an option ("--board"), or a key after ``--set`` ("voice.identity").
    offered
        (value, words) of a list; () is a line of text, or a number where there is a ``span``.
    empty
        Words for "", or for 0, which tells nothing.
    typed
        A list whose entry may also be typed, such as a path.
    span
        Least value, largest value and decimals of a number.
    example
        Shown in an empty line of text.
    kept
        Whether the choice is stored for the next time.
    """

    name: str
    label: str
    group: str
    tells: str = ""
    offered: tuple[tuple[str, str], ...] = ()
    default: str | float = ""
    empty: str = ""
    typed: bool = False
    span: tuple[float, float, int] | None = None
    example: str = ""
    kept: bool = True

    @property
    def title(self) -> str:
        """The label without its mnemonic."""
        return self.label.replace("&", "")


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the choices come to.

    Attributes
    ----------
    checks
        Of these choices; one that fails prevents the start.
    words
        What Start types after ``robopatient``, once no check fails.
    start
        What the button is called.
    """

    checks: tuple[Check, ...] = ()
    words: tuple[str, ...] = ()
    start: str = "Start"

    @property
    def verdict(self) -> str:
        """The checks in a few words."""
        if self.failed:
            return f"Not ready: {', '.join(check.name for check in self.failed)}"
        warned = sum(check.state == "warn" for check in self.checks)
        return f"Ready, {warned} to look at" if warned else "Ready"

    @property
    def failed(self) -> tuple[Check, ...]:
        """What prevents the start."""
        return tuple(check for check in self.checks if check.state == "fail")


class Tab:
    """One use of the window: its name as ``show`` takes it, its title with the mnemonic, and its fields."""

    name: str
    title: str

    def __init__(self) -> None:
        self.fields = self.offer()

    def offer(self) -> tuple[Field, ...]:
        """The fields with what there is on this computer, now; no port is opened."""
        raise NotImplementedError

    def look(self, chosen: Choices) -> Outlook:
        """What choices come to. It may take a second (a study is drawn and resolved): the window asks in a thread."""
        raise NotImplementedError

    @property
    def defaults(self) -> Choices:
        """The choices of one who chooses nothing."""
        return {field.name: field.default for field in self.fields}

    def told(self, chosen: Choices) -> list[str]:
        """Choices as ``section.key="value"``, to be typed after ``--set``; what is left open is left out."""
        return [
            f"{field.tells}={quoted(chosen[field.name])}"
            for field in self.fields
            if field.tells and not field.tells.startswith("--") and chosen[field.name]
        ]

    def words(self, chosen: Choices, more: Iterable[str] = ()) -> tuple[str, ...]:
        """Choices as options, then all of ``told`` and ``more`` after ``--set``."""
        words = [
            (field.tells, value if isinstance(value, str) else f"{value:g}")
            for field in self.fields
            if field.tells.startswith("--") and ((value := chosen[field.name]) or not (field.empty or value == ""))
        ]
        words += [("--set", text) for text in (*self.told(chosen), *more)]
        return tuple(word for pair in words for word in pair)


def assets(name: str, label: str, group: str, tells: str, kind: str, empty: str, typed: bool = False) -> Field:
    """A list of the shipped assets of a kind."""
    offered = tuple((each, each) for each in asset_names(kind))
    return Field(name=name, label=label, group=group, tells=tells, offered=offered, empty=empty, typed=typed)


def board_field(empty: str = "") -> Field:
    """The virtual board, which is the default unless it is left open, and every serial port; or a typed one."""
    offered = tuple((name, name) for name in ("virtual", *(port.path for port in ports())))
    return Field(name="board", label="&Board", group="Board", tells="--board", offered=offered, empty=empty, typed=True,
                 default="" if empty else "virtual")  # fmt: skip


def calibration_field(empty: str) -> Field:
    """The calibrations that are shipped, and those of this lab, in the folder that the calibration proposes."""
    own = sorted(os.fspath(path) for path in Path("calibration").glob("*.toml"))
    offered = tuple((name, name) for name in (*asset_names("calibration"), *own))
    return Field(name="calibration", label="Calib&ration", group="Board", tells="sensing.calibration", offered=offered,
                 empty=empty, typed=True)  # fmt: skip


def tried(name: str, look: Callable[[], str | Check], fix: str = "") -> Check:
    """The check that ``look`` makes, or words for one that is ok; a known error is a failure that says it."""
    try:
        found = look()
    except (RobopatientError, BridgeError, OSError) as error:
        return Check(name, "fail", str(error), fix)
    return found if isinstance(found, Check) else Check(name, "ok", found)


def code_check(name: str, code: str, kind: Any = Code, example: str = "T07") -> Iterator[Check]:
    """Nothing, or that this is no code of a kind: ``Code`` or ``Pseudonym``."""
    try:
        msgspec.convert(code, kind)
    except msgspec.ValidationError:
        yield Check(name, "fail", f"a code without spaces, such as {example}, never a name")


def configuration_checks(session: str, board: str, told: list[str]) -> Iterator[Check]:
    """Patient, scenario, board and calibration of a session as it would run; then all else that ``run`` would refuse.

    Parameters
    ----------
    session
        Name or path; "" is the default session.
    told
        As after ``--set``.
    """
    path = None
    if session:
        file = tried("Session file", lambda: load_session(asset_path("sessions", session)).title)
        if file.state == "fail":
            yield file
            return
        path = asset_path("sessions", session)
    try:
        config = load_session(path, [*told, *board_overrides(board or None)])
    except RobopatientError as error:
        yield Check("Settings", "fail", str(error))
        return
    parts = list(_parts(config))
    yield from parts
    if all(check.state != "fail" for check in parts):
        whole = tried("Settings", lambda: resolve(path, False, board or None, None, None, None, told).title)
        if whole.state == "fail":
            yield whole


def board_check(driver: str, port: str) -> Check:
    """Whether the board is there, as far as can be said without opening it."""
    if driver in SIMULATED:
        return Check("Board", "warn", f"{driver}: presses are simulated")
    if driver == "serial" and port.startswith("/") and not Path(port).exists():
        return Check("Board", "fail", f"{port} is not there", "plug it in; robopatient board list")
    return Check("Board", "ok", " ".join(filter(None, (driver, port))))


def _parts(config: SessionConfig) -> Iterator[Check]:
    patient = tried("Patient", lambda: _person(config))
    yield patient
    if patient.state == "ok":
        own = load_patient(config.patient)
        for name, load, identity in (
            ("Voice", load_voice, config.voice.identity or own.voice),
            ("Face", load_face, config.face.identity or own.face),
        ):
            part = tried(name, lambda load=load, identity=identity: load(identity) and "")  # type: ignore[misc]
            if part.state == "fail":
                yield part
    if config.scenario:
        yield tried("Scenario", lambda: _scenario(config))
    yield tried("Board", lambda: _board(config))
    yield tried("Calibration", lambda: _calibration(config), "robopatient board calibrate")


def _person(config: SessionConfig) -> str:
    patient = load_patient(config.patient)
    voice = config.voice.identity or patient.voice
    face = (config.face.identity or patient.face) if config.face.enabled else "none"
    return (
        f"{patient.name}, {patient.age_years}, {patient.sex}. {patient.complaint}. Voice {Path(voice).stem}, face "
        f"{Path(face).stem}"
    )


def _scenario(config: SessionConfig) -> str:
    scenario = make_scenario(config)
    return scenario.script.title if scenario is not None else "none"


def _board(config: SessionConfig) -> Check:
    open_board(config)
    return board_check(config.board.driver, config.board.port)


def _calibration(config: SessionConfig) -> Check:
    name = config.sensing.calibration
    calibration = load_calibration(name)
    if name == "virtual" and config.board.driver == "serial":
        wrong = "none chosen for this board: forces would be wrong"
        return Check("Calibration", "fail", wrong, "robopatient board calibrate")
    whose = f"board {calibration.board_uid}" if calibration.board_uid else "any board"
    return Check("Calibration", "ok", f"{name}, {calibration.date} by {calibration.author}, for {whose}")
