"""The other voice: a user's recordings instead of the synthesiser, behind the same interface.

A press chooses a recording by its pain; while it sounds, pitch, duration, formants and level follow the command, each
by itself. The arm ``resample`` plays it as the published study did, where the first three cannot be distinguished.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError
from robopatient.folders import user_path
from robopatient.levels import CALLING_DB, db_to_gain, gain_to_db, semitones_to_ratio
from robopatient.messages import VoiceCommand
from robopatient.voice.engine import SILENCE, RenderedBlock
from robopatient.voice.gestures import (
    FELT_NRS,
    HUSH_S,
    OPEN_S,
    STALE_FADE_S,
    STALE_S,
)
from robopatient.voice.identity import VoiceIdentity
from robopatient.voice.kernel import kernel
from robopatient.voice.layouts import empty_command, write_command
from robopatient.voice.limiter import Limiter
from robopatient.voice.mixer import Mixer, Utterance
from robopatient.voice.psola import Psola
from robopatient.voice.recordings import RATE_HZ, TARGET_LUFS, SoundRecording, load_folder, resampled

__all__ = ["STUDY_RATES", "SamplesEngine"]

STUDY_RATES = (0.7, 0.9, 1.1, 1.3)
"""Rates of the published study, slow to fast."""
GLIDE_S = 0.025


class SamplesEngine:
    """Plays recordings block by block; equal seeds and commands give equal samples.

    Parameters
    ----------
    identity
        Its ``recordings`` names the folder and ``manipulation`` the arm.

    Raises
    ------
    AssetError
        Without recordings, or for one that will not do.
    """

    def __init__(self, identity: VoiceIdentity, config: VoiceConfig, seed: int) -> None:
        if not identity.recordings:
            raise AssetError(f'{identity.name} has no recordings; set recordings = "FOLDER" in the voice\'s .toml')
        if config.sample_rate_hz != RATE_HZ:
            raise AssetError(f"recordings are played at {RATE_HZ} Hz; set voice.sample_rate_hz = {RATE_HZ}")
        self.block_frames = config.block_frames
        self._identity = identity
        self._recordings = load_folder(user_path(identity.recordings))
        self._resamples = identity.manipulation == "resample"
        self._voices = [[Psola(recording)] for recording in self._recordings]
        if self._resamples:
            self._voices = [
                [Psola(_at_rate(recording, rate)) for rate in STUDY_RATES] for recording in self._recordings
            ]
        self._random = np.random.default_rng([seed, identity.seed])
        self._limiter = Limiter(config.sample_rate_hz, config.max_dbfs)
        self._full_scale = db_to_gain(config.level_dbfs - TARGET_LUFS)
        self._mixer = Mixer(config.sample_rate_hz)
        self._samples = np.zeros(config.block_frames)
        self._nrs = [recording.sidecar.nrs for recording in self._recordings]
        self._dt_s = config.block_frames / config.sample_rate_hz
        self._command: npt.NDArray[Any] = empty_command()
        self._age_s = math.inf
        self._pause_s = 0.0
        self._playing: Psola | None = None
        self._row = 0
        self._gain = 0.0
        self._ratio = self._duration = self._formants = 1.0

    @property
    def command(self) -> npt.NDArray[np.void]:
        """The slot that ``render_written`` reads."""
        return self._command

    def render(self, command: VoiceCommand | None, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """As ``VoiceEngine.render``."""
        if command is not None:
            write_command(self._command, command)
        return self.render_written(command is not None, out)

    def render_written(self, fresh: bool, out: npt.NDArray[np.float32]) -> RenderedBlock:
        """As ``VoiceEngine.render_written``."""
        self._age_s = 0.0 if fresh else self._age_s + self._dt_s
        row, mixer, samples = self._command[0], self._mixer, self._samples
        stale, hush = self._age_s > STALE_S, bool(row["hush"])
        master = 0.0 if stale or hush else 1.0
        if master == 0.0 and self._limiter.master == 0.0:
            self._playing, self._gain = None, 0.0
            self._limiter.reset()
            if mixer.active:
                mixer.reset()
            out[:] = 0.0
            return SILENCE
        level_db, nrs = float(row["level_db"]), float(row["nrs"])
        wanted = level_db > CALLING_DB and nrs >= FELT_NRS and not stale
        self._pause_s = max(0.0, self._pause_s - self._dt_s)
        if self._playing is None and wanted and self._pause_s == 0.0:
            self._begin(nrs, float(row["f0_semitones"]))
        voice = self._playing
        samples[:] = 0.0
        f0_hz = 0.0
        if voice is not None:
            gain = self._full_scale * db_to_gain(level_db) if wanted else self._gain * math.exp(-self._dt_s / 0.06)
            if not self._resamples:
                glide = 1.0 - math.exp(-self._dt_s / GLIDE_S)
                self._ratio += (self._asked(float(row["f0_semitones"])) - self._ratio) * glide
                self._duration += (float(row["duration_ratio"]) - self._duration) * glide
                self._formants += (float(row["formant_ratio"]) - self._formants) * glide
            voice.render(samples, self._ratio, self._duration, self._formants)
            _ramp(samples, self._gain, gain)
            self._gain = gain
            f0_hz = voice.f0_hz
            if voice.done or gain < 1e-5:
                self._playing, self._pause_s = None, self._identity.refractory_s
        if mixer.active:
            mixer.mix(samples, nrs)
        fade_s = HUSH_S if hush else (STALE_FADE_S if stale else OPEN_S)
        level_dbfs = gain_to_db(self._limiter.render(samples, out, master, fade_s) ** 0.5)
        if mixer.speaking:
            return RenderedBlock(mixer.f0_hz, level_dbfs, 0.0, mixer.call)
        call = "silent" if voice is None else self._recordings[self._row].sidecar.call
        return RenderedBlock(f0_hz, level_dbfs, 0.0, call)

    def begin(self, utterance: Utterance) -> None:
        """As ``VoiceEngine.begin``."""
        self._mixer.begin(utterance)

    def _begin(self, nrs: float, semitones: float) -> None:
        """Choose the recording nearest in pain, among equals by chance."""
        least = min(abs(own - nrs) for own in self._nrs) + 0.5
        drawn = int(self._random.integers(sum(abs(own - nrs) <= least for own in self._nrs)))
        for row, own in enumerate(self._nrs):
            if abs(own - nrs) <= least:
                if drawn == 0:
                    self._row = row
                    break
                drawn -= 1
        command = self._command[0]
        asked = self._asked(semitones)
        index = min(range(len(STUDY_RATES)), key=lambda i: abs(STUDY_RATES[i] - asked)) if self._resamples else 0
        self._playing = self._voices[self._row][index]
        self._playing.restart()
        self._ratio = 1.0 if self._resamples else asked
        self._duration = 1.0 if self._resamples else float(command["duration_ratio"])
        self._formants = 1.0 if self._resamples else float(command["formant_ratio"])
        self._gain = self._full_scale * db_to_gain(float(command["level_db"]))

    def _asked(self, semitones: float) -> float:
        """Pitch that is asked for over the recording's own."""
        f0_hz = self._recordings[self._row].f0_hz
        wanted_hz = self._identity.habitual_f0_hz * semitones_to_ratio(semitones)
        return min(max(wanted_hz / f0_hz, 0.5), 2.0) if f0_hz > 0.0 else 1.0


def _at_rate(recording: SoundRecording, rate: float) -> SoundRecording:
    """The recording as the study's arm plays it."""
    samples = resampled(recording.samples, rate)
    return recording._replace(
        samples=samples, marks=recording.marks / rate, periods=recording.periods / rate, f0_hz=recording.f0_hz * rate
    )


@kernel()
def _ramp(samples, begin, end):  # type: ignore[no-untyped-def]
    """Gain that goes from one value to the other over the block."""
    step = (end - begin) / samples.shape[0]
    for k in range(samples.shape[0]):
        begin += step
        samples[k] *= begin
