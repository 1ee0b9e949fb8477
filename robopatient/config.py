"""One TOML a session, decoded into frozen structs; unknown keys and wrong ranges fail with the path of the key.

The only plug is a *reference*, ``"module:name"``; the only search is for files under ``assets/`` by name.
"""

from __future__ import annotations

import importlib
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from firmware_bridge.inputs import read_text
from robopatient.errors import AssetError, ConfigError
from robopatient.folders import user_path
from robopatient.levels import CONTACT_NEWTON, HAND_OFF_NEWTON

__all__ = [
    "BoardConfig",
    "ConsoleConfig",
    "ControlConfig",
    "ExpressionConfig",
    "FaceConfig",
    "InteropConfig",
    "LessonConfig",
    "ParticipantConfig",
    "RaterConfig",
    "RecordConfig",
    "SensingConfig",
    "SessionConfig",
    "SplitConfig",
    "StudyConfig",
    "TrainingConfig",
    "VoiceConfig",
    "asset_names",
    "asset_path",
    "decode_toml",
    "load_session",
    "override",
    "reference",
]

ASSETS = Path(__file__).resolve().parent.parent / "assets"

Positive = Annotated[float, Meta(gt=0)]
CODE_PATTERN, PSEUDONYM_PATTERN = r"^[A-Za-z0-9._-]{0,32}$", r"^[A-Za-z0-9-]{0,32}$"
RATER_PATTERN, ADDRESS_PATTERN = r"^[A-Za-z0-9._-]{1,32}$", r"^(|[^:]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5})$"
MEANT = {
    CODE_PATTERN: "a code of letters, digits, dots, hyphens and underscores, at most 32, never a name: for example T07",
    PSEUDONYM_PATTERN: "a code of letters, digits and hyphens, at most 32, never a name: for example P01",
    RATER_PATTERN: "a code of letters, digits, dots, hyphens and underscores, 1 to 32, never a name: for example T07",
    ADDRESS_PATTERN: "HOST:PORT, such as 127.0.0.1:9000 or [::1]:9000",
}
"""What the patterns of this file mean, for whoever typed something else."""
Code = Annotated[str, Meta(pattern=CODE_PATTERN)]
"""Of a trainee or an instructor: never a name."""
Pseudonym = Annotated[str, Meta(pattern=PSEUDONYM_PATTERN)]
"""Of a participant of a study: never a name."""
NonNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections."""


class BoardConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the forces come from.

    ``driver``: "virtual", "replay", "serial" or a reference to a class with open, read, frames, close.
    """

    driver: str = "virtual"
    port: str = ""
    baud: Annotated[int, Meta(ge=0, le=4_000_000)] = 500_000
    """Bits per second; 0 tries the rates for which the firmware can be built."""
    rate_hz: Annotated[float, Meta(ge=80, le=1000)] = 1000.0
    file: str = ""
    """Recording for ``replay``: PATH, or PATH#NAME for one recording of an .npz."""
    site_mm: tuple[float, float] = (145.0, 145.0)
    """Where a recording of total force presses, in the phantom's frame."""
    loop: bool = False
    """Play the recording again from its start when it ends."""
    options: dict[str, Any] = {}
    """Passed on to the driver: ``[board.options]``."""


class SensingConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How counts become newtons and contacts."""

    phantom: str = "square-290"
    calibration: str = "virtual"
    tare_at_start: bool = True
    tare_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.25
    dead_band_newton: Annotated[float, Meta(ge=0, le=5)] = 0.15
    """Per cell; the published rigs used 0.5 N."""
    contact_newton: Annotated[float, Meta(ge=0.2, le=10)] = CONTACT_NEWTON
    """Total force from which the centre of pressure is told."""
    press_on_newton: Annotated[float, Meta(ge=0.5, le=50)] = 3.0
    press_off_newton: Annotated[float, Meta(ge=0.2, le=50)] = HAND_OFF_NEWTON
    warn_newton: Positive = 40.0
    limit_newton: Positive = 80.0


class ExpressionConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this patient shows pain.

    ``kind``: "ppo" (``preset`` names a checkpoint), "prior" (a file under assets/expressions) or a reference.
    """

    kind: str = "ppo"
    preset: str = "congruence"


class SplitConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The experimental manipulation: the one place where face and voice may differ."""

    voice_gain: Annotated[float, Meta(ge=0, le=4)] = 1.0
    face_gain: Annotated[float, Meta(ge=0, le=4)] = 1.0
    voice_delay_ms: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    face_delay_ms: Annotated[float, Meta(ge=0, le=5000)] = 0.0


class VoiceConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who speaks and through what. ``engine``: "synth" or a reference."""

    enabled: bool = True
    identity: str = ""
    """"" is the patient's own."""
    engine: str = "synth"
    device: str = ""
    """Name or index of the PortAudio output; "" is the default one, "none" renders in real time to the record only."""
    sample_rate_hz: Literal[44100, 48000] = 48000
    block_frames: Annotated[int, Meta(ge=64, le=2048)] = 256
    latency_s: Annotated[float, Meta(ge=0.003, le=0.5)] = 0.010
    """What is asked of PortAudio: two blocks of buffer as shipped; 0.008 is sooner and needs a quiet computer."""
    level_dbfs: Annotated[float, Meta(ge=-60, le=-1)] = -12.0
    """RMS level of this voice's loudest cry."""
    max_dbfs: Annotated[float, Meta(ge=-40, le=-1)] = -1.0
    """No sample ever exceeds this peak: the limiter sits last before the DAC."""
    calibration: str = ""
    """Loudness of this rig, a file by ``robopatient voice calibrate``; "" is not calibrated."""
    max_dba: Annotated[float, Meta(ge=40, le=94)] = 80.0
    """With a calibration, no sound exceeds this level at 1 m: it lowers ``max_dbfs``."""
    words: Literal["off", "answers", "all"] = "all"
    """What is spoken: nothing, answers to questions, or also interjections."""


class FaceConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose face, moved and drawn how. ``engine``: "blend", "diffusion" or a reference."""

    enabled: bool = True
    identity: str = ""
    """"" is the patient's own."""
    engine: str = "diffusion"
    checkpoint: str = "default"
    """Of the diffusion engine: a name under assets/generators, or a folder."""
    archetype: Literal["auto", "narrowed", "opened", "raised", "furrowed", "stoic"] = "auto"
    """Which face pain makes; "auto" is the identity's own."""
    emotion: tuple[Annotated[float, Meta(ge=-1, le=1)], Annotated[float, Meta(ge=-1, le=1)]] = (0.0, 0.0)
    """Valence and arousal besides the pain, -1 to 1."""
    guidance: dict[str, float] = {}
    """How much harder than learned the diffusion engine is pushed by a group of conditions: {pain = 1.0}."""
    variety: Annotated[float, Meta(ge=0, le=1)] = 0.2
    """How much the diffusion engine's answers to like presses differ: 1 as people's do, 0 not at all."""
    deadline_ms: Annotated[float, Meta(ge=0, le=1000)] = 20.0
    """After which a frame that is not ready is held instead; 0 waits for every frame (films)."""
    renderer: Literal["auto", "gl", "numba"] = "auto"
    size_px: Annotated[int, Meta(ge=128, le=2160)] = 512
    fps: Annotated[float, Meta(ge=5, le=120)] = 30.0
    window: Literal["auto", "yes", "no"] = "auto"
    full_screen: bool = False
    screen: str = ""
    display: str = ""
    """Profile of a projector, robot head or screen (docs/reference/display.md); "" shows a plain window."""


class ConsoleConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's window."""

    enabled: bool = True


class RecordConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left behind."""

    report: bool = True
    film: bool = True
    min_free_mb: Annotated[int, Meta(ge=1)] = 200


class ControlConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The loop."""

    loop_hz: Annotated[float, Meta(ge=100, le=1000)] = 250.0
    stale_ms: Annotated[float, Meta(ge=20, le=2000)] = 100.0
    """Force older than this no longer counts: pain decays."""
    fail_quiet_ms: Annotated[float, Meta(ge=50, le=1000)] = 300.0
    """From the last frame to pain 0, when no other comes: what ``stale_ms`` leaves of it is the fade."""
    autostart: bool = True
    """Express at once; otherwise wait for the operator's start."""


class TrainingConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who trains. Codes, never names: the key that tells who is who is kept elsewhere."""

    trainee: Code = ""
    instructor: Code = ""
    deep_newton: Annotated[float, Meta(ge=2, le=80)] = 15.0
    """Peak force from which a press counts as deep palpation (assumption: between the published targets 10 and 20 N;
    no whole-hand figures of clinicians were found)."""


class InteropConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Other programs that listen; nothing unless asked for, and this machine alone unless named."""

    lsl: bool = False
    """Lab Streaming Layer outlets: force, pain, markers."""
    lsl_scope: Literal["machine", "link", "site"] = "machine"
    """How far LSL streams can be discovered."""
    osc: Annotated[str, Meta(pattern=ADDRESS_PATTERN)] = ""
    """HOST:PORT that OSC messages are sent to, such as 127.0.0.1:9000; "" is nowhere."""
    face_osc: Annotated[str, Meta(pattern=ADDRESS_PATTERN)] = ""
    """HOST:PORT of another body that wears this face, told as 52 ARKit weights by VMC, such as 127.0.0.1:39539."""
    face_lsl: bool = False
    """The same 52 weights, head and gaze as an LSL stream."""
    face_lines: str = ""
    """The same as JSON lines: HOST:PORT for UDP, or a file that is written."""

    @property
    def bodies_wanted(self) -> bool:
        """Whether another body wears this face."""
        return bool(self.face_osc or self.face_lines) or self.face_lsl

    @property
    def wanted(self) -> bool:
        """True if any output is enabled."""
        return self.lsl or bool(self.osc)


class RaterConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A dial with buttons by which somebody rates (docs/howto/rater.md)."""

    port: str = ""
    """As ``board.port``, or "virtual" for its twin; "" is none."""
    baud: Annotated[int, Meta(ge=1200, le=4_000_000)] = 500_000
    who: Annotated[str, Meta(pattern=RATER_PATTERN)] = "trainee"
    """Whose ratings these are, for the record."""


class StudyConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A perceptual study run in this session (docs/reference/studies.md)."""

    name: str = ""
    """Name under experiments/studies, or the path of a folder with a study.toml; "" is none."""
    participant: Pseudonym = ""
    """Pseudonym, never a name; its digits say which row of the Latin square this participant has."""
    session: Annotated[int, Meta(ge=1, le=99)] = 1
    """Which of the study's sessions this is."""
    language: str = "english"
    """Of the participant's screen: a file under assets/strings, or the path of your own."""
    resume: str = ""
    """Session that this one goes on with: name of its folder, beside this one's, or a path; "" begins anew."""


class ParticipantConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The participant's screen of a study or a training session (docs/howto/participant_screen.md)."""

    enabled: bool = True
    screen: str = ""
    """Name or number of the monitor; "" is the first that neither the operator nor the face has."""
    full_screen: Literal["auto", "yes", "no"] = "auto"
    theme: Literal["dark", "light"] = "dark"


LessonTask = Literal["pain-to-voice", "pain-to-voice-and-face", "pain-to-expression"]
LessonQuestion = Literal["signed", "congruence7", "congruence5", "agree"]


class LessonConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A live training session: ratings teach the policy while the session runs (docs/howto/teach_a_policy.md)."""

    folder: str = ""
    """Folder of the training session, created if missing; "": no training session."""
    task: LessonTask = "pain-to-voice"
    question: LessonQuestion = "signed"
    """Which questions: a name of ``robopatient policy train --question``."""
    start: str = ""
    """Checkpoint to start from; "" is the shipped one of the task."""
    ratings: Annotated[int, Meta(ge=1, le=10_000)] = 100
    break_every: Annotated[int, Meta(ge=0, le=10_000)] = 40
    """Ratings between breaks, 0 for none (the published rig broke every 60 trials)."""
    break_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0


class SessionConfig(Config, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole session: patient, board, voice, face and all else, by section. Frozen; units are in the names.

    ``load_session`` makes one, ``simulate`` takes one, the resolved form goes into ``SessionStart``.

    Raises
    ------
    ConfigError
        By ``load_session``, for an unknown key or a value out of range: naming it.

    Examples
    --------
    >>> import robopatient as rp
    >>> config = rp.load_session("demo", ["patient=healthy", "face.variety=0"])
    >>> config.patient, config.face.fps
    ('healthy', 30.0)
    """

    title: str = ""
    patient: str = "appendicitis"
    scenario: str = ""
    """Name under assets/scenarios, or a file; "" is free palpation."""
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 1
    duration_s: NonNegative = 0.0
    """0: until stopped."""
    board: BoardConfig = BoardConfig()
    sensing: SensingConfig = SensingConfig()
    expression: ExpressionConfig = ExpressionConfig()
    split: SplitConfig = SplitConfig()
    voice: VoiceConfig = VoiceConfig()
    face: FaceConfig = FaceConfig()
    console: ConsoleConfig = ConsoleConfig()
    record: RecordConfig = RecordConfig()
    control: ControlConfig = ControlConfig()
    interop: InteropConfig = InteropConfig()
    rater: RaterConfig = RaterConfig()
    training: TrainingConfig = TrainingConfig()
    study: StudyConfig = StudyConfig()
    participant: ParticipantConfig = ParticipantConfig()
    lesson: LessonConfig = LessonConfig()


T = TypeVar("T")


def decode_toml(path: Path, kind: type[T]) -> T:
    """Read a TOML file into a frozen struct.

    Raises
    ------
    AssetError
        When the file cannot be read.
    ConfigError
        Naming the file and the path of the offending key.
    """
    text = read_text(path, AssetError)
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {plain_error(error)}") from error


def load_session(session: Path | str | None = None, overrides: Iterable[str] = ()) -> SessionConfig:
    """Configuration of a session: a file, and what is given in place of some of its values.

    Parameters
    ----------
    session
        Path of a TOML file, or the name of one under ``assets/sessions``; None: all defaults.
    overrides
        Strings ``section.key=value``, as after ``--set``; the value is read as TOML, or as plain text when it is not
        TOML.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key that is wrong.

    Examples
    --------
    >>> import robopatient as rp
    >>> rp.load_session("demo", ["voice.level_dbfs=-18"]).voice.level_dbfs
    -18.0
    """
    data: dict[str, Any] = {}
    path = None
    if session is not None:
        path = Path(session) if Path(session).is_file() else asset_path("sessions", str(session))
        data = msgspec.to_builtins(decode_toml(path, dict))
    for text in overrides:
        override(data, text)
    try:
        return msgspec.convert(data, SessionConfig)
    except msgspec.ValidationError as error:
        where = f"{path}: " if path else ""
        raise ConfigError(f"{where}{plain_error(error)}; see assets/sessions/demo.toml for every key") from error


def override(data: dict[str, Any], text: str) -> None:
    """Apply one ``section.key=value`` to a nested dict in place."""
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {text}: write section.key=value, for example --set voice.level_dbfs=-18")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    node = data
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"--set {text}: {part} is a value, not a section")
    node[parts[-1]] = parsed


def asset_names(kind: str) -> list[str]:
    """Names of the assets of a kind ("patients", "voices", "faces", "phantoms", "calibration", …)."""
    return sorted(path.stem for path in (ASSETS / kind).glob("*.toml"))


def asset_path(kind: str, name: str) -> Path:
    """File of an asset: a name under ``assets/<kind>``, or the path of a user's own TOML file.

    A path that begins with ``assets`` and is no file here is one of the package's own.

    Raises
    ------
    AssetError
        Naming what was asked for and the names that exist.
    """
    if not name:
        raise AssetError(f"assets/{kind}: no name given; choose one of {', '.join(asset_names(kind))}")
    if name.endswith(".toml") or os.sep in name:
        path = user_path(name)
        if not path.is_file() and path.parts[0] == ASSETS.name:
            path = ASSETS.parent / path
        if not path.is_file():
            raise AssetError(f"{path}: no such file (asked for under {kind})")
        return path
    path = ASSETS / kind / f"{name}.toml"
    if not path.is_file():
        raise AssetError(
            f"assets/{kind}/{name}.toml does not exist; choose one of {', '.join(asset_names(kind)) or '(none)'} "
            "or give the path of your own .toml file"
        )
    return path


def reference(text: str, shorthands: dict[str, str] | None = None) -> Any:
    """Object named by ``"module:name"`` (or by one of a few short names).

    Raises
    ------
    ConfigError
        When it is no reference or does not resolve.
    """
    target = (shorthands or {}).get(text, text)
    module_name, colon, attribute = target.partition(":")
    if not colon:
        known = ", ".join(shorthands or {}) or "none"
        raise ConfigError(f'"{text}" is neither one of {known} nor a reference "module:name"')
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f'"{text}" cannot be loaded: {error}') from error


def checked_code(code: str, what: str) -> str:
    """A code that may stand in the name of a file: checked before anything is written under it.

    Raises
    ------
    ConfigError
        When it is none, as a person's name is none.
    """
    if not re.fullmatch(PSEUDONYM_PATTERN, code) or not code:
        raise ConfigError(f'{what} "{code}": {MEANT[PSEUDONYM_PATTERN]}')
    return code


def plain_error(error: msgspec.ValidationError) -> str:
    """Msgspec's message with the key's path in TOML notation, and what a pattern means in its place."""
    text = str(error).replace("`$.", "`").replace("$.", "")
    for pattern, meaning in MEANT.items():
        text = text.replace(f"Expected `str` matching regex {pattern!r}", f"expected {meaning}")
    return text
