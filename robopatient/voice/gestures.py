"""What the body does with a command: breathe, gasp, call, run out of air, let go. Stepped once per block.

The command says how loud, how high, how rough, how breathy; the gesture says when, and with which mouth. Level, pitch
and roughness stay the command's own: pain only chooses the call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.breathing import PAIN_PER_MIN, peak_flow_per_s
from robopatient.config import VoiceConfig
from robopatient.levels import CALLING_DB, UNTOLD, db_to_gain
from robopatient.topics import TOPICS
from robopatient.voice.calls import (
    AH,
    BREATH,
    BREATHIER,
    CALL_S,
    CLOSED_HZ,
    CLOSING,
    CONTOUR,
    CONTOUR_AT,
    DEGREES,
    EFFORT_DB,
    EFFORT_RD,
    EFFORT_TILT,
    EFFORT_TREMOR,
    GASP,
    GROAN,
    GRUNT,
    HIGHER,
    INHALE,
    KIND_PAIN,
    KINDS,
    LAXER,
    LONGER,
    MM,
    MOAN,
    MORE_NASAL,
    MOUTH,
    NAMES,
    OUCH,
    OUCH_S,
    OW,
    PAIN,
    ROUGH,
    ROUGH_AM,
    ROUGH_BIPHONATION,
    ROUGH_CHAOS,
    ROUGH_SUB,
    ROUGHER,
    SCREAM,
    SCREAM_RISE,
    SIGH,
    SIGH_VOICED,
    SUPPRESSED,
    USUAL,
    WHIMPER,
    WIDTHS_HZ,
)
from robopatient.voice.identity import VoiceIdentity
from robopatient.voice.kernel import kernel
from robopatient.voice.layouts import BODY, PERSON, PHASES, empty_command
from robopatient.voice.synth import (
    AM,
    AM_HZ,
    ASPIRATION,
    BANDWIDTHS,
    BIPHONATION,
    BIPHONATION_RATIO,
    CHAOS,
    F0,
    FORMANTS,
    FRICATION,
    JITTER,
    JUMP,
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

__all__ = ["FELT_NRS", "HUSH_S", "OPEN_S", "STALE_FADE_S", "STALE_S", "Gestures"]

# States of the machine.
REST, GASPING, CALLING, FALLING, INHALING = range(5)
PHASE_ONSET, PHASE_RELEASE = PHASES["onset"], PHASES["release"]

STALE_S = (TOPICS["voice"].max_age_ms or 200.0) / 1000.0
FELT_NRS = 0.25
"""Pain from which the patient calls."""
GASP_NRS_PER_S = 10.0
"""Rise of pain that may take the breath: 0 to 5 in half a second (assumption)."""
HUSH_S, STALE_FADE_S, OPEN_S = 0.004, 0.08, 0.004
HABITUATION_S = 30.0
"""Time constant in which a voice forgets the presses before (assumption)."""
WHIMPER_P = 0.6
"""Peak pain, 0 to 1, after which a release whimpers."""
EXHALE = 0.38
"""Where in the cycle of idle breathing the breath turns."""
OUT_OVER_IN = 0.7
"""Level of breathing out over that of breathing in (assumption)."""


class Gestures:
    """One patient's body; equal seeds and commands give equal gestures.

    Attributes
    ----------
    command
        The command that applies, to be written by ``write_command`` before ``step``.
    parameters
        For the synthesiser, after ``step``.
    """

    def __init__(self, identity: VoiceIdentity, config: VoiceConfig, seed: int) -> None:
        self.command = empty_command()
        self.parameters = neutral_parameters()
        self._dt_s = config.block_frames / config.sample_rate_hz
        full_scale = db_to_gain(config.level_dbfs)
        self._person: npt.NDArray[Any] = np.zeros(1, PERSON)
        person = self._person[0]
        person["full_scale"] = full_scale
        person["habitual_f0_hz"] = identity.habitual_f0_hz
        person["tract_scale"] = 17.0 / identity.vocal_tract_cm
        for name in PERSON.names or ():
            if hasattr(identity, name):
                person[name] = getattr(identity, name)
        person["intonation"] = identity.intonation_semitones
        person["breath"] = db_to_gain(identity.breath_dbfs)
        person["full_flow_per_s"] = peak_flow_per_s(PAIN_PER_MIN)
        self._body: npt.NDArray[Any] = np.zeros(1, BODY)
        mixed = (seed * 0x9E3779B97F4A7C15 + identity.seed * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) | 1
        self._body["random"] = np.uint64(mixed & 0xFFFFFFFFFFFFFFFF)
        self._body["am_hz"] = 70.0
        self._body["air"] = 1.0
        self._body["top_db"] = -120.0
        self._body["formants"] = 1.0
        self._body["chest"] = UNTOLD
        # Views of single fields: looked up at every block, and by name that costs as much as the sound.
        self._told = tuple(self._body[name] for name in ("master_to", "fade_s", "f0_hz", "roughness", "call"))

    def step(self, fresh: bool) -> None:
        """Advance one block; ``fresh`` says that ``command`` is newer than in the last block."""
        _step(self._body, self._person, self.command, fresh, self._dt_s, self.parameters)

    def reset(self) -> None:
        """Back to rest, as after a silence."""
        body = self._body[0]
        body["state"], body["t"], body["air"], body["peak"], body["top_db"] = REST, 0.0, 1.0, 0.0, -120.0
        body["chest"], body["flow_per_s"], body["air_flow"] = UNTOLD, 0.0, 0.0
        body["lungs"], body["whimper"], body["burst"], body["jump_s"], body["ch"] = 0.0, 0.0, 0.0, 0.0, 0.0

    @property
    def master_to(self) -> float:
        """Where the master fade should go: 0 when hushed, stale or not yet commanded."""
        return float(self._told[0].item())

    @property
    def fade_s(self) -> float:
        """How long the master fade should take from one end to the other."""
        return float(self._told[1].item())

    @property
    def f0_hz(self) -> float:
        """Fundamental at the end of the block, 0 when there is no voice."""
        return float(self._told[2].item())

    @property
    def roughness(self) -> float:
        """Roughness at the end of the block, 0 to 1."""
        return float(self._told[3].item())

    @property
    def call(self) -> str:
        """Name of what is being done."""
        return NAMES[self._told[4].item()]


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
def _degree(p):  # type: ignore[no-untyped-def]
    """How far up the ladder from sigh to scream this pain is, as an index of ``USUAL``."""
    degree = 0
    while degree < DEGREES.shape[0] and p >= DEGREES[degree]:
        degree += 1
    return degree


@kernel()
def _choose(b, v, c):  # type: ignore[no-untyped-def]
    """Which call this pain gets: the usual one, or by temper another that has not just been heard."""
    if c.call > GASP:
        return c.call
    degree = _degree(b.mouth)
    kind = USUAL[degree]
    if _uniform(b) < v.stoicism and 1 <= degree <= 3:
        return SUPPRESSED
    drawn = _uniform(b)
    if drawn < 0.9 * v.temperature:
        drawn = _uniform(b)
        if degree == 1:
            kind = SIGH if drawn < 0.3 else MM
        elif degree == 2:
            kind = GROAN if drawn < 0.35 else (GRUNT if drawn < 0.55 else MOAN)
        elif degree == 3:
            kind = AH if drawn < 0.35 else (OW if drawn < 0.7 else OUCH)
        if kind == b.last:
            kind = USUAL[degree]
    return kind


@kernel()
def _start_call(b, v, c):  # type: ignore[no-untyped-def]
    """Set in at the asked level, with an attack that shortens with pain."""
    p = b.mouth
    b.last = b.kind
    b.kind = _choose(b, v, c)
    length = _along(p, PAIN, CALL_S) * KINDS[b.kind, LONGER] * c.duration_ratio
    _enter(b, CALLING, length * (1.0 + 0.3 * v.temperature * (2.0 * _uniform(b) - 1.0)))
    b.top_nrs = b.nrs
    b.attack = 0.12 - 0.09 * p
    if b.kind == GRUNT:
        b.attack = 0.02
    b.held = 0.12 + 0.2 * _uniform(b) if b.kind == SUPPRESSED else 0.0
    b.burst = _smooth((p - 0.4) / 0.3) if b.kind != SUPPRESSED else 0.0
    b.whimper = 0.0
    b.progress = 0.0
    b.ch = 0.0
    b.level_db = c.level_db
    b.semitones = c.f0_semitones
    b.rough = c.roughness
    b.breathy = c.breathiness
    b.am_hz = 45.0 + 60.0 * _uniform(b)
    b.jump_s = 0.0
    b.armed = 0.0
    b.ratio = 3.0 if _uniform(b) < 0.25 else 2.0
    b.second_ratio = 1.22 + 0.6 * _uniform(b)
    for i in range(3):
        b.episodes[i] = 0.0
        b.episodes_to[i] = 0.0
        b.episodes_s[i] = 0.05 + 0.1 * _uniform(b)


@kernel()
def _let_go(b, attack):  # type: ignore[no-untyped-def]
    """Release: the breath falls, and after strong pain it whimpers; from silence it needs an attack."""
    b.released = 1.0
    b.attack = attack
    b.level_db = max(b.level_db, b.top_db - 14.0)  # a release is heard, however low the command has fallen
    b.whimper = 1.0 if b.peak > WHIMPER_P else 0.0
    b.ch = 1.0 if b.kind == OUCH and b.state == CALLING else 0.0
    _enter(b, FALLING, 0.8 + 0.5 * _uniform(b) if b.whimper > 0.0 else 0.3 + 0.4 * b.peak)


@kernel()
def _rest(b, v, lungs):  # type: ignore[no-untyped-def]
    """Back to idle breathing, at a point of its cycle."""
    b.peak = 0.0
    b.top_db = -120.0
    b.refractory = v.refractory_s
    b.habit += 0.3 * v.habituation * (1.0 - b.habit)
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
                b.refractory = v.refractory_s
                _enter(b, GASPING, 0.24 - 0.1 * b.mouth)
            else:
                _start_call(b, v, c)
    elif b.state == GASPING:
        if not wanted:
            _rest(b, v, EXHALE)
        elif b.t >= b.length and c.call != GASP:
            b.air = 1.0
            _start_call(b, v, c)
    elif b.state == CALLING:
        if c.call > GASP:
            b.kind = c.call
        if b.nrs > b.top_nrs + 0.15:  # pain still rises: so does the call
            b.top_nrs = b.nrs
            b.length = max(b.length, b.t + 0.4, _along(b.mouth, PAIN, CALL_S) * c.duration_ratio)
            if c.call < 0 and _degree(b.mouth) > _degree(KIND_PAIN[b.kind]):
                b.kind = USUAL[_degree(b.mouth)]
                b.held = 0.0
        relieved = c.phase == PHASE_RELEASE and b.nrs < 0.6 * 10.0 * b.peak
        if not wanted or relieved:
            _let_go(b, 0.05 if b.kind == SUPPRESSED and b.t < b.held else 0.0)
        elif b.t >= b.length or b.air <= 0.0:
            b.released = 0.0
            b.attack = 0.0
            b.ch = 1.0 if b.kind == OUCH else 0.0
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
                _rest(b, v, 0.0)
    elif b.state == INHALING:
        b.air = min(1.0, b.t / b.length)
        if not wanted:
            if b.peak > WHIMPER_P:
                _let_go(b, 0.05)
            else:
                _rest(b, v, EXHALE)
        elif b.t >= b.length or b.nrs > b.start_nrs + 0.7:
            _start_call(b, v, c)


@kernel()
def _mouth(b, v, p, close, width, target, dt_s):  # type: ignore[no-untyped-def]
    """Move the formants to the vowel of ``p``, closed by ``close``, scaled to the person's tract."""
    k = 1.0 - math.exp(-dt_s / 0.015)
    for i in range(N_FORMANTS):
        if i < 4:
            formant = _along(p, PAIN, MOUTH[i])
            formant += (CLOSED_HZ[i] - formant) * close
        else:
            formant = 4500.0 + 1000.0 * (i - 4)
        formant *= v.tract_scale * b.formants
        if i == 0:
            formant = max(formant, target[F0] * target[JUMP])  # singers and screamers tune F1 to f0
        elif i == 1:
            formant = max(formant, target[FORMANTS] + 250.0)
        target[FORMANTS + i] += (formant - target[FORMANTS + i]) * k
        band = WIDTHS_HZ[i] * v.tract_scale * width
        if i == 0:
            band = max(band, 0.3 * target[F0])  # or a partial on F1 would drown all others
        target[BANDWIDTHS + i] += (band - target[BANDWIDTHS + i]) * k
    nasal = min(max(_along(p, PAIN, MOUTH[4]) + KINDS[b.kind, MORE_NASAL], 0.0), 1.0)
    target[NASAL] += (nasal - target[NASAL]) * k


@kernel()
def _follow(b, c):  # type: ignore[no-untyped-def]
    """Watch the patient's chest: how far it has moved since the command before, in the time of the force frames."""
    if b.chest < 0.0 or c.breath < 0.0:
        b.flow_per_s = 0.0
    elif c.t_ns > b.chest_ns:
        b.flow_per_s = (c.breath - b.chest) / (1e-9 * (c.t_ns - b.chest_ns))
    b.chest = c.breath
    b.chest_ns = c.t_ns


@kernel()
def _breathe(b, v, target, dt_s, held):  # type: ignore[no-untyped-def]
    """Idle breathing: the louder, the faster the patient's chest moves; by itself where no patient is told.

    By itself it goes in, out, and pauses; deeper and faster after pain, held under the pressing hand.
    """
    b.lungs += dt_s / (v.breath_s * (1.0 - 0.4 * b.arousal))
    if b.lungs >= 1.0:
        b.lungs -= 1.0
    shape, bright = 0.0, 0.5
    # Idle breathing never exceeds the identity's level, and exertion moves it up to that level.
    effort = (0.6 + 0.4 * b.arousal) * (0.0 if held else 1.0)
    if b.chest >= 0.0:
        b.air_flow = _toward(b.air_flow, min(max(b.flow_per_s / v.full_flow_per_s, -1.0), 1.0), dt_s, 0.02, 0.02)
        effort = abs(b.air_flow)
        shape, bright = (1.0, 0.8) if b.air_flow > 0.0 else (OUT_OVER_IN, 0.5)
    elif b.lungs < EXHALE:
        shape, bright = math.sin(math.pi * b.lungs / EXHALE), 0.8
    elif b.lungs < 0.85:
        shape = OUT_OVER_IN * math.sin(math.pi * (b.lungs - EXHALE) / 0.47)
    level = v.breath * shape * effort
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
def _episodes(b, dt_s):  # type: ignore[no-untyped-def]
    """Let each nonlinear phenomenon come and go by itself within a call, as it does in real cries."""
    for i in range(3):
        b.episodes_s[i] -= dt_s
        if b.episodes_s[i] <= 0.0:
            on = b.episodes_to[i] < 0.5
            b.episodes_to[i] = 1.0 if on else 0.0
            b.episodes_s[i] = 0.1 + 0.25 * _uniform(b)
        b.episodes[i] = _toward(b.episodes[i], b.episodes_to[i], dt_s, 0.012, 0.02)


@kernel()
def _jump(b, v, rough, f0_hz, f1_hz, dt_s):  # type: ignore[no-untyped-def]
    """Break the pitch where it meets the first formant, or where the larynx is overdriven; return its ratio.

    The source and the tract disturb each other near F1 (Titze et al. 2008): once f0 has been clear of it by 9 %,
    coming within 5 % sets the jump off; above 0.6 of roughness it also comes unprovoked.
    """
    b.jump_s -= dt_s
    if b.jump_s > 0.0:
        return 2.0 ** (b.jump / 12.0)
    distance = abs(f0_hz / max(f1_hz, 1.0) - 1.0)
    provoked = b.armed > 0.0 and distance < 0.05 and b.mouth > 0.4
    if distance > 0.09:
        b.armed = 1.0
    chance = (0.35 if provoked else 0.0) + 2.5 * max(0.0, rough - 0.6) * dt_s
    if b.t > 0.12 and _uniform(b) < v.jumps * chance:
        # Down more often than up: a voice that breaks falls into a lower regime (assumption: three of five).
        b.jump = (3.0 + 4.0 * _uniform(b)) * (-1.0 if _uniform(b) < 0.6 else 1.0)
        b.jump_s = 0.08 + 0.17 * _uniform(b)
        b.armed = 0.0
        return 2.0 ** (b.jump / 12.0)
    return 1.0


@kernel()
def _sound(b, v, c, target, envelope, noise_envelope, fall, dt_s):  # type: ignore[no-untyped-def]
    """Voice with its noise; ``fall`` goes 0 to 1 as the breath lets go."""
    progress = b.progress
    whimpering = c.call == WHIMPER or b.whimper > 0.0
    b.tremble = _toward(b.tremble, 1.0 if whimpering else 0.0, dt_s, 0.05, 0.05)
    tremble = b.tremble
    b.syllable += dt_s * (4.6 + 1.2 * b.drift)
    b.syllable -= math.floor(b.syllable)
    beat = 0.5 - 0.5 * math.cos(2.0 * math.pi * b.syllable)
    level_db = b.level_db + b.swell * v.temperature - 2.0 * progress * progress - 8.0 * b.habit
    envelope *= 1.0 - 0.85 * tremble * (1.0 - beat)
    strain = 1.0 if b.kind == SUPPRESSED else 0.0
    level_db -= 6.0 * strain
    if b.kind == SUPPRESSED and b.state == CALLING and b.t < b.held:
        envelope *= 0.03  # the breath is held, the throat is shut: hardly anything comes out
        noise_envelope *= 0.1
    level = v.full_scale * _gain(level_db) * envelope

    contour = _along(progress, CONTOUR_AT, CONTOUR) * v.intonation
    if b.kind == GROAN or b.kind == SIGH:
        contour -= 1.2 * v.intonation * (progress - 0.3)  # falls all the way
    elif b.kind == SCREAM:
        contour -= SCREAM_RISE * v.intonation * (1.0 - _smooth(progress / 0.22))
    semitones = b.semitones + contour + b.drift * 0.8 * v.temperature + 1.5 * tremble * (beat - 0.5)
    semitones += KINDS[b.kind, HIGHER] * min(b.peak * 2.5, 1.0) - 3.0 * b.habit
    semitones -= (5.0 if b.released > 0.0 else 2.0) * fall  # a quarter down on release
    target[F0] = min(max(v.habitual_f0_hz * 2.0 ** (semitones / 12.0), 40.0), 2200.0)

    # Roughness comes and goes within a call: least at its edges.
    window = 0.35 + 0.65 * _smooth(progress / 0.2) * _smooth((1.0 - progress) / 0.25)
    rough = 1.0 - (1.0 - b.rough) * (1.0 - 0.5 * v.roughness) * (1.0 - KINDS[b.kind, ROUGHER])
    rough = min(max(rough * window * (1.0 + 0.2 * v.temperature * b.swell), 0.0), 1.0)
    b.roughness = rough
    _episodes(b, dt_s)
    target[SUBHARMONIC] = min(1.0, v.subharmonics * _along(rough, ROUGH, ROUGH_SUB) * (0.3 + 0.9 * b.episodes[0]))
    target[CHAOS] = min(1.0, v.chaos * _along(rough, ROUGH, ROUGH_CHAOS) * (0.2 + 0.8 * b.episodes[1]))
    target[AM] = min(1.0, v.modulation * _along(rough, ROUGH, ROUGH_AM))
    target[AM_HZ] = b.am_hz * (1.0 + 0.15 * b.drift)
    target[BIPHONATION] = min(1.0, v.biphonation * _along(rough, ROUGH, ROUGH_BIPHONATION) * b.episodes[2])
    target[BIPHONATION_RATIO] = b.second_ratio * (1.0 + 0.06 * b.drift)
    target[SUBHARMONIC_RATIO] = b.ratio
    target[JUMP] = _jump(b, v, rough, target[F0], target[FORMANTS], dt_s)
    target[JITTER] = 0.004 + 0.014 * rough
    target[SHIMMER] = 0.02 + 0.12 * rough
    target[TREMOR] = min(v.tremor * (1.0 + b.peak) + EFFORT_TREMOR * strain, 0.1)

    breathy = 1.0 - (1.0 - b.breathy) * (1.0 - 0.6 * v.breathiness)
    breathy = min(max(breathy + KINDS[b.kind, BREATHIER] + 0.4 * fall + 0.25 * tremble, 0.0), 1.0)
    lax = _along(level_db, EFFORT_DB, EFFORT_RD) + 0.7 * (breathy - 0.2) + KINDS[b.kind, LAXER]
    target[RD] = min(2.7, max(0.3, lax))
    target[TILT] = _along(level_db, EFFORT_DB, EFFORT_TILT)
    noise_db = -22.5 + 12.0 * breathy
    voiced = 1.0
    if b.kind == SIGH and b.whimper == 0.0:
        voiced -= _smooth((progress - SIGH_VOICED) / 0.2)
        noise_db += 10.0 * (1.0 - voiced)
    noise = 10.0 ** (noise_db / 10.0)
    share = noise / (1.0 + noise)
    target[VOICE] = level * math.sqrt(1.0 - share) * voiced
    blown = v.full_scale * _gain(level_db) * noise_envelope * math.sqrt(share)
    target[ASPIRATION] = max(level, 1e-9) * math.sqrt(share) * 0.5 + 0.5 * blown
    onset = 0.3 * b.burst * v.full_scale * _gain(level_db)
    target[FRICATION] = target[ASPIRATION] * (0.5 + 0.3 * _smooth((level_db + 20.0) / 20.0)) + onset
    b.f0_hz = target[F0] * target[JUMP] if voiced > 0.0 else 0.0


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
        _follow(b, c)
    named = c.call >= 0
    wanted = c.level_db > CALLING_DB and (b.nrs >= FELT_NRS or named) and not stale
    mouth = KIND_PAIN[c.call] if named else b.nrs / 10.0
    if b.state == REST:
        b.mouth = mouth
    b.mouth = _toward(b.mouth, mouth, dt_s, 0.04, 0.15)
    b.formants = _toward(b.formants, c.formant_ratio if c.formant_ratio > 0.0 else 1.0, dt_s, 0.025, 0.025)
    if wanted:
        b.peak = max(b.peak, b.nrs / 10.0)
        b.arousal = max(b.arousal, b.nrs / 10.0)
    b.arousal *= math.exp(-dt_s / 15.0)
    b.habit *= math.exp(-dt_s / HABITUATION_S)
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
        left = 0.0 if c.call == GASP else 0.3  # a gasp alone ends; before a call it goes over into it
        shape = math.sqrt(min(1.0, here / 0.04)) * min(1.0, max(0.0, (b.length - here) / 0.05) * (1.0 - left) + left)
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
        closing = KINDS[b.kind, CLOSING]
        if closing < 0.0:
            closing = _along(b.mouth, PAIN, MOUTH[5])
        _sound(b, v, c, target, 0.2 + 0.8 * x * (2.0 - x), min(1.0, here / 0.008), 0.0, dt_s)
        _mouth(b, v, b.mouth, closing * _smooth((b.progress - 0.35) / 0.55), 1.0, target, dt_s)
        b.call = b.kind
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
        if b.ch > 0.0:
            x = min(1.0, here / OUCH_S)
            target[VOICE] *= 1.0 - x
            target[FRICATION] += 0.6 * v.full_scale * _gain(b.level_db) * math.sin(math.pi * x) ** 2
