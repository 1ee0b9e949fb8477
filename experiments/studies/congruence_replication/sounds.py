"""Three sounds for each voice of the replication: a user's recordings, or stand-ins that the synthesiser renders once.

The published sounds come from a sound library that may not be passed on. The stand-ins are of the same kind and length
(female 1.65, 0.32, 0.58 s; male 0.58, 0.76, 0.60 s), but unlike them they are alike in loudness, as every recording is
that the voice plays.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from robopatient.config import VoiceConfig, asset_path
from robopatient.errors import AssetError
from robopatient.folders import user_cache, user_path
from robopatient.messages import VoiceAsk
from robopatient.session.pipeline import Given
from robopatient.simulation.voices import BLOCK_S, voiced
from robopatient.voice.recordings import RATE_HZ, load_folder
from robopatient.voice.wav import WavWriter

__all__ = ["StudySound", "sounds_of", "voice_file"]

SPEAKERS = {"female": "rosa", "male": "tomas"}
CALLS = {
    "female": (("moan", 1.65, 9.0), ("ow", 0.32, 12.0), ("ah", 0.58, 12.0)),
    "male": (("grunt", 0.58, 12.0), ("groan", 0.76, 9.0), ("ow", 0.60, 10.0)),
}
"""Call, length in s and f0 over speech in semitones of sounds 1 to 3: after the published names, lengths and f0."""
NRS = (2.0, 5.0, 8.0)
"""Pain by which a command picks sound 1, 2 or 3."""
RENDER_NRS = 6.0
VERSION = 1


class StudySound(NamedTuple):
    """One of the three: the pain that picks it, its length at rate 1 and its f0."""

    nrs: float
    duration_s: float
    f0_hz: float


def voice_file(voice: str, own: str) -> Path:
    """Voice that plays the three sounds of a sex, as a session's ``voice.identity``."""
    folder = _folder(voice, own)
    path = folder.parent / f"{voice}.toml"
    text = asset_path("voices", SPEAKERS[voice]).read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in ("recordings", "manipulation")]
    lines = [*kept, f'recordings = "{folder}"', 'manipulation = "resample"', ""]
    made = "\n".join(lines)
    if not path.exists() or path.read_text(encoding="utf-8") != made:
        _write(path, made)
    return path


@cache
def sounds_of(voice: str, own: str) -> tuple[StudySound, ...]:
    """The three sounds of a sex.

    Raises
    ------
    AssetError
        When a folder of one's own does not hold three recordings of different pain.
    """
    recordings = load_folder(_folder(voice, own))
    pains = [recording.sidecar.nrs for recording in recordings]
    if len(recordings) != 3 or min(np.diff(pains)) <= 0.5:
        raise AssetError(
            f"{_folder(voice, own)}: holds {len(recordings)} recordings with nrs {pains}; the study needs three, whose "
            "nrs (in the .toml beside each) are more than 0.5 apart, in the order sound 1, 2, 3"
        )
    return tuple(
        StudySound(recording.sidecar.nrs, len(recording.samples) / RATE_HZ, recording.f0_hz) for recording in recordings
    )


def _folder(voice: str, own: str) -> Path:
    """Where the recordings of a sex lie; stand-ins are made when they are not there yet."""
    if own:
        return user_path(own).resolve() / voice
    folder = user_cache() / f"congruence-sounds-{VERSION}" / voice
    for number, (call, length_s, semitones) in enumerate(CALLS[voice], 1):
        if not (folder / f"{number}.toml").exists():
            _render(folder, number, voice, call, length_s, semitones)
    return folder


def _render(folder: Path, number: int, voice: str, call: str, length_s: float, semitones: float) -> None:
    """Render one call and write it with its sidecar, the sidecar last."""
    folder.mkdir(parents=True, exist_ok=True)
    pains: list[Given] = []
    for index in range(round((length_s + 0.05) / BLOCK_S)):
        ask = VoiceAsk(-3.0, semitones, 0.2, 0.1, call)
        pains.append(Given(RENDER_NRS, "onset" if index * BLOCK_S < 0.1 else "hold", voice=ask))
    samples = np.concatenate([block.samples for block in voiced(SPEAKERS[voice], 1, pains)])
    path = folder / f"{number}.wav"
    new = path.with_name(f".{number}.{os.getpid()}.wav")
    writer = WavWriter(new, VoiceConfig().sample_rate_hz)
    writer.append(samples)
    writer.close()
    new.replace(path)
    _write(
        path.with_suffix(".toml"),
        f'source = "robopatient voice {SPEAKERS[voice]}, call {call}, rendered"\nlicence = "as robopatient"\n'
        f'consent = "nobody: synthesised"\nnrs = {NRS[number - 1]}\ncall = "{call}"\n',
    )


def _write(path: Path, text: str) -> None:
    """Write a file whole, however many sessions start at once."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
