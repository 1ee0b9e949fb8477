"""Measures the voice by features that listeners use: over pain, over people, compared with published data on real pain.

Renders presses of every identity at eleven levels of pain with several seeds, measures each call, and says how well
loudness, pitch and roughness tell the pain, how many calls lie where real ones lie, and how far apart people are.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from scipy.stats import spearmanr

from robopatient.config import asset_names
from robopatient.errors import require
from robopatient.messages import VoiceAsk
from robopatient.report.figures import ACCENTS, WIDTH_IN, inline_svg, new_figure, styled
from robopatient.report.numbers import number, percent
from robopatient.report.page import PageSection, columns, figure, render, table, write_page
from robopatient.session.pipeline import Given
from robopatient.simulation.voices import BLOCK_S, pain_of_press, voiced
from robopatient.voice.calls import CALLS
from robopatient.voice.features import Features, features, spectrogram_db
from robopatient.voice.identity import VoiceIdentity, load_identity
from robopatient.voice.synth import ASPIRATION, FORMANTS, N_FORMANTS, VOICE, Synth, neutral_parameters
from robopatient.voice_presets import ask_for

__all__ = ["CELLS", "Evaluation", "MeasuredCall", "evaluate", "render_call", "sheet_png", "write_voice_page"]

LEVELS = np.linspace(1.0, 10.0, 11)
"""Pain from the mildest that is surely heard to the worst."""
PRESS_S = 2.6
CELLS = {
    # Interquartile ranges of f0, Hz, of real human sounds (Anikin and Persson 2017; facts sheet, 1b).
    ("moan", "male"): (3.5, 158.0, 237.0),
    ("moan", "female"): (3.5, 396.0, 454.0),
    ("cry", "male"): (6.5, 274.0, 605.0),
    ("cry", "female"): (6.5, 442.0, 1044.0),
    ("scream", "male"): (10.0, 636.0, 940.0),
    ("scream", "female"): (10.0, 915.0, 1486.0),
}
"""Call and sex: the pain that brings it (``assets/expressions/literature.toml``), first and third quartile."""
RANGES = {
    # Anikin 2020, table 2. The harmonicity of pain reaches down to the real recordings' 0.6 dB (facts sheet, 1b):
    # the published synthetic screams were made without noise.
    "moan": {"centroid_hz": (500.0, 2800.0), "hnr_db": (3.7, 20.1), "active_s": (0.3, 2.0)},
    "scream": {"centroid_hz": (900.0, 4300.0), "hnr_db": (0.6, 22.4), "active_s": (0.3, 2.0)},
}
MOAN_BELOW_NRS = 5.0
ADULT_YEARS = 16.0
MONOTONE = ("f0_hz", "loudness_lufs", "roughness", "hnr_db")
WORDS = {
    "f0_hz": "f0, Hz",
    "loudness_lufs": "loudness, LUFS",
    "roughness": "roughness, 30 to 150 Hz",
    "hnr_db": "harmonics to noise, dB",
    "centroid_hz": "spectral centroid, Hz",
    "alpha_ratio_db": "alpha ratio, dB",
    "jitter": "jitter",
    "shimmer_db": "shimmer, dB",
    "active_s": "active duration, s",
}
"""Features as the page calls them."""
RECORDINGS = {
    # The six recordings of the published robopatient study, measured once (facts sheet, 1b).
    "f0_hz": (488.0, 407.0, 157.0, 282.0),
    "hnr_db": (1.3, 9.0, 8.9, 9.0, 0.6),
    "centroid_hz": (4594.0, 4804.0, 3472.0, 5586.0, 4520.0, 4499.0),
    "alpha_ratio_db": (9.4, 5.3, 0.7, -0.4, -2.6, 1.8),
    "jitter": (0.096, 0.047, 0.032, 0.043, 0.029, 0.046),
    "shimmer_db": (1.85, 0.95, 1.12, 2.01, 1.26, 1.57),
    "roughness": (0.20, 0.14, 0.22, 0.14, 0.24),
    "active_s": (0.57, 0.21, 0.38, 0.43, 0.49, 0.38),
}


class MeasuredCall(NamedTuple):
    """The first call of a press, a sigh with its breath: samples, true f0 of each (0 unvoiced), shapes (n,), name."""

    samples: npt.NDArray[np.float32]
    f0_hz: npt.NDArray[np.float64]
    name: str


class Evaluation(NamedTuple):
    """What was measured.

    Attributes
    ----------
    identities, levels
        Names and pains of the first two axes of ``table``.
    table
        Features of each call, shape (identities, levels, seeds, features).
    spearman
        Of pain with each feature of ``MONOTONE`` (harmonicity: its negative) over all renders, shape (identities, 4).
    f0_cells
        Median f0 of each cell of ``CELLS`` over the adults of that sex, Hz, and whether it is in band.
    in_range
        Fraction of calls inside the published range, by feature.
    tract_cm
        Vocal tract length estimated from a whisper, shape (identities,).
    apart
        Distance of every two people in just noticeable steps (1 semitone of f0, 0.5 of the formants).
    """

    identities: list[str]
    levels: npt.NDArray[np.float64]
    table: npt.NDArray[np.float64]
    spearman: npt.NDArray[np.float64]
    f0_cells: dict[tuple[str, str], tuple[float, bool]]
    in_range: dict[str, float]
    tract_cm: npt.NDArray[np.float64]
    apart: npt.NDArray[np.float64]

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """One feature, shape (identities, levels, seeds)."""
        return np.asarray(self.table[..., Features._fields.index(name)])


def evaluate(
    identities: Sequence[str] = (), seeds: int = 10, log_line: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Render and measure.

    Parameters
    ----------
    identities
        Names under ``assets/voices``; none: all.
    log_line
        Called with a line of text for every person.
    """
    names = list(identities) or asset_names("voices")
    people = [load_identity(name) for name in names]
    table = np.full((len(names), len(LEVELS), seeds, len(Features._fields)), np.nan)
    for row, who in enumerate(people):
        log_line(f"{who.name} ({row + 1} of {len(people)})")
        for column, nrs in enumerate(LEVELS):
            for seed in range(seeds):
                call = render_call(names[row], float(nrs), seed)
                table[row, column, seed] = features(call.samples, 48000.0, call.f0_hz)
    tract_cm = np.array([_tract_cm(who) for who in people])
    f0_st = 12.0 * np.log2([who.habitual_f0_hz for who in people])
    formant_st = 12.0 * np.log2(17.0 / tract_cm)
    apart = np.hypot(f0_st[:, None] - f0_st, (formant_st[:, None] - formant_st) / 0.5)
    return Evaluation(
        names,
        LEVELS,
        table,
        _monotone(table),
        _cells(names, seeds),
        _in_range(table),
        tract_cm,
        apart,
    )


def render_call(
    identity: str, nrs: float, seed: int, ask: VoiceAsk | None = None, preset: str = "literature"
) -> MeasuredCall:
    """Press this person and keep the first call; ``ask`` takes the place of the preset's while the pain lasts."""
    sex = load_identity(identity).sex
    pains = []
    for index in range(int(PRESS_S / BLOCK_S)):
        pain, phase = pain_of_press((index + 1) * BLOCK_S, PRESS_S, (nrs, nrs))
        wish = ask_for(pain, sex, preset) if ask is None or phase == "rest" else ask
        pains.append(Given(pain, phase, voice=wish))
    blocks = voiced(identity, seed, pains)
    samples = np.stack([block.samples for block in blocks])
    f0_hz, names = np.array([block.heard.f0_hz for block in blocks]), [block.heard.call for block in blocks]
    sounding = np.flatnonzero((f0_hz > 0.0) | (np.array(names) == "sigh"))
    if not sounding.size:
        return MeasuredCall(samples.ravel(), np.zeros(samples.size), names[len(names) // 2])
    first = np.split(sounding, np.flatnonzero(np.diff(sounding) > 1) + 1)[0]
    begin, end = int(first[0]), int(first[-1]) + 1
    name = names[(begin + end) // 2]
    return MeasuredCall(samples[begin:end].ravel(), np.repeat(f0_hz[begin:end], samples.shape[1]), name)


def _monotone(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Spearman correlation of pain with the features of ``MONOTONE``, shape (identities, 4)."""
    pain = np.repeat(LEVELS, table.shape[2])
    result = np.zeros((len(table), len(MONOTONE)))
    for row, calls in enumerate(table):
        for column, name in enumerate(MONOTONE):
            values = calls[:, :, Features._fields.index(name)].ravel()
            known = np.isfinite(values)
            sign = -1.0 if name == "hnr_db" else 1.0
            result[row, column] = sign * spearmanr(pain[known], values[known]).statistic
    return result


def _cells(names: Sequence[str], seeds: int) -> dict[tuple[str, str], tuple[float, bool]]:
    cells = {}
    for (call, sex), (nrs, low, high) in CELLS.items():
        wish = msgspec.structs.replace(ask_for(nrs, sex), call=call)
        f0_hz = []
        for name in names:
            who = load_identity(name)
            if who.sex == sex and who.age_years >= ADULT_YEARS:
                for seed in range(seeds):
                    track = render_call(name, nrs, seed, wish).f0_hz
                    f0_hz.append(float(np.median(track[track > 0.0])))
        if f0_hz:
            median = float(np.median(f0_hz))
            cells[call, sex] = (median, low <= median <= high)
    return cells


def _in_range(table: npt.NDArray[np.float64]) -> dict[str, float]:
    moans = LEVELS < MOAN_BELOW_NRS
    inside: dict[str, list[npt.NDArray[np.bool_]]] = {}
    for kind, rows in (("moan", moans), ("scream", ~moans)):
        for name, (low, high) in RANGES[kind].items():
            values = table[:, rows, :, Features._fields.index(name)]
            known = values[np.isfinite(values)]
            inside.setdefault(name, []).append((known >= low) & (known <= high))
    return {name: float(np.mean(np.concatenate(parts))) for name, parts in inside.items()}


def _tract_cm(who: VoiceIdentity) -> float:
    """Tract length from a whisper: how far its envelope is moved on a logarithmic frequency axis against 17 cm.

    A whisper, because at a scream's pitch the harmonics are too far apart to show the formants between them.
    """
    axis = np.geomspace(900.0, 7000.0, 400)
    step = np.log(axis[1] / axis[0])

    def envelope(tract_cm: float) -> npt.NDArray[np.float64]:
        voice = Synth(48000.0, 1, tract_cm)
        parameters = neutral_parameters()
        parameters[VOICE], parameters[ASPIRATION] = 0.0, 0.05
        parameters[FORMANTS : FORMANTS + N_FORMANTS] *= 17.0 / tract_cm
        blocks = np.zeros((400, 256))
        for block in blocks:
            voice.render(parameters, block)
        frames = blocks[16:].reshape(-1, 1024) * np.hanning(1024)
        power = np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)
        level = 10.0 * np.log10(np.interp(axis, np.fft.rfftfreq(1024, 1.0 / 48000.0), power))
        return np.asarray(level - level.mean())

    theirs, reference = envelope(who.vocal_tract_cm), envelope(17.0)
    lags = np.arange(-120, 121)
    padded = np.pad(reference, 120, mode="edge")
    errors = [np.mean((theirs - padded[120 - lag : 520 - lag]) ** 2) for lag in lags]
    return float(17.0 * np.exp(-lags[int(np.argmin(errors))] * step))


def sheet_png(identity: str, calls: Sequence[str], nrs: Sequence[float] = (1.0, 3.5, 6.5, 10.0)) -> bytes:
    """Spectrograms of calls (rows) at levels of pain (columns), 0 to 8 kHz, as a PNG."""
    matplotlib = require("matplotlib", "study")
    matplotlib.use("Agg")
    pyplot = require("matplotlib.pyplot", "study")
    sex = load_identity(identity).sex
    figure, axes = pyplot.subplots(len(calls), len(nrs), figsize=(3.2 * len(nrs), 1.7 * len(calls)), squeeze=False)
    for row, name in enumerate(calls):
        for column, level in enumerate(nrs):
            wish = msgspec.structs.replace(ask_for(level, sex), call=name)
            call = _whole_press(identity, level, wish)
            axis = axes[row, column]
            picture = spectrogram_db(call, 48000.0)
            axis.imshow(
                picture,
                origin="lower",
                aspect="auto",
                extent=(0, len(call) / 48000, 0, 8),
                cmap="magma",
                vmin=-60,
                vmax=0,
            )
            axis.set_title(f"{name}, NRS {level:g}", fontsize=8)
            axis.tick_params(labelsize=6)
    figure.tight_layout()
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=80)
    pyplot.close(figure)
    return out.getvalue()


def _whole_press(identity: str, nrs: float, wish: VoiceAsk) -> npt.NDArray[np.float32]:
    """Everything that is heard of a pain that lasts 200 blocks, 1.07 s, with silence before and relief after it."""
    silent, pained = Given(0.0, "rest", voice=VoiceAsk(-60.0, 0.0, 0.0, 0.1)), Given(nrs, "hold", voice=wish)
    blocks = voiced(identity, 1, [*[silent] * 10, *[pained] * 200, *[silent] * 110])
    return np.concatenate([block.samples for block in blocks])


def write_voice_page(evaluation: Evaluation, out: Path) -> None:
    """One HTML page that needs nothing but a browser: tables, curves over pain, spectrograms of every gesture.

    Raises
    ------
    RecordError
        When it cannot be written.
    """
    e = evaluation
    people = [
        [name, *(number(value, 2) for value in e.spearman[row]), number(e.tract_cm[row], 1)]
        for row, name in enumerate(e.identities)
    ]
    calls = [
        [call, sex, f"{CELLS[call, sex][1]:.0f} to {CELLS[call, sex][2]:.0f}", number(f0), "yes" if ok else "no"]
        for (call, sex), (f0, ok) in e.f0_cells.items()
    ]
    ranges = [[WORDS[name], percent(share)] for name, share in e.in_range.items()]
    measured = "recordings: least, median, most", "here at pain above 6: 5 %, median, 95 %"
    sounds = sheet_png(e.identities[0], [name for name in CALLS if name != "auto"])
    image = Markup('<figure><img alt="Spectrograms of every gesture of {}" src="data:image/png;base64,{}"></figure>')
    sections = (
        PageSection(
            "Does the voice tell the pain?",
            Markup(
                "<p>Spearman correlation of pain with each feature over all renders of eleven levels, sighs among "
                "them.</p>"
            )
            + table(
                "Correlation of pain with each feature",
                columns(":identity", "f0", "loudness", "roughness", "−HNR", "tract (whisper)|cm"),
                people,
            )
            + _nearest(e),
        ),
        PageSection(
            "Median f0 beside real human sounds",
            table("Median f0 by call and sex", columns(":call", ":sex", "quartiles|Hz", "here|Hz", ":inside"), calls),
        ),
        PageSection(
            "Share of calls inside published ranges",
            table("Share inside by feature", columns(":feature", "share"), ranges),
        ),
        PageSection(
            "Beside six recordings of the published study",
            table("Recordings and ours", columns(":feature", *measured), _beside(e)),
        ),
        PageSection("Over pain", figure(_curves(e), "Median over all calls of a level, one line an identity.")),
        PageSection("Every gesture", image.format(e.identities[0], base64.b64encode(sounds).decode())),
    )
    page = render(
        "sections.html",
        title="The voice, measured",
        kind="Robopatient · voice",
        facts=(f"{len(e.identities)} identities, {len(e.levels)} renders each",),
        remarks=(),
        lead="",
        sections=sections,
        footer="Made by robopatient voice evaluate.",
    )
    write_page(page, out)


def _beside(e: Evaluation) -> list[list[str]]:
    rows = []
    for name, values in RECORDINGS.items():
        ours = e.column(name)[:, e.levels > 6.0]
        ours = ours[np.isfinite(ours)]
        low, middle, high = np.percentile(ours, [5, 50, 95]) if ours.size else (np.nan,) * 3
        theirs = (min(values), float(np.median(values)), max(values))
        rows.append([WORDS[name], _three(theirs), _three((low, middle, high))])
    return rows


def _three(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{one:.0f}" if abs(one) >= 100.0 else f"{one:.3g}" for one in values)


def _nearest(e: Evaluation) -> Markup:
    """The two people who are told apart least."""
    apart = e.apart + np.where(np.eye(len(e.apart)), np.inf, 0.0)
    row, column = np.unravel_index(int(np.argmin(apart)), apart.shape)
    if not np.isfinite(apart[row, column]):
        return Markup("")
    text = Markup(
        "<p>Nearest two: {} and {}, {:.1f} just noticeable steps apart (a semitone of pitch, half a semitone of all "
        "formants).</p>"
    )
    return text.format(e.identities[int(row)], e.identities[int(column)], apart[row, column])


def _curves(e: Evaluation) -> Markup:
    names = ("f0_hz", "loudness_lufs", "roughness", "hnr_db", "centroid_hz", "active_s")
    with styled():
        shown = new_figure(WIDTH_IN, 5.2, layout="constrained")
        for index, (axes, name) in enumerate(zip(shown.subplots(2, 3).flat, names, strict=True)):
            for row, identity in enumerate(e.identities):
                values = e.column(name)[row]
                known = np.isfinite(values).any(axis=1)  # all calls of a level may be sighs
                colour, dashes = ACCENTS[row % 4], ("-", "--", ":")[row // 4 % 3]
                median = np.nanmedian(values[known], axis=1)
                axes.plot(e.levels[known], median, dashes, color=colour, label=identity, linewidth=1.2)
            axes.set_title(f"{WORDS[name]} over pain")
            if not index:
                axes.legend(fontsize=7)
    return inline_svg(shown, "Features of the voice over pain, one line an identity")
