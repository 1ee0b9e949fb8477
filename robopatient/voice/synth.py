"""The vocal tract as one per-sample kernel: wavetable source, noise, moving formants, at a level that is asked for.

A block goes linearly from the previous parameters to the new ones, so any parameter may step at any block without a
click. Levels are RMS at the output: the kernel predicts the gain from source to lips and divides by it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.voice.kernel import kernel
from robopatient.voice.wavetable import BASE_HZ, N_TABLES, OCTAVE_STEPS, PASSBAND, RD_MAX, RD_MIN, make_source

__all__ = [
    "AM",
    "AM_HZ",
    "ASPIRATION",
    "BANDWIDTHS",
    "BIPHONATION",
    "BIPHONATION_RATIO",
    "CHAOS",
    "F0",
    "FORMANTS",
    "FRICATION",
    "JITTER",
    "JUMP",
    "NASAL",
    "N_FORMANTS",
    "N_PARAMETERS",
    "RD",
    "SHIMMER",
    "SUBHARMONIC",
    "SUBHARMONIC_RATIO",
    "TILT",
    "TREMOR",
    "VOICE",
    "Synth",
    "neutral_parameters",
]

N_FORMANTS = 6
# Columns of a parameter vector. Level columns are RMS at the output, 1 = full scale.
(
    F0,  # Hz
    VOICE,  # level of the periodic part
    ASPIRATION,  # level of the noise that passes the tract
    FRICATION,  # level of the noise about 4 kHz that does not
    RD,  # voice quality, 0.3 pressed to 2.7 lax
    TILT,  # shelf of the voice above 1.2 kHz, gain there 1 + TILT
    NASAL,  # 0 mouth open to 1 murmur
    JITTER,  # of the period, uniform, half width
    SHIMMER,  # of the cycle amplitude, uniform, half width
    SUBHARMONIC,  # depth, 0 to 1
    SUBHARMONIC_RATIO,  # cycles per subharmonic period, 2 or 3
    CHAOS,  # depth of the logistic map, 0 to 1
    AM,  # depth of the roughness modulation, 0 to 1
    AM_HZ,  # its rate, 30 to 150 Hz
    TREMOR,  # depth of the 9.5 Hz tremor of f0
    BIPHONATION,  # amplitude of the second source over that of the first
    BIPHONATION_RATIO,  # its pitch over that of the first
    JUMP,  # of f0, as a ratio; taken at the start of the next cycle, so a jump lasts no longer than one
) = range(18)
FORMANTS = 18
BANDWIDTHS = FORMANTS + N_FORMANTS
N_PARAMETERS = BANDWIDTHS + N_FORMANTS

CONTROL_FRAMES = 16
"""Frames between two updates of the filters and of the source's place in the tables."""
TREMOR_HZ = 9.5
HIGHER_HZ, HIGHER_DB = 7000.0, 38.0
"""Twice this shelf stands for the formants above the sixth (higher-pole correction, Fant 1960), for a 17 cm tract.

A uniform tube has poles up to any frequency, and those above 6 kHz lift 3 kHz by 12 dB and 4 kHz by 23 dB. Six
resonators without them are too dull; the two shelves follow it within 5 dB up to 4 kHz and fall short of it above.
"""
NASAL_POLE_HZ, NASAL_ZERO_HZ, NASAL_WIDTH_HZ = 270.0, 450.0, 100.0
"""Klatt 1980: the zero leaves the pole as the velum opens."""
SHELF_HZ, DC_HZ, ASPIRATION_HZ = 1200.0, 20.0, 400.0
FRICATION_HZ, FRICATION_WIDTH_HZ = 4200.0, 4500.0
"""Turbulence at the teeth and in the throat: above the tract's main resonances, below the hiss of white noise."""
# Rows of what a stretch hands from one stage to the next.
SOUND, NOISE, HISS, RIPPLE = range(4)
SETTLED = 1e-30
"""A filter that rings on in silence ends in denormal numbers, with which a block takes twelve times as long (measured:
540 us instead of 40, from two seconds on in which a patient holds the breath)."""
NOISE_STEP_HZ, NOISE_POINTS = 125.0, 96
"""Where the noise gain of the tract is sampled: up to 12 kHz."""
MAX_HARMONIC_HZ = 10_000.0
MOST_GAIN = 20.0
"""Source over level at the lips: four times what any shipped voice needs. A pitch far above every formant stays soft
instead of waiting with an enormous source for the formants to come."""

STATE = np.dtype(
    [
        ("phase", "f8"),
        ("second_phase", "f8"),
        ("second_gain", "f8"),
        ("jump", "f8"),
        ("cycle", "i8"),
        ("period_factor", "f8"),
        ("cycle_gain", "f8"),
        ("chaos", "f8"),
        ("am_phase", "f8"),
        ("tremor_phase", "f8"),
        ("voice_gain", "f8"),
        ("aspiration_gain", "f8"),
        ("aspiration_low", "f8"),
        ("shelf_low", "f8"),
        ("nasal_x1", "f8"),
        ("nasal_x2", "f8"),
        ("nasal_y1", "f8"),
        ("nasal_y2", "f8"),
        ("frication_x1", "f8"),
        ("frication_x2", "f8"),
        ("frication_y1", "f8"),
        ("frication_y2", "f8"),
        ("dc_x", "f8"),
        ("dc_y", "f8"),
        ("noise", "u8"),
    ]
)
"""All that the kernel remembers between two blocks, besides the resonators."""


class Synth:
    """Renders blocks of one voice; equal seeds and parameters give equal samples."""

    def __init__(self, sample_rate_hz: float, seed: int, vocal_tract_cm: float = 17.0) -> None:
        source = make_source(sample_rate_hz)
        self._source = (source.tables.ravel(), source.harmonic_power)
        self._sample_rate_hz = float(sample_rate_hz)
        self._state: npt.NDArray[Any] = np.zeros(1, STATE)
        self._resonators = np.zeros((N_FORMANTS, 2))
        self._coefficients = np.zeros((N_FORMANTS, 3))
        self._work = (
            np.zeros((N_FORMANTS, 3)),
            np.zeros((N_FORMANTS + 6, 3)),
            np.zeros((2, max(NOISE_POINTS, source.harmonic_power.shape[1]))),
            np.zeros((4, CONTROL_FRAMES)),
        )
        self._previous = np.zeros(N_PARAMETERS)
        self._frication = _frication_filter(sample_rate_hz)
        self._higher = _higher_poles(sample_rate_hz, 17.0 / vocal_tract_cm)
        self._shelves = np.zeros((2, 2))
        self._state["noise"] = np.uint64((2 * seed + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        self.reset()

    def reset(self) -> None:
        """Forget all sound (but not the place in the noise): the next block starts from silence."""
        noise = self._state["noise"][0]
        self._state[:] = np.zeros(1, STATE)
        self._state["noise"] = noise
        self._state["cycle_gain"] = 1.0
        self._state["chaos"] = 0.37
        self._state["jump"] = 1.0
        self._resonators[:] = 0.0
        self._shelves[:] = 0.0
        self._previous[:] = 0.0

    def render(self, parameters: npt.NDArray[np.float64], out: npt.NDArray[np.float64]) -> None:
        """Go from the previous block's parameters to these over ``out``, shape (block_frames,)."""
        _render(
            out,
            parameters,
            self._previous,
            self._state,
            self._resonators,
            self._coefficients,
            *self._work,
            self._source[0],
            self._source[1],
            self._frication,
            self._higher,
            self._shelves,
            self._sample_rate_hz,
        )


def neutral_parameters() -> npt.NDArray[np.float64]:
    """A clean, silent neutral vowel of a 17 cm tract at 120 Hz, shape (N_PARAMETERS,)."""
    parameters = np.zeros(N_PARAMETERS)
    parameters[F0] = 120.0
    parameters[RD] = 1.0
    parameters[SUBHARMONIC_RATIO] = 2.0
    parameters[AM_HZ] = 70.0
    parameters[BIPHONATION_RATIO], parameters[JUMP] = 1.5, 1.0
    parameters[FORMANTS:BANDWIDTHS] = (500.0, 1500.0, 2500.0, 3500.0, 4500.0, 5500.0)
    parameters[BANDWIDTHS:] = (80.0, 90.0, 120.0, 150.0, 200.0, 250.0)
    return parameters


def _frication_filter(sample_rate_hz: float) -> npt.NDArray[np.float64]:
    """Second-order band-pass as b0, b1, b2, a1, a2 and the gain that makes unit noise unit RMS (RBJ cookbook)."""
    omega = 2.0 * math.pi * FRICATION_HZ / sample_rate_hz
    alpha = math.sin(omega) * FRICATION_WIDTH_HZ / (2.0 * FRICATION_HZ)
    a0 = 1.0 + alpha
    b0, a1, a2 = alpha / a0, -2.0 * math.cos(omega) / a0, (1.0 - alpha) / a0
    grid = np.exp(-1j * np.linspace(0.0, math.pi, 4096))
    response = (b0 - b0 * grid**2) / (1.0 + a1 * grid + a2 * grid**2)
    return np.array([b0, 0.0, -b0, a1, a2, 1.0 / math.sqrt(float(np.mean(np.abs(response) ** 2)))])


def _higher_poles(sample_rate_hz: float, tract_scale: float) -> npt.NDArray[np.float64]:
    """High shelf of one of the two, as b0, b1, b2, a1, a2 (RBJ cookbook, slope 1)."""
    amplitude = 10.0 ** (HIGHER_DB / 40.0)
    omega = 2.0 * math.pi * HIGHER_HZ * tract_scale / sample_rate_hz
    cosine, alpha = math.cos(omega), math.sin(omega) / math.sqrt(2.0)
    edge, plus, minus = 2.0 * math.sqrt(amplitude) * alpha, amplitude + 1.0, amplitude - 1.0
    a0 = plus - minus * cosine + edge
    return np.array(
        [
            amplitude * (plus + minus * cosine + edge) / a0,
            -2.0 * amplitude * (minus + plus * cosine) / a0,
            amplitude * (plus + minus * cosine - edge) / a0,
            2.0 * (minus - plus * cosine) / a0,
            (plus - minus * cosine - edge) / a0,
        ]
    )


@kernel()
def _set_coefficients(parameters, coefficients, sample_rate_hz):  # type: ignore[no-untyped-def]
    """Resonators y = c0 x + c1 y1 + c2 y2 of unit gain at 0 Hz (Klatt 1980), rows of ``coefficients``."""
    for i in range(N_FORMANTS):
        formant = min(max(parameters[FORMANTS + i], 50.0), 0.45 * sample_rate_hz)
        radius = math.exp(-math.pi * max(parameters[BANDWIDTHS + i], 20.0) / sample_rate_hz)
        c2 = -radius * radius
        c1 = 2.0 * radius * math.cos(2.0 * math.pi * formant / sample_rate_hz)
        coefficients[i, 0] = 1.0 - c1 - c2
        coefficients[i, 1] = c1
        coefficients[i, 2] = c2


@kernel()
def _squared(a, b, c):  # type: ignore[no-untyped-def]
    """|a + b z^-1 + c z^-2|^2 on the unit circle as a polynomial of the cosine: constant, linear, quadratic."""
    return (a - c) * (a - c) + b * b, 2.0 * b * (a + c), 4.0 * a * c


@kernel()
def _prepare_tract(coefficients, higher, tilt, shelf, pole, zero, powers):  # type: ignore[no-untyped-def]
    """Fill ``powers`` with the polynomials of ``_tract_power``, rows: poles, then zeros; return the constant gain."""
    gain = 1.0
    for i in range(N_FORMANTS):
        gain *= coefficients[i, 0]
        powers[i] = _squared(1.0, -coefficients[i, 1], -coefficients[i, 2])
    gain *= pole[0] / zero[0]
    powers[N_FORMANTS] = _squared(1.0, -pole[1], -pole[2])
    powers[N_FORMANTS + 1] = _squared(1.0, higher[3], higher[4])
    powers[N_FORMANTS + 2] = _squared(higher[0], higher[1], higher[2])
    powers[N_FORMANTS + 3] = _squared(1.0, -zero[1], -zero[2])
    # Shelf 1 + tilt (1 - L), L = shelf / (1 - (1 - shelf) z^-1): zeros over the pole of L.
    keep = 1.0 - shelf
    powers[N_FORMANTS + 4] = _squared(1.0 + tilt * keep, -keep * (1.0 + tilt), 0.0)
    powers[N_FORMANTS + 5] = _squared(1.0, -keep, 0.0)
    return gain * gain


@kernel()
def _tract_power(powers, cosine, power):  # type: ignore[no-untyped-def]
    """Fill ``power`` with the gain from source to lips, but for the constant, at frequencies of these cosines.

    One factor after the other over all frequencies, so that several are computed at a time.
    """
    n = cosine.shape[0]
    for k in range(n):
        power[k] = 1.0
    for i in range(N_FORMANTS + 1):
        a, b, c = powers[i, 0], powers[i, 1], powers[i, 2]
        for k in range(n):
            power[k] *= a + cosine[k] * (b + cosine[k] * c)
    pole0, pole1, pole2 = powers[N_FORMANTS + 1]
    zero0, zero1, zero2 = powers[N_FORMANTS + 2]
    nasal0, nasal1, nasal2 = powers[N_FORMANTS + 3]
    tilted0, tilted1, _ = powers[N_FORMANTS + 4]
    level0, level1, _ = powers[N_FORMANTS + 5]
    for k in range(n):
        x = cosine[k]
        lift_pole = pole0 + x * (pole1 + x * pole2)
        lift_zero = zero0 + x * (zero1 + x * zero2)
        zeros = (nasal0 + x * (nasal1 + x * nasal2)) * (lift_zero * lift_zero * (tilted0 + x * tilted1))
        power[k] = zeros / (power[k] * (lift_pole * lift_pole * (level0 + x * level1)))


@kernel()
def _nasal_pair(nasal, sample_rate_hz):  # type: ignore[no-untyped-def]
    """Pole and zero of the nasal branch, each as (1 - c1 - c2, c1, c2)."""
    radius = math.exp(-math.pi * NASAL_WIDTH_HZ / sample_rate_hz)
    c2 = -radius * radius
    pole1 = 2.0 * radius * math.cos(2.0 * math.pi * NASAL_POLE_HZ / sample_rate_hz)
    zero_hz = NASAL_POLE_HZ + (NASAL_ZERO_HZ - NASAL_POLE_HZ) * nasal
    zero1 = 2.0 * radius * math.cos(2.0 * math.pi * zero_hz / sample_rate_hz)
    return (1.0 - pole1 - c2, pole1, c2), (1.0 - zero1 - c2, zero1, c2)


@kernel()
def _voice_gain(p, powers, constant, harmonic_power, grid, sample_rate_hz):  # type: ignore[no-untyped-def]
    """Amplitude of the source that gives the asked level of voice, nonlinear phenomena counted in."""
    u = min(max((p[RD] - RD_MIN) / (RD_MAX - RD_MIN), 0.0), 0.9999) * (harmonic_power.shape[0] - 1)
    row = int(u)
    w = u - row
    omega = 2.0 * math.pi * p[F0] * p[JUMP] / sample_rate_hz
    count = max(1, min(harmonic_power.shape[1], int(MAX_HARMONIC_HZ / (p[F0] * p[JUMP]))))
    step = math.cos(omega)
    cosine, before = step, 1.0
    for h in range(count):
        grid[0, h] = cosine
        cosine, before = 2.0 * step * cosine - before, cosine
    _tract_power(powers, grid[0, :count], grid[1, :count])
    total = 0.0
    for h in range(count):
        source = harmonic_power[row, h] * (1.0 - w) + harmonic_power[row + 1, h] * w
        total += source * grid[1, h]
    total *= constant
    # Mean power of what scales a cycle: subharmonic, chaos (logistic map: mean 1/2, mean square 3/8), AM, shimmer.
    ratio, sub, chaos, am = p[SUBHARMONIC_RATIO], p[SUBHARMONIC], p[CHAOS], p[AM]
    total *= (1.0 + (ratio - 1.0) * (1.0 - sub) * (1.0 - sub)) / ratio
    total *= 1.0 - 0.6 * chaos + 0.36 * 0.375 * chaos * chaos
    total *= 1.0 - am + 13.0 / 35.0 * am * am
    total *= 1.0 + p[SHIMMER] * p[SHIMMER] / 3.0
    total *= 1.0 + p[BIPHONATION] * p[BIPHONATION]
    return p[VOICE] * min(MOST_GAIN, 1.0 / math.sqrt(total))


@kernel()
def _aspiration_gain(p, powers, constant, high, grid, sample_rate_hz):  # type: ignore[no-untyped-def]
    """Gain of unit noise that gives the asked level of aspiration at the lips."""
    keep = 1.0 - high
    powers[N_FORMANTS + 4] = powers[N_FORMANTS + 5]  # the shelf is the voice's alone
    step = math.cos(2.0 * math.pi * NOISE_STEP_HZ / sample_rate_hz)
    cosine, before = step, 1.0
    for i in range(NOISE_POINTS):
        grid[0, i] = cosine
        cosine, before = 2.0 * step * cosine - before, cosine
    _tract_power(powers, grid[0, :NOISE_POINTS], grid[1, :NOISE_POINTS])
    total = 0.0
    for i in range(NOISE_POINTS):
        passed = 2.0 * keep * keep * (1.0 - grid[0, i]) / (1.0 + keep * keep - 2.0 * keep * grid[0, i])
        total += passed * grid[1, i]
    return p[ASPIRATION] * min(MOST_GAIN, 1.0 / math.sqrt(constant * total * 2.0 * NOISE_STEP_HZ / sample_rate_hz))


@kernel()
def _draw(random):  # type: ignore[no-untyped-def]
    """Next state of the random stream (xorshift64*), and two uniform numbers from -1 to 1."""
    random ^= random >> np.uint64(12)
    random ^= random << np.uint64(25)
    random ^= random >> np.uint64(27)
    drawn = random * np.uint64(2685821657736338717)
    one = np.float64(drawn >> np.uint64(32)) * (2.0 / 4294967296.0) - 1.0
    other = np.float64(drawn & np.uint64(0xFFFFFFFF)) * (2.0 / 4294967296.0) - 1.0
    return random, one, other


@kernel()
def _pass_tract(sound, coefficients, resonators, higher, shelves):  # type: ignore[no-untyped-def]
    """Formants, then the two shelves above them, in place; their coefficients hold meanwhile."""
    for i in range(N_FORMANTS):
        c0, c1, c2 = coefficients[i, 0], coefficients[i, 1], coefficients[i, 2]
        y1, y2 = resonators[i, 0], resonators[i, 1]
        for k in range(sound.shape[0]):
            y = sound[k] * c0 + (c1 * y1 + c2 * y2)
            sound[k] = y
            y2, y1 = y1, y
        resonators[i, 0], resonators[i, 1] = _settled(y1), _settled(y2)
    for i in range(2):  # transposed direct form II
        y1, y2 = shelves[i, 0], shelves[i, 1]
        for k in range(sound.shape[0]):
            x = sound[k]
            y = higher[0] * x + y1
            y1 = higher[1] * x - higher[3] * y + y2
            y2 = higher[2] * x - higher[4] * y
            sound[k] = y
        shelves[i, 0], shelves[i, 1] = _settled(y1), _settled(y2)


@kernel()
def _settled(x):  # type: ignore[no-untyped-def]
    """What a filter remembers, or zero when it has died away."""
    return x if abs(x) > SETTLED else 0.0


_TABLE_HZ = BASE_HZ * 2.0 ** (np.arange(N_TABLES) / OCTAVE_STEPS)


@kernel()
def _table_of(f0_hz, table):  # type: ignore[no-untyped-def]
    """Index of the table that begins next below a pitch, looked for from another one on."""
    while table < N_TABLES - 1 and f0_hz >= _TABLE_HZ[table + 1]:
        table += 1
    while table > 0 and f0_hz < _TABLE_HZ[table]:
        table -= 1
    return table


@kernel(nogil=True)
def _render(  # type: ignore[no-untyped-def]
    out,
    target,
    previous,
    state,
    resonators,
    coefficients,
    ends,
    powers,
    grid,
    line,
    tables,
    harmonic_power,
    frication,
    higher,
    shelves,
    sample_rate_hz,
):
    s = state[0]
    n = out.shape[0]
    shelf = 1.0 - math.exp(-2.0 * math.pi * SHELF_HZ / sample_rate_hz)
    high = 1.0 - math.exp(-2.0 * math.pi * ASPIRATION_HZ / sample_rate_hz)
    dc = 1.0 - 2.0 * math.pi * DC_HZ / sample_rate_hz
    if previous[F0] <= 0.0:
        previous[:] = target
        previous[VOICE] = 0.0
        previous[ASPIRATION] = 0.0
        previous[FRICATION] = 0.0
        _set_coefficients(target, coefficients, sample_rate_hz)
    if previous[VOICE] == 0.0:
        previous[F0] = target[F0]  # a voice that sets in starts at its own pitch
        previous[RD] = target[RD]

    # Levels at the end of the block, and the way there. Coefficients go straight from one stable filter to the other,
    # and all filters between two stable ones of the second order are stable.
    _set_coefficients(target, ends, sample_rate_hz)
    pole, zero = _nasal_pair(target[NASAL], sample_rate_hz)
    zero_from = _nasal_pair(previous[NASAL], sample_rate_hz)[1][1]
    updates = (n + CONTROL_FRAMES - 1) // CONTROL_FRAMES
    constant = _prepare_tract(ends, higher, target[TILT], shelf, pole, zero, powers)
    for i in range(N_FORMANTS):
        ends[i, 0] = (ends[i, 1] - coefficients[i, 1]) / updates
        ends[i, 1] = (ends[i, 2] - coefficients[i, 2]) / updates
    zero_step = (zero[1] - zero_from) / updates
    zero1, zero2, pole1, pole2 = zero_from, zero[2], pole[1], pole[2]
    nasal_gain = pole[0] / (1.0 - zero1 - zero2)
    voice_end, aspiration_end = 0.0, 0.0
    if target[VOICE] > 0.0:
        voice_end = _voice_gain(target, powers, constant, harmonic_power, grid, sample_rate_hz)
    if target[ASPIRATION] > 0.0:
        aspiration_end = _aspiration_gain(target, powers, constant, high, grid, sample_rate_hz)
    voice, aspiration = s.voice_gain, s.aspiration_gain
    voice_step, aspiration_step = (voice_end - voice) / n, (aspiration_end - aspiration) / n
    hiss = previous[FRICATION] * frication[5]
    hiss_step = target[FRICATION] * frication[5] / n - hiss / n
    f0, f0_step = previous[F0], (target[F0] - previous[F0]) / n
    am, am_step = previous[AM], (target[AM] - previous[AM]) / n
    tilt, tilt_step = previous[TILT], (target[TILT] - previous[TILT]) / n
    jitter, shimmer, sub, chaos = target[JITTER], target[SHIMMER], target[SUBHARMONIC], target[CHAOS]
    ratio = int(target[SUBHARMONIC_RATIO] + 0.5)
    unit = math.sqrt(3.0)  # uniform noise of unit RMS

    phase, cycle, factor, cycle_gain, x = s.phase, s.cycle, s.period_factor, s.cycle_gain, s.chaos
    am_phase, tremor_phase, random = s.am_phase, s.tremor_phase, s.noise
    second_phase, second, jump = s.second_phase, s.second_gain, s.jump
    second_step = (target[BIPHONATION] - second) / n
    aspiration_low, shelf_low = s.aspiration_low, s.shelf_low
    nx1, nx2, ny1, ny2 = s.nasal_x1, s.nasal_x2, s.nasal_y1, s.nasal_y2
    fx1, fx2, fy1, fy2 = s.frication_x1, s.frication_x2, s.frication_y1, s.frication_y2
    dc_x, dc_y = s.dc_x, s.dc_y
    n_rd = harmonic_power.shape[0]
    width = tables.shape[0] // (N_TABLES * n_rd)
    n_phases = width - 1
    table, row, second_table, upper_at, lower_at, second_at = 0, 0, 0, 0, 0, 0
    lower_weight, row_weight, tremor, instant, scale, second_scale = 0.0, 0.0, 1.0, f0, 1.0, 1.0
    am_increment = target[AM_HZ] / sample_rate_hz

    # In stretches of constant filters, and in each stretch one filter after the other: a processor works on several
    # samples of one filter at a time, but must wait for all of a sample before it could go on with the next.
    for begin in range(0, n, CONTROL_FRAMES):
        count = min(CONTROL_FRAMES, n - begin)
        w = (begin + count) / n
        tremor_phase += TREMOR_HZ * CONTROL_FRAMES / sample_rate_hz
        tremor_phase -= math.floor(tremor_phase)
        tremor = 1.0 + target[TREMOR] * math.sin(2.0 * math.pi * tremor_phase)
        for i in range(N_FORMANTS):
            coefficients[i, 1] += ends[i, 0]
            coefficients[i, 2] += ends[i, 1]
            coefficients[i, 0] = 1.0 - coefficients[i, 1] - coefficients[i, 2]
        zero1 += zero_step
        nasal_gain = pole[0] / (1.0 - zero1 - zero2)
        rd = previous[RD] + (target[RD] - previous[RD]) * w
        u = min(max((rd - RD_MIN) / (RD_MAX - RD_MIN), 0.0), 0.9999) * (n_rd - 1)
        row = int(u)
        row_weight = u - row

        for k in range(count):
            wrapped = phase >= 1.0
            if wrapped:
                phase -= 1.0
                cycle += 1
                jump = target[JUMP]
                if cycle >= ratio:
                    cycle = 0
                random, u1, u2 = _draw(random)
                x = 3.97 * x * (1.0 - x)
                if x < 1e-6 or x > 1.0 - 1e-6:
                    x = 0.37
                alternate = 1.0 if cycle == 0 else -1.0 / max(ratio - 1, 1)
                factor = jitter * u1 + 0.9 * chaos * (x - 0.5) + 0.12 * sub * alternate
                cycle_gain = 1.0 + shimmer * u2 - 0.6 * chaos * x - (0.0 if cycle == 0 else sub)
            if wrapped or k == 0:
                # Which table fits the pitch of this cycle, and how much of the one below may still sound.
                scale = (1.0 + factor) * tremor * jump
                instant = min(max(f0 * scale, 20.0), 0.2 * sample_rate_hz)
                table = _table_of(instant, table)
                above = instant / _TABLE_HZ[table]
                upper_at = (table * n_rd + row) * width
                lower_at = (max(table - 1, 0) * n_rd + row) * width
                lower_weight = min(max((1.0 / PASSBAND - above) / (1.0 / PASSBAND - 1.0), 0.0), 1.0)
                # The second source has no crossfade: at its level the change of table is not heard.
                second_scale = target[BIPHONATION_RATIO] * tremor
                second_table = _table_of(f0 * second_scale, second_table)
                second_at = (second_table * n_rd + row) * width

            f0 += f0_step
            am += am_step
            tilt += tilt_step
            voice += voice_step
            aspiration += aspiration_step
            hiss += hiss_step

            position = phase * n_phases
            a = int(position)
            b = position - a
            at = upper_at + a
            g = (tables[at] * (1.0 - b) + tables[at + 1] * b) * (1.0 - row_weight) + (
                tables[at + width] * (1.0 - b) + tables[at + width + 1] * b
            ) * row_weight
            if lower_weight > 0.0:
                at = lower_at + a
                more = (tables[at] * (1.0 - b) + tables[at + 1] * b) * (1.0 - row_weight) + (
                    tables[at + width] * (1.0 - b) + tables[at + width + 1] * b
                ) * row_weight
                g += (more - g) * lower_weight
            g *= cycle_gain
            if second > 0.0 or second_step > 0.0:
                position = second_phase * n_phases
                a = int(position)
                b = position - a
                at = second_at + a
                g += second * (tables[at] * (1.0 - b) + tables[at + 1] * b)
                second_phase += min(f0 * second_scale, 0.2 * sample_rate_hz) / sample_rate_hz
                second_phase -= math.floor(second_phase)
                second += second_step

            am_phase += am_increment
            if am_phase >= 1.0:
                am_phase -= 1.0
            ripple = abs(2.0 * am_phase - 1.0)
            ripple = ripple * ripple * (3.0 - 2.0 * ripple)
            random, n1, n2 = _draw(random)
            n1, n2 = unit * n1, unit * n2
            aspiration_low += high * (n1 - aspiration_low)
            # Turbulence follows the opening of the glottis where there is one: 0.55 + 0.9 * 4p(1 - p), of unit RMS.
            blown = (0.55 + 3.6 * phase * (1.0 - phase)) * 0.8476 if voice > 0.0 else 1.0
            sound = g * voice * (1.0 - am * ripple)
            shelf_low += shelf * (sound - shelf_low)
            line[SOUND, k] = sound + (tilt * (sound - shelf_low) + (n1 - aspiration_low) * aspiration * blown)
            line[NOISE, k] = n2
            line[HISS, k] = hiss
            line[RIPPLE, k] = 1.0 - 0.5 * am * ripple
            phase += max(f0 * scale, 20.0) / sample_rate_hz

        _pass_tract(line[SOUND, :count], coefficients, resonators, higher, shelves)
        for k in range(count):
            sound, n2 = line[SOUND, k], line[NOISE, k]
            y = nasal_gain * (sound - zero1 * nx1 - zero2 * nx2) + pole1 * ny1 + pole2 * ny2
            nx2, nx1, ny2, ny1 = nx1, sound, ny1, y
            hissed = (
                frication[0] * n2 + frication[1] * fx1 + frication[2] * fx2 - frication[3] * fy1 - frication[4] * fy2
            )
            fx2, fx1, fy2, fy1 = fx1, n2, fy1, hissed
            y += hissed * line[HISS, k] * line[RIPPLE, k]
            dc_y = y - dc_x + dc * dc_y
            dc_x = y
            out[begin + k] = dc_y
        ny1, ny2, fy1, fy2, dc_y = _settled(ny1), _settled(ny2), _settled(fy1), _settled(fy2), _settled(dc_y)
        aspiration_low, shelf_low = _settled(aspiration_low), _settled(shelf_low)

    s.phase, s.cycle, s.period_factor, s.cycle_gain, s.chaos = phase, cycle, factor, cycle_gain, x
    s.am_phase, s.tremor_phase, s.noise = am_phase, tremor_phase, random
    s.voice_gain, s.aspiration_gain = voice_end, aspiration_end
    s.second_phase, s.second_gain, s.jump = second_phase, target[BIPHONATION], jump
    s.aspiration_low, s.shelf_low = aspiration_low, shelf_low
    s.nasal_x1, s.nasal_x2, s.nasal_y1, s.nasal_y2 = nx1, nx2, ny1, ny2
    s.frication_x1, s.frication_x2, s.frication_y1, s.frication_y2 = fx1, fx2, fy1, fy2
    s.dc_x, s.dc_y = dc_x, dc_y
    previous[:] = target
