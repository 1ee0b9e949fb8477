"""``robopatient bench voice``: what the voice costs, how late it is, how well it shows pain.

Beside it: a block engine of numpy and scipy with fewer features, timed in alternation; LF pulses computed directly,
with and without oversampling, for the alias; for the pitch shifter Praat's own where parselmouth is installed, and the
published study's resampling. The unit of the shifter's distance depends on the vowel, so it is given over that of
resampling the same vowel, for which the facts have Praat's too.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.fft import dct
from scipy.signal import resample_poly, sosfilt
from scipy.signal.windows import blackmanharris

from experiments.benchmarks.figures import (
    Baseline,
    Figure,
    ReferenceLateness,
    distribution,
    machine,
    new_result,
    reference_process,
    remarked,
    say,
    show,
    value,
)
from experiments.benchmarks.monitor import capture_monitor, delays_ms
from experiments.evaluation.voice import evaluation_figures
from robopatient.clock import HostClock
from robopatient.config import VoiceConfig, asset_names
from robopatient.messages import Heard, Phase, VoiceAsk, VoiceCommand
from robopatient.simulation.voice_evaluation import evaluate
from robopatient.voice import synth
from robopatient.voice.calls import CALLS
from robopatient.voice.engine import LOOKAHEAD_S, VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.loudness import true_peak_dbfs
from robopatient.voice.player import Player
from robopatient.voice.psola import shifted
from robopatient.voice.recordings import Sidecar, prepare, resampled
from robopatient.voice.synth import Synth, neutral_parameters
from robopatient.voice.wavetable import lf_cycles, make_source
from robopatient.voice_presets import ask_for

__all__ = ["bench_voice", "count_underruns", "underrun_figures"]

RATE_HZ, BLOCK = 48_000, 256
BLOCK_NS = BLOCK / RATE_HZ * 1e9
ALIAS_F0_HZ = (61.0, 97.0, 123.0, 181.0, 233.0, 331.0, 457.0, 641.0, 887.0, 1013.0, 1361.0, 1778.0, 1990.0)
FUZZ_BLOCKS = 10_000
PRAAT = {4.0: 3.5 / 7.6, 7.0: 6.1 / 11.3, -4.0: 2.4 / 6.7}
"""Praat's PSOLA over resampling, by semitones: facts sheet on the voice, section 4."""
STEP_S = 0.25
STALL_NS = 100_000_000
"""How long before an underrun is reported a stall of the host may have been its cause: buffers and the server's own."""


def bench_voice(as_json: bool, duration_s: float, seeds: int, seed: int, device: str) -> None:
    """Measure everything and print the figures."""
    figures, baselines = _cost(seed)
    with tempfile.TemporaryDirectory(prefix="robopatient-voice-") as scratch:
        live, facts = _live(Path(scratch), duration_s, seed, device)
    figures += live
    alias_db = max(_alias_db(_steady(f0_hz, 2.0, RD=0.3, TILT=4.0), f0_hz) for f0_hz in ALIAS_F0_HZ)
    figures.append(value("alias_db", alias_db, at_most=-76.0, n=len(ALIAS_F0_HZ)))
    for times in (1, 4):
        direct = max(_alias_db(_direct_lf(f0_hz, times), f0_hz) for f0_hz in ALIAS_F0_HZ)
        name = f"LF pulses computed directly at {times * RATE_HZ // 1000} kHz"
        baselines.append(Baseline(name, [value("alias_db", direct, n=len(ALIAS_F0_HZ))]))
    figures += _fuzz(seed)
    figures += evaluation_figures(evaluate((), seeds, say))
    shifts, peers = _shifter()
    figures.append(shifts)
    baselines += peers
    show(new_result("voice", figures, baselines, facts, seed), as_json)


def _cost(seed: int) -> tuple[list[Figure], list[Baseline]]:
    """Thread time of a block over its length, everything on, and the same of the numpy engine; A B A B."""
    who = load_identity("viktor")
    engine = VoiceEngine(who, VoiceConfig(), seed)
    out = np.zeros(BLOCK, np.float32)
    command = VoiceCommand(0, 0, 0, 10.0, "hold", ask_for(10.0, who.sex))
    for _ in range(300):
        engine.render(command, out)
    plain = _NumpyVoice(seed)
    ours, theirs = [], []
    for _ in range(40):
        for _ in range(50):
            begin = time.thread_time_ns()
            engine.render_written(True, out)
            ours.append(time.thread_time_ns() - begin)
        for _ in range(10):
            begin = time.thread_time_ns()
            plain.render(out)
            theirs.append(time.thread_time_ns() - begin)
    rtf, other = np.median(ours) / BLOCK_NS, np.median(theirs) / BLOCK_NS
    figures = [
        remarked(
            value("rtf", round(float(rtf), 5), at_most=0.006, n=len(ours)),
            f"median thread time, p10 {np.percentile(ours, 10) / BLOCK_NS:.5f}",
        ),
        value("rtf_ratio_numpy", round(float(other / rtf), 2), n=len(theirs)),
    ]
    return figures, [Baseline("numpy and scipy block engine", [value("rtf", round(float(other), 5), n=len(theirs))])]


class _NumpyVoice:
    """What array programming can do at block rate: one pitch per block, LF table, six formants; no jitter, no chaos."""

    def __init__(self, seed: int) -> None:
        self._table = make_source(float(RATE_HZ)).tables[8, 5, :-1].astype(np.float64)
        self._random = np.random.default_rng(seed)
        self._phase = 0.0
        self._state = np.zeros((6, 2))

    def render(self, out: np.ndarray) -> None:
        f0_hz = 640.0 * (1.0 + 0.01 * self._random.uniform(-1.0, 1.0))
        phases = self._phase + f0_hz / RATE_HZ * np.arange(1, BLOCK + 1)
        self._phase = float(phases[-1] % 1.0)
        place = (phases % 1.0) * len(self._table)
        index = place.astype(np.intp)
        fraction = place - index
        source = self._table[index] * (1.0 - fraction) + self._table[(index + 1) % len(self._table)] * fraction
        source += 0.05 * self._random.standard_normal(BLOCK)
        formants = np.array([860.0, 1430.0, 2900.0, 3400.0, 4500.0, 5500.0])
        radius = np.exp(-np.pi * 120.0 / RATE_HZ)
        c1, c2 = 2.0 * radius * np.cos(2.0 * np.pi * formants / RATE_HZ), -radius * radius
        sos = np.zeros((6, 6))
        sos[:, 0], sos[:, 3], sos[:, 4], sos[:, 5] = 1.0 - c1 - c2, 1.0, -c1, -c2
        sound, self._state = sosfilt(sos, source, zi=self._state)
        out[:] = np.clip(0.1 * sound, -0.89, 0.89)


def _live(folder: Path, duration_s: float, seed: int, device: str) -> tuple[list[Figure], dict[str, object]]:
    """Step the command while it plays: time from submitting it to its first changed sample at the DAC."""
    config = VoiceConfig(device=device)
    who = load_identity("margaret")
    engine = VoiceEngine(who, config, seed)
    clock = HostClock()
    player = Player(engine, config, clock)
    submitted: dict[int, int] = {}
    heard: list[Heard] = []
    chunks: list[np.ndarray] = []
    random = np.random.default_rng(seed)
    with reference_process(folder) as reference, capture_monitor(folder) as capture:
        player.start()
        end_ns = clock.now_ns() + round(duration_s * 1e9)
        due_ns, number = clock.now_ns() + 500_000_000, 0
        while clock.now_ns() < end_ns:
            now_ns = clock.now_ns()
            changed = now_ns >= due_ns
            if changed:
                number += 1
                due_ns = now_ns + round((STEP_S + 0.01 * random.uniform()) * 1e9)
            nrs = 8.0 if number % 2 else 0.0
            player.submit(VoiceCommand(now_ns, number, now_ns, nrs, "hold", ask_for(nrs, who.sex)))
            if changed:
                submitted[number] = now_ns
            heard += list(player.heard())
            chunks.append(player.samples().ravel())
            player.poll()
            clock.sleep_until_ns(now_ns + 4_000_000)
        player.stop()
        heard += list(player.heard())
        chunks.append(player.samples().ravel())
    first: dict[int, object] = {}
    for row in heard:
        first.setdefault(row.cause_seq, row)
    known = [number for number in submitted if number in first]
    begin_ns = np.array([submitted[number] for number in known], np.int64)
    dac_ns = np.array([first[number].t_ns for number in known], np.int64)  # type: ignore[attr-defined]
    calm = reference[0].calm(begin_ns, dac_ns) if reference else None
    latency_ms = (dac_ns - begin_ns) * 1e-6
    at_dac = distribution("control_to_dac_ms", latency_ms, calm, {"p50": 15.0, "p95": 20.0})
    at_monitor = Figure("control_to_monitor_ms", n=0, remark="no PulseAudio sink with a monitor is running")
    if capture:
        first_sample = [first[number].block * BLOCK for number in known]  # type: ignore[attr-defined]
        index = np.array(first_sample) + round(LOOKAHEAD_S * RATE_HZ)
        heard_ms = latency_ms + delays_ms(capture[0], np.concatenate(chunks), dac_ns, index)
        found = np.isfinite(heard_ms)
        at_monitor = distribution("control_to_monitor_ms", heard_ms[found], None if calm is None else calm[found])
        at_monitor = remarked(at_monitor, "cross-check: when the sink's monitor had it, before any converter")
    figures = [
        remarked(at_dac, f"PortAudio's time of the first changed sample; {player.state}: {player.detail}"),
        at_monitor,
        *_underruns(heard, reference[0] if reference else None),
    ]
    return figures, machine(reference[0] if reference else None)


def _underruns(heard: Sequence[Heard], reference: ReferenceLateness | None) -> list[Figure]:
    times, counts = ([getattr(row, name) for row in heard] for name in ("t_ns", "underruns"))
    ours, everything = count_underruns(np.array(times, np.int64), np.array(counts, np.int64), reference)
    return underrun_figures(ours, everything, len(heard))


def count_underruns(t_ns: np.ndarray, counts: np.ndarray, reference: ReferenceLateness | None) -> tuple[int, int]:
    """Underruns in moments without a stall of the host (ours), and all.

    Parameters
    ----------
    t_ns, counts
        Of each block: when it left and how many underruns there had been since the stream began, shapes (n,).
    """
    missed = np.maximum(np.diff(counts, prepend=0), 0)
    at = np.flatnonzero(missed)
    calm = np.ones(len(at), bool) if reference is None else reference.calm(t_ns[at] - STALL_NS, t_ns[at])
    return int(missed[at][calm].sum()), int(missed.sum())


def underrun_figures(ours: int, everything: int, blocks: int) -> list[Figure]:
    """The two counts as figures."""
    return [
        remarked(value("underruns", ours, at_most=0, n=blocks), "outside stalls of the host; n is blocks"),
        value("underruns_all", everything, n=blocks),
    ]


def _steady(f0_hz: float, seconds: float, seed: int = 1, **values: float) -> np.ndarray:
    parameters = neutral_parameters()
    parameters[synth.F0], parameters[synth.VOICE] = f0_hz, 0.1
    for name, number in values.items():
        parameters[getattr(synth, name)] = number
    voice = Synth(float(RATE_HZ), seed)
    blocks = np.zeros((int(seconds * RATE_HZ / BLOCK), BLOCK))
    for block in blocks:
        voice.render(parameters, block)
    return np.asarray(blocks[20:].ravel())


def _alias_db(samples: np.ndarray, f0_hz: float) -> float:
    """Energy off the harmonic grid below 16 kHz over all, dB, of a voice at constant pitch."""
    power = np.abs(np.fft.rfft(samples * blackmanharris(len(samples)))) ** 2
    f_hz = np.fft.rfftfreq(len(samples), 1.0 / RATE_HZ)
    line_hz = 5.0 * RATE_HZ / len(samples)
    off = (np.abs(f_hz - np.round(f_hz / f0_hz) * f0_hz) > line_hz) & (f_hz > 0.5 * f0_hz) & (f_hz < 16000.0)
    return round(float(10.0 * np.log10(power[off].sum() / power.sum())), 1)


def _direct_lf(f0_hz: float, oversampling: int) -> np.ndarray:
    """The brightest pulse sampled where each sample falls in its cycle, as a synthesiser without tables does."""
    cycle = lf_cycles(np.array([0.3]), 1 << 18)[0]
    phase = np.arange(2 * RATE_HZ * oversampling) * (f0_hz / (RATE_HZ * oversampling)) % 1.0
    pulses = cycle[(phase * len(cycle)).astype(np.intp)]
    return np.asarray(resample_poly(pulses, 1, oversampling) if oversampling > 1 else pulses)


def _fuzz(seed: int) -> list[Figure]:
    """Random commands, limits included, at the hottest level: peak between samples, DC, numbers that are none."""
    random = np.random.default_rng(seed)
    names = asset_names("voices")
    blocks = np.zeros((FUZZ_BLOCKS, BLOCK), np.float32)
    engine = VoiceEngine(load_identity(names[0]), VoiceConfig(level_dbfs=-1.0), seed)
    for index, block in enumerate(blocks):
        if index % (FUZZ_BLOCKS // len(names)) == 0:
            who = load_identity(names[index * len(names) // FUZZ_BLOCKS])
            engine = VoiceEngine(who, VoiceConfig(level_dbfs=-1.0), seed)
        share = np.clip(random.uniform(-0.25, 1.25, 7), 0.0, 1.0)
        low, high = np.array([0, -60, -24, 0, 0, 0.5, 0.7]), np.array([10, 0, 48, 1, 1, 2, 1.4])
        nrs, level_db, semitones, rough, breathy, longer, formants = (low + share * (high - low)).tolist()
        wish = VoiceAsk(level_db, semitones, rough, breathy, str(random.choice(list(CALLS))), longer, formants)
        phase: Phase = ("rest", "onset", "hold", "release")[int(random.integers(4))]
        engine.render(VoiceCommand(index + 1, index, index, nrs, phase, wish), block)
    samples = blocks.ravel().astype(np.float64)
    dc_dbfs = 20.0 * np.log10(abs(float(samples.mean())) + 1e-12)
    return [
        value("fuzz_true_peak_dbtp", round(true_peak_dbfs(samples), 2), at_most=-1.0, n=FUZZ_BLOCKS),
        value("fuzz_dc_dbfs", round(float(dc_dbfs), 1), at_most=-60.0, n=FUZZ_BLOCKS),
        value("fuzz_not_numbers", int((~np.isfinite(samples)).sum()), at_most=0, n=FUZZ_BLOCKS),
    ]


def _shifter() -> tuple[Figure, list[Baseline]]:
    """Distance of shifted vowels to the same vowel rendered at the target pitch, over that of resampling."""
    sidecar = Sidecar(source="own synthesis", licence="MIT", consent="synthetic")
    ours: dict[float, list[float]] = {shift: [] for shift in PRAAT}
    praats: dict[float, list[float]] = {shift: [] for shift in PRAAT}
    longer: list[float] = []
    for f0_hz in (110.0, 160.0, 240.0):
        for rough in (0.0, 0.25):
            vowel = {"JITTER": 0.005 + 0.02 * rough, "SUBHARMONIC": rough, "SHIMMER": 0.02}
            recording = prepare(_steady(f0_hz, 1.3, 1, **vowel), RATE_HZ, "vowel", sidecar)
            for shift in PRAAT:
                ratio = 2.0 ** (shift / 12.0)
                target = _steady(f0_hz * ratio, 1.3, 2, **vowel)
                plain = _distance(resampled(recording.samples, ratio), target)
                moved = shifted(recording, ratio)
                longer.append(abs(_sounding(moved) / _sounding(recording.samples) - 1.0))
                ours[shift].append(_distance(moved, target) / plain)
                peer = _praat(recording.samples, ratio)
                if peer is not None:
                    praats[shift].append(_distance(peer, target) / plain)
    medians = {shift: float(np.median(ratios)) for shift, ratios in ours.items()}
    measured = all(praats.values())
    peers = {shift: float(np.median(praats[shift])) for shift in PRAAT} if measured else PRAAT
    told = ", ".join(f"{shift:+g} st {medians[shift]:.2f} (Praat {peers[shift]:.2f})" for shift in PRAAT)
    worst = max(medians[shift] / peers[shift] for shift in PRAAT)
    how = "measured beside" if measured else "as the facts have it: parselmouth is not installed"
    figure = value("psola_distance", round(worst, 3), at_most=1.1, n=6 * len(PRAAT))
    remark = f"worst over Praat's, {how}; over resampling: {told}; durations within {100 * max(longer):.2f} %"
    baselines = [Baseline("resampling (the published manipulation)", [value("psola_distance", 1.0)])]
    return remarked(figure, remark), baselines


def _praat(samples: np.ndarray, ratio: float) -> np.ndarray | None:
    """Praat's own overlap-add, None without parselmouth (GPL: never in the product, only compared with it)."""
    try:
        praat = importlib.import_module("parselmouth.praat")
        sound = importlib.import_module("parselmouth").Sound(samples, float(RATE_HZ))
    except ImportError:
        return None
    manipulation = praat.call(sound, "To Manipulation", 0.01, 75, 600)
    tier = praat.call(manipulation, "Extract pitch tier")
    praat.call(tier, "Multiply frequencies", sound.xmin, sound.xmax, ratio)
    praat.call([tier, manipulation], "Replace pitch tier")
    return np.asarray(praat.call(manipulation, "Get resynthesis (overlap-add)").values[0])


def _sounding(samples: np.ndarray) -> int:
    """From the first sample to the last above a hundredth of the peak."""
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return int(loud[-1] - loud[0])


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference of the mean-free cepstra 1 to 24 over 40 mel bands, frame by frame."""
    count = min(len(one), len(other))
    difference = _cepstra(one[:count]) - _cepstra(other[:count])
    return float(np.sqrt(np.mean(difference**2)))


def _cepstra(samples: np.ndarray) -> np.ndarray:
    size, hop = 2048, 512
    frames = np.lib.stride_tricks.sliding_window_view(samples / np.std(samples), size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    edges = 700.0 * (10.0 ** (np.linspace(0.0, 2595.0 * np.log10(1.0 + 12_000.0 / 700.0), 42) / 2595.0) - 1.0)
    f_hz = np.fft.rfftfreq(size, 1.0 / RATE_HZ)
    rise = (f_hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - f_hz) / (edges[2:] - edges[1:-1])[:, None]
    bands = np.maximum(power @ np.maximum(np.minimum(rise, fall), 0.0).T, 1e-6)
    return np.asarray(dct(10.0 * np.log10(bands), axis=1, norm="ortho")[:, 1:25])
