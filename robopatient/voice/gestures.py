"""What the body does with a command: breathe, gasp, call, run out of air, let go. Stepped once per block.

The command says how loud, how high, how rough, how breathy; the gesture says when, and with which mouth. Level, pitch
and roughness stay the command's own: pain only chooses the call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.levels import db_to_gain
from robopatient.messages import VoiceCommand
from robopatient.topics import TOPICS
from robopatient.voice.identity import Identity
from robopatient.voice.kernel import kernel
from robopatient.voice.synth import (
    AM,
    AM_HZ,
    ASPIRATION,
    BANDWIDTHS,
    CHAOS,
    F0,
    FORMANTS,
    FRICATION,
    JITTER,
    N_FORMANTS,
    NASAL,
    RD,
    SHIMMER,
    SUBHARMONIC,
    SUBHARMONIC_RATIO,
    TILT,
    TREMOR,
    VOICE,
    neutral_parameters,
)

__all__ = ["CALLS", "NAMES", "Gestures", "empty_command", "write_command"]

NAMES = ("silent", "breath", "inhale", "gasp", "sigh", "mm", "moan", "cry", "scream", "whimper")
"""What ``Heard.call`` may say; the index is the code used inside."""
SILENT, BREATH, INHALE, GASP, SIGH, MM, MOAN, CRY, SCREAM, WHIMPER = range(len(NAMES))
CALLS = {"auto": -1, **{name: code for code, name in enumerate(NAMES) if code >= GASP}}
"""What ``VoiceAsk.call`` may say."""

# States of the machine.
REST, GASPING, CALLING, FALLING, INHALING = range(5)

PHASES = {"rest": 0, "onset": 1, "hold": 2, "release": 3}

STALE_S = (TOPICS["voice"].max_age_ms or 200.0) / 1000.0
INAUDIBLE_DB = -55.0
"""Asked levels below this are silence (the message calls -60 inaudible)."""
FELT_NRS = 0.25
"""Pain from which the patient calls."""
GASP_NRS_PER_S = 10.0
"""Rise of pain that may take the breath: 0 to 5 in half a second (assumption)."""
HUSH_S, STALE_FADE_S, OPEN_S = 0.004, 0.08, 0.004
REFRACTORY_S = 0.25
WHIMPER_P = 0.6
"""Peak pain, 0 to 1, after which a release whimpers."""
EXHALE = 0.38
"""Where in the cycle of idle breathing the breath turns."""

# The mouth by degree of pain, for a 17 cm tract. Rows: p, then F1 to F4 (Hz), nasal murmur, how far "ow" closes.
# mm, schwa, uh, a (Peterson and Barney's men), wide open (soundgen's /a/); proposals of the facts sheet.
_P = np.array([0.0, 0.12, 0.35, 0.65, 1.0])
_MOUTH = np.array(
    [
        [420.0, 510.0, 660.0, 770.0, 900.0],
        [1350.0, 1380.0, 1300.0, 1200.0, 1380.0],
        [2350.0, 2400.0, 2440.0, 2600.0, 2900.0],
        [3400.0, 3400.0, 3400.0, 3400.0, 3400.0],
        [0.5, 0.8, 0.25, 0.0, 0.0],
        [0.1, 0.2, 0.45, 0.65, 0.15],
    ]
)
_CLOSED = np.array([360.0, 850.0, 2250.0, 3300.0])  # /u/, where "ow" ends
_WIDTHS = np.array([130.0, 140.0, 150.0, 180.0, 220.0, 260.0])
_CALL_S = np.array([0.45, 0.6, 1.0, 1.5, 2.2])  # length of one call at _P, between the published one-shots and a breath
_CALL_P = np.array([0.0, 0.0, 0.0, 0.6, 0.03, 0.12, 0.35, 0.65, 1.0, 0.35])  # mouth of a call asked for by name
# Effort by level below the loudest cry: Rd and high shelf (facts sheet, anchors; tilt tuned to its centroids).
_DB = np.array([-45.0, -28.0, -18.0, -8.0, 0.0])
_RD = np.array([2.4, 1.8, 0.95, 0.7, 0.4])
_TILT = np.array([0.4, 1.2, 4.0, 4.0, 3.5])
# Nonlinear phenomena by roughness (facts sheet, anchors).
_R = np.array([0.0, 0.1, 0.35, 0.65, 1.0])
_SUB = np.array([0.0, 0.0, 0.05, 0.2, 0.3])
_CHAOS = np.array([0.0, 0.0, 0.0, 0.1, 0.35])
_AM = np.array([0.0, 0.0, 0.08, 0.3, 0.5])

COMMAND = np.dtype(
    [
        ("t_ns", "i8"),
        ("cause_seq", "i8"),
        ("received_ns", "i8"),
        ("nrs", "f8"),
        ("level_db", "f8"),
        ("f0_semitones", "f8"),
        ("roughness", "f8"),
        ("breathiness", "f8"),
        ("phase", "i8"),
        ("call", "i8"),
        ("hush", "i8"),
    ]
)
_PERSON = np.dtype(
    [
        (name, "f8")
        for name in (
            "full_scale",
            "habitual_f0_hz",
            "tract_scale",
            "roughness",
            "breathiness",
            "tremor",
            "intonation",
            "temperature",
            "gasps",
            "breath",
            "breath_s",
        )
    ]
)
_BODY = np.dtype(
    [
        ("state", "i8"),
        ("commanded", "i8"),  # whether any command has come yet
        ("age_s", "f8"),  # of the command
        ("t", "f8"),  # in the state
        ("length", "f8"),  # of the state
        ("nrs", "f8"),
        ("nrs_rate", "f8"),
        ("start_nrs", "f8"),  # at the start of the state
        ("top_nrs", "f8"),  # highest of this call
        ("peak", "f8"),  # highest pain since rest, 0 to 1
        ("level_db", "f8"),
        ("top_db", "f8"),  # highest since rest
        ("semitones", "f8"),
        ("rough", "f8"),
        ("breathy", "f8"),
        ("mouth", "f8"),
        ("air", "f8"),
        ("attack", "f8"),
        ("burst", "f8"),
        ("whimper", "f8"),  # 1 while releasing with a whimper
        ("progress", "f8"),  # of the call, 0 to 1; a fall keeps it
        ("tremble", "f8"),  # its depth, smoothed
        ("released", "f8"),  # 1 when the fall is a release, 0 when it is only the end of a breath
        ("syllable", "f8"),
        ("refractory", "f8"),
        ("arousal", "f8"),
        ("lungs", "f8"),  # phase of idle breathing
        ("drift", "f8"),
        ("drift_to", "f8"),
        ("swell", "f8"),
        ("swell_to", "f8"),
        ("until_drift", "f8"),
        ("am_hz", "f8"),
        ("f0_hz", "f8"),
        ("roughness", "f8"),
        ("call", "i8"),
        ("master_to", "f8"),
        ("fade_s", "f8"),
        ("random", "u8"),
    ]
)


def empty_command() -> npt.NDArray[Any]:
    """Room for one command, shape (1,)."""
    return np.zeros(1, COMMAND)


def write_command(slot: npt.NDArray[Any], command: VoiceCommand) -> None:
    """Copy a command into a slot of ``empty_command`` shape, values that no voice can follow limited to what it can."""
    ask = command.ask
    row = slot[0]
    row["t_ns"], row["cause_seq"], row["received_ns"] = command.t_ns, command.cause_seq, command.received_ns
    row["nrs"] = _finite(command.nrs, 0.0, 10.0)
    row["level_db"] = _finite(ask.level_db, -120.0, 0.0)
    row["f0_semitones"] = _finite(ask.f0_semitones, -24.0, 48.0)
    row["roughness"] = _finite(ask.roughness, 0.0, 1.0)
    row["breathiness"] = _finite(ask.breathiness, 0.0, 1.0)
    row["phase"] = PHASES[command.phase]
    row["call"] = CALLS.get(ask.call, CALLS["auto"])
    row["hush"] = command.hush


def _finite(value: float, low: float, high: float) -> float:
    """The value within its limits; what is no number is the lowest."""
    return min(max(value, low), high) if math.isfinite(value) else low


class Gestures:
    """One patient's body; equal seeds and commands give equal gestures.

    Attributes
    ----------
    command
        The command that applies, to be written by ``write_command`` before ``step``.
    parameters
        For the synthesiser, after ``step``.
    """

    def __init__(self, identity: Identity, config: VoiceConfig, seed: int) -> None:
        self.command = empty_command()
        self.parameters = neutral_parameters()
        self._dt_s = config.block_frames / config.sample_rate_hz
        full_scale = db_to_gain(config.level_dbfs)
        self._person: npt.NDArray[Any] = np.zeros(1, _PERSON)
        person = self._person[0]
        person["full_scale"] = full_scale
        person["habitual_f0_hz"] = identity.habitual_f0_hz
        person["tract_scale"] = 17.0 / identity.vocal_tract_cm
        for name in ("roughness", "breathiness", "tremor", "temperature", "gasps", "breath_s"):
            person[name] = getattr(identity, name)
        person["intonation"] = identity.intonation_semitones
        person["breath"] = db_to_gain(identity.breath_dbfs)
        self._body: npt.NDArray[Any] = np.zeros(1, _BODY)
        mixed = (seed * 0x9E3779B97F4A7C15 + identity.seed * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) | 1
        self._body["random"] = np.uint64(mixed & 0xFFFFFFFFFFFFFFFF)
        self._body["am_hz"] = 70.0
        self._body["air"] = 1.0
        self._body["top_db"] = -120.0

    def step(self, fresh: bool) -> None:
        """Advance one block; ``fresh`` says that ``command`` is newer than in the last block."""
        _step(self._body, self._person, self.command, fresh, self._dt_s, self.parameters)

    def reset(self) -> None:
        """Back to rest, as after a silence."""
        body = self._body[0]
        body["state"], body["t"], body["air"], body["peak"], body["top_db"] = REST, 0.0, 1.0, 0.0, -120.0
        body["lungs"], body["whimper"], body["burst"] = 0.0, 0.0, 0.0

    @property
    def master_to(self) -> float:
        """Where the master fade should go: 0 when hushed, stale or not yet commanded."""
        return float(self._body["master_to"][0])

    @property
    def fade_s(self) -> float:
        """How long the master fade should take from one end to the other."""
        return float(self._body["fade_s"][0])

    @property
    def f0_hz(self) -> float:
        """Fundamental at the end of the block, 0 when there is no voice."""
        return float(self._body["f0_hz"][0])

    @property
    def roughness(self) -> float:
        """Roughness at the end of the block, 0 to 1."""
        return float(self._body["roughness"][0])

    @property
    def call(self) -> str:
        """Name of what is being done."""
        return NAMES[int(self._body["call"][0])]


@kernel()
def _uniform(b):  # type: ignore[no-untyped-def]
    """Next number of the body's own random stream, 0 to 1 (xorshift64*)."""
    x = b.random
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    b.random = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel()
def _along(x, xs, ys):  # type: ignore[no-untyped-def]
    """Piecewise linear interpolation, held at the ends."""
    if x <= xs[0]:
        return ys[0]
    for i in range(1, xs.shape[0]):
        if x <= xs[i]:
            return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return ys[-1]


@kernel()
def _smooth(x):  # type: ignore[no-untyped-def]
    """0 to 1 with level ends."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@kernel()
def _gain(level_db):  # type: ignore[no-untyped-def]
    return 10.0 ** (level_db / 20.0)


@kernel()
def _toward(value, target, dt_s, up_s, down_s):  # type: ignore[no-untyped-def]
    """One-pole smoothing, faster up than down: pain arrives sooner than it leaves."""
    return value + (target - value) * (1.0 - math.exp(-dt_s / (up_s if target > value else down_s)))


@kernel()
def _enter(b, state, length):  # type: ignore[no-untyped-def]
    b.state = state
    b.t = 0.0
    b.length = length
    b.start_nrs = b.nrs


@kernel()
def _start_call(b, v, c):  # type: ignore[no-untyped-def]
    """Set in at the asked level, with an attack that shortens with pain."""
    p = b.mouth
    _enter(b, CALLING, _along(p, _P, _CALL_S) * (1.0 + 0.35 * v.temperature * (2.0 * _uniform(b) - 1.0)))
    b.top_nrs = b.nrs
    b.attack = 0.12 - 0.09 * p
    b.burst = _smooth((p - 0.4) / 0.3)
    b.whimper = 0.0
    b.progress = 0.0
    b.level_db = c.level_db
    b.semitones = c.f0_semitones
    b.rough = c.roughness
    b.breathy = c.breathiness
    b.am_hz = 45.0 + 60.0 * _uniform(b)


@kernel()
def _let_go(b, attack):  # type: ignore[no-untyped-def]
    """Release: the breath falls, and after strong pain it whimpers; from silence it needs an attack."""
    b.released = 1.0
    b.attack = attack
    b.level_db = max(b.level_db, b.top_db - 14.0)  # a release is heard, however low the command has fallen
    b.whimper = 1.0 if b.peak > WHIMPER_P else 0.0
    _enter(b, FALLING, 0.8 + 0.5 * _uniform(b) if b.whimper > 0.0 else 0.3 + 0.4 * b.peak)


@kernel()
def _rest(b, lungs):  # type: ignore[no-untyped-def]
    """Back to idle breathing, at a point of its cycle."""
    b.peak = 0.0
    b.top_db = -120.0
    b.refractory = REFRACTORY_S
    b.lungs = lungs
    _enter(b, REST, 0.0)


@kernel()
def _transition(b, v, c, wanted):  # type: ignore[no-untyped-def]
    """Decide what the body does in this block."""
    sudden = b.nrs_rate > GASP_NRS_PER_S
    if b.state == REST:
        if wanted:
            first = b.refractory <= 0.0 and sudden and _uniform(b) < v.gasps
            if c.call == GASP or first:
                b.level_db, b.breathy = c.level_db, c.breathiness
                b.refractory = REFRACTORY_S
                _enter(b, GASPING, 0.24 - 0.1 * b.mouth)
            else:
                _start_call(b, v, c)
    elif b.state == GASPING:
        if not wanted:
            _rest(b, EXHALE)
        elif b.t >= b.length and c.call != GASP:
            b.air = 1.0
            _start_call(b, v, c)
    elif b.state == CALLING:
        if b.nrs > b.top_nrs + 0.15:  # pain still rises: so does the call
            b.top_nrs = b.nrs
            b.length = max(b.length, b.t + 0.4, _along(b.mouth, _P, _CALL_S))
        relieved = c.phase == PHASE_RELEASE and b.nrs < 0.6 * 10.0 * b.peak
        if not wanted or relieved:
            _let_go(b, 0.0)
        elif b.t >= b.length or b.air <= 0.0:
            b.released = 0.0
            b.attack = 0.0
            _enter(b, FALLING, 0.16 + 0.1 * _uniform(b))
    elif b.state == FALLING:
        hurt_again = b.nrs > b.start_nrs + (0.3 if b.released > 0.0 else 0.5)
        if wanted and hurt_again:
            _start_call(b, v, c)
        elif b.t >= b.length:
            b.whimper = 0.0
            if wanted:
                b.level_db = c.level_db
                _enter(b, INHALING, (0.24 + 0.2 * b.mouth) * (1.0 + 0.6 * v.temperature * _uniform(b)))
            elif b.released == 0.0 and b.peak > WHIMPER_P:
                _let_go(b, 0.05)
            else:
                _rest(b, 0.0)
    elif b.state == INHALING:
        b.air = min(1.0, b.t / b.length)
        if not wanted:
            if b.peak > WHIMPER_P:
                _let_go(b, 0.05)
            else:
                _rest(b, EXHALE)
        elif b.t >= b.length or b.nrs > b.start_nrs + 0.7:
            _start_call(b, v, c)


PHASE_ONSET, PHASE_RELEASE = PHASES["onset"], PHASES["release"]


@kernel()
def _mouth(b, v, p, close, width, target, dt_s):  # type: ignore[no-untyped-def]
    """Move the formants to the vowel of ``p``, closed by ``close``, scaled to the person's tract."""
    k = 1.0 - math.exp(-dt_s / 0.015)
    for i in range(N_FORMANTS):
        if i < 4:
            formant = _along(p, _P, _MOUTH[i])
            formant += (_CLOSED[i] - formant) * close
        else:
            formant = 4500.0 + 1000.0 * (i - 4)
        formant *= v.tract_scale
        if i == 0:
            formant = max(formant, target[F0])  # singers and screamers tune F1 to f0
        elif i == 1:
            formant = max(formant, target[FORMANTS] + 250.0)
        target[FORMANTS + i] += (formant - target[FORMANTS + i]) * k
        band = _WIDTHS[i] * v.tract_scale * width
        if i == 0:
            band = max(band, 0.3 * target[F0])  # or a partial on F1 would drown all others
        target[BANDWIDTHS + i] += (band - target[BANDWIDTHS + i]) * k
    target[NASAL] += (_along(p, _P, _MOUTH[4]) - target[NASAL]) * k


@kernel()
def _breathe(b, v, target, dt_s, held):  # type: ignore[no-untyped-def]
    """Idle breathing: in, out, pause; deeper and faster after pain, held under the pressing hand."""
    b.lungs += dt_s / (v.breath_s * (1.0 - 0.4 * b.arousal))
    if b.lungs >= 1.0:
        b.lungs -= 1.0
    shape, bright = 0.0, 0.5
    if b.lungs < EXHALE:
        shape, bright = math.sin(math.pi * b.lungs / EXHALE), 0.8
    elif b.lungs < 0.85:
        shape = 0.7 * math.sin(math.pi * (b.lungs - EXHALE) / 0.47)
    # Idle breathing never exceeds the identity's level, and exertion moves it up to that level.
    level = v.breath * shape * (0.6 + 0.4 * b.arousal) * (0.0 if held else 1.0)
    target[VOICE] = 0.0
    target[ASPIRATION] = level * math.sqrt(1.0 - 0.3 * bright)
    target[FRICATION] = level * math.sqrt(0.3 * bright)


@kernel()
def _inhale(b, v, target, level, bright):  # type: ignore[no-untyped-def]
    """Noise drawn in: a gasp or the breath between two calls."""
    target[VOICE] = 0.0
    target[ASPIRATION] = level * math.sqrt(1.0 - bright)
    target[FRICATION] = level * math.sqrt(bright)


@kernel()
def _sound(b, v, c, target, envelope, noise_envelope, fall, dt_s):  # type: ignore[no-untyped-def]
    """Voice with its noise; ``fall`` goes 0 to 1 as the breath lets go."""
    progress = b.progress
    b.tremble = _toward(b.tremble, 1.0 if c.call == WHIMPER else b.whimper, dt_s, 0.05, 0.05)
    tremble = b.tremble
    b.syllable += dt_s * (4.6 + 1.2 * b.drift)
    b.syllable -= math.floor(b.syllable)
    beat = 0.5 - 0.5 * math.cos(2.0 * math.pi * b.syllable)
    level_db = b.level_db + b.swell * v.temperature - 2.0 * progress * progress
    envelope *= 1.0 - 0.85 * tremble * (1.0 - beat)
    level = v.full_scale * _gain(level_db) * envelope

    contour = _along(progress, _CONTOUR_AT, _CONTOUR) * v.intonation
    semitones = b.semitones + contour + b.drift * 0.8 * v.temperature + 1.5 * tremble * (beat - 0.5)
    semitones -= (5.0 if b.released > 0.0 else 2.0) * fall  # a quarter down on release
    target[F0] = min(max(v.habitual_f0_hz * 2.0 ** (semitones / 12.0), 40.0), 2200.0)

    # Roughness comes and goes within a call: least at its edges.
    window = 0.35 + 0.65 * _smooth(progress / 0.2) * _smooth((1.0 - progress) / 0.25)
    rough = 1.0 - (1.0 - b.rough) * (1.0 - 0.5 * v.roughness)
    rough = min(max(rough * window * (1.0 + 0.35 * v.temperature * b.swell), 0.0), 1.0)
    b.roughness = rough
    target[SUBHARMONIC] = _along(rough, _R, _SUB)
    target[CHAOS] = _along(rough, _R, _CHAOS)
    target[AM] = _along(rough, _R, _AM)
    target[AM_HZ] = b.am_hz * (1.0 + 0.15 * b.drift)
    target[JITTER] = 0.02 * rough
    target[SHIMMER] = 0.15 * rough
    target[TREMOR] = v.tremor * (1.0 + b.peak)

    breathy = 1.0 - (1.0 - b.breathy) * (1.0 - 0.6 * v.breathiness)
    breathy = min(1.0, breathy + 0.4 * fall + 0.25 * tremble)
    target[RD] = min(2.7, max(0.3, _along(level_db, _DB, _RD) + 0.7 * (breathy - 0.2)))
    target[TILT] = _along(level_db, _DB, _TILT)
    noise_db = -26.0 + 22.0 * breathy
    noise = 10.0 ** (noise_db / 10.0)
    share = noise / (1.0 + noise)
    target[VOICE] = level * math.sqrt(1.0 - share)
    blown = v.full_scale * _gain(level_db) * noise_envelope * math.sqrt(share)
    target[ASPIRATION] = max(level, 1e-9) * math.sqrt(share) * 0.5 + 0.5 * blown
    onset = 0.3 * b.burst * v.full_scale * _gain(level_db)
    target[FRICATION] = target[ASPIRATION] * (0.5 + 0.3 * _smooth((level_db + 20.0) / 20.0)) + onset
    b.f0_hz = target[F0]


_CONTOUR_AT = np.array([0.0, 0.2, 0.45, 0.7, 1.0])
_CONTOUR = np.array([-0.4, 0.35, 0.1, -0.1, -0.6])
"""Pitch within a call in units of the intonation range: up, over the top, down; its median is about 0."""


@kernel()
def _step(body, person, command, fresh, dt_s, target):  # type: ignore[no-untyped-def]
    b, v, c = body[0], person[0], command[0]
    if fresh:
        b.age_s = 0.0
        b.commanded = 1
    else:
        b.age_s += dt_s
    stale = b.commanded == 0 or b.age_s > STALE_S
    b.master_to = 0.0 if stale or c.hush != 0 else 1.0
    b.fade_s = HUSH_S if c.hush != 0 else (STALE_FADE_S if stale else OPEN_S)

    if fresh:
        b.nrs_rate = _toward(b.nrs_rate, (c.nrs - b.nrs) / dt_s, dt_s, 0.004, 0.05)
        b.nrs = c.nrs
    named = c.call >= 0
    wanted = c.level_db > INAUDIBLE_DB and (b.nrs >= FELT_NRS or named) and not stale
    mouth = _CALL_P[c.call] if named else b.nrs / 10.0
    if b.state == REST:
        b.mouth = mouth
    b.mouth = _toward(b.mouth, mouth, dt_s, 0.04, 0.15)
    if wanted:
        b.peak = max(b.peak, b.nrs / 10.0)
        b.arousal = max(b.arousal, b.nrs / 10.0)
    b.arousal *= math.exp(-dt_s / 15.0)
    b.refractory = max(0.0, b.refractory - dt_s)
    b.burst *= math.exp(-dt_s / 0.03)

    # Slow wandering of pitch and effort: no two calls are the same.
    b.until_drift -= dt_s
    if b.until_drift <= 0.0:
        b.until_drift = 0.08 + 0.15 * _uniform(b)
        b.drift_to = 2.0 * _uniform(b) - 1.0
        b.swell_to = 2.0 * _uniform(b) - 1.0
    b.drift = _toward(b.drift, b.drift_to, dt_s, 0.12, 0.12)
    b.swell = _toward(b.swell, b.swell_to, dt_s, 0.15, 0.15)

    b.t += dt_s
    _transition(b, v, c, wanted)
    if b.state != FALLING and wanted:
        b.level_db = _toward(b.level_db, c.level_db, dt_s, 0.02, 0.1)
        b.semitones = _toward(b.semitones, c.f0_semitones, dt_s, 0.025, 0.12)
        b.rough = _toward(b.rough, c.roughness, dt_s, 0.025, 0.12)
        b.breathy = _toward(b.breathy, c.breathiness, dt_s, 0.025, 0.12)
        b.top_db = max(b.top_db, b.level_db)

    b.f0_hz = 0.0
    b.roughness = 0.0
    here = b.t + dt_s  # the parameters hold at the end of the block
    if b.state == REST:
        held = c.phase == PHASE_ONSET
        _mouth(b, v, 0.2, 0.0, 2.0, target, dt_s)
        _breathe(b, v, target, dt_s, held)
        b.call = BREATH
    elif b.state == GASPING:
        shape = math.sqrt(min(1.0, here / 0.04)) * min(1.0, max(0.0, (b.length - here) / 0.03) * 0.7 + 0.3)
        _mouth(b, v, 0.7, 0.0, 1.6, target, dt_s)
        _inhale(b, v, target, v.full_scale * _gain(max(b.level_db - 14.0 + 8.0 * b.mouth, -38.0)) * shape, 0.45)
        b.call = GASP
    elif b.state == INHALING:
        x = min(1.0, here / b.length)
        shape = math.sqrt(min(1.0, x / 0.25)) * (1.0 - _smooth((x - 0.7) / 0.3))
        _mouth(b, v, 0.5, 0.0, 1.6, target, dt_s)
        _inhale(b, v, target, v.full_scale * _gain(b.level_db - 16.0) * shape, 0.35)
        b.call = INHALE
    elif b.state == CALLING:
        b.air -= dt_s / (4.0 + 1.5 * _smooth(b.level_db / -20.0) - 1.5)
        b.progress = min(1.0, max(b.progress, b.t / b.length))
        x = min(1.0, here / b.attack)
        close = _along(b.mouth, _P, _MOUTH[5]) * _smooth((b.progress - 0.35) / 0.55)
        _sound(b, v, c, target, 0.2 + 0.8 * x * (2.0 - x), min(1.0, here / 0.008), 0.0, dt_s)
        _mouth(b, v, b.mouth, close, 1.0, target, dt_s)
        b.call = SIGH
        if b.mouth >= 0.06:
            b.call = MM
        if b.mouth >= 0.2:
            b.call = MOAN
        if b.mouth >= 0.5:
            b.call = CRY
        if b.mouth >= 0.82:
            b.call = SCREAM
        if c.call == WHIMPER:
            b.call = WHIMPER
    else:
        fall = min(1.0, here / b.length)
        envelope = (1.0 - fall) * (1.0 - 0.5 * fall)
        if b.whimper > 0.0:
            envelope = (1.0 - fall) * (1.0 - 0.5 * _smooth(here / 0.15))
            b.call = WHIMPER
        if b.attack > 0.0:
            envelope *= _smooth(here / b.attack)
        _sound(b, v, c, target, envelope, envelope, fall, dt_s)
        _mouth(b, v, min(b.mouth, 0.4 if b.whimper > 0.0 else 1.0), 0.5 * fall, 1.0 + fall, target, dt_s)
        target[SUBHARMONIC_RATIO] = 2.0
