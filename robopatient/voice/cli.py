"""The verbs of the voice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from robopatient.command import FixedSeed, Force, Nrs

app = typer.Typer()

Wav = Annotated[Path, typer.Option("--out", help="WAV file to write.")]
Identity = Annotated[str, typer.Option(help="Name under assets/voices, or a .toml file.")]


@app.command("render", epilog="Example: robopatient voice render --out press.wav --nrs 7 --seconds 3")
def render_press(
    out: Wav,
    identity: Identity = "margaret",
    nrs: Nrs = 6.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Length, s.")] = 2.0,
    seed: FixedSeed = 1,
    preset: Annotated[str, typer.Option(help="literature, or flat: the pitch of a moan throughout.")] = "literature",
    nrs_end: Annotated[
        float | None, typer.Option(min=0, max=10, help="Pain (NRS) at the end, 0 to 10, when it changes.")
    ] = None,
    force: Force = False,
) -> None:
    """Render a pain vocalisation to a file; the same arguments give the same samples."""
    from robopatient.simulation.voices import render

    render(identity, nrs, seconds, seed, out, preset=preset, nrs_end=nrs_end, force=force)


@app.command("say", epilog='Example: robopatient voice say "That hurts." --out words.wav --nrs 7')
def say_words(
    text: Annotated[str, typer.Argument(help="Words.")],
    out: Wav,
    identity: Identity = "margaret",
    nrs: Nrs = 6.0,
    force: Force = False,
) -> None:
    """Write words as this person says them in this pain (needs espeak-ng)."""
    from firmware_bridge.outputs import check_outputs
    from robopatient.config import VoiceConfig
    from robopatient.voice.identity import load_identity
    from robopatient.voice.wav import write_wav
    from robopatient.voice.words import speak

    check_outputs([out], [identity], force)
    config = VoiceConfig(identity=identity)
    write_wav(out, speak(text, load_identity(identity), nrs, config).samples, config.sample_rate_hz, force)


@app.command("rerender", epilog="Example: robopatient voice rerender sessions/20261130-202223 --out again.wav")
def rerender_voice(
    folder: Annotated[Path, typer.Argument(help="Folder of a recorded session.")],
    out: Annotated[Path | None, typer.Option("--out", help="WAV file to write; none: only compare.")] = None,
    force: Force = False,
) -> int:
    """Render a session's sound again from its record and compare every sample with what was played."""
    from robopatient.simulation.rerender import rerender_session

    found = rerender_session(folder, out, force)
    length = f"{found.seconds:.1f} s" + (f", {found.words} times words" if found.words else "")
    if found.kept_frames is None:
        print(f"{length}; there is no {found.kept.name} to compare with", file=sys.stderr)
    elif found.is_equal:
        print(f"{found.kept}: {length}, every sample as it was played", file=sys.stderr)
    else:
        print(
            f"{found.kept}: {found.differing} of {min(found.kept_frames, found.frames)} samples differ, the first at "
            f"{found.first_s:.3f} s (lengths {found.kept_frames} and {found.frames})",
            file=sys.stderr,
        )
        return 1
    return 0


@app.command("calibrate", epilog="Example: robopatient voice calibrate --out calibration/loudspeaker.toml")
def calibrate_loudness(
    out: Annotated[Path, typer.Option("--out", help="Calibration file to write (.toml).")],
    device: Annotated[str, typer.Option(help="Name or index of the output; the default one when not given.")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=120, help="Length of the noise, s.")] = 10.0,
    level: Annotated[float, typer.Option(min=-60, max=-6, help="RMS of the noise, dBFS.")] = -30.0,
    reading: Annotated[
        float | None, typer.Option(help="Meter's reading at 1 m, slow, dB(A): no noise is played.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who measures.")] = "",
    force: Force = False,
) -> None:
    """Play pink noise, take the meter's reading, write what 0 dBFS is in dB(A)."""
    from firmware_bridge.outputs import new_files
    from robopatient.errors import ConfigError
    from robopatient.voice.calibration import LoudnessCalibration, pink_noise, play, write_calibration

    with new_files(out, force=force) as (part,):
        if reading is None:
            play(pink_noise(seconds, level), device)
            try:
                reading = float(input("Reading of the meter, dB(A) at 1 m, slow: "))
            except (ValueError, EOFError) as error:
                raise ConfigError("the reading is no number; type it as 68.5, or give --reading 68.5") from error
        calibration = LoudnessCalibration(
            device=device, noise_dbfs=level, reading_dba=reading, full_scale_dba=reading - level, author=author
        )
        write_calibration(calibration, part)
    print(
        f"{out}: 0 dBFS is {calibration.full_scale_dba:.1f} dB(A) at 1 m; voice.max_dbfs for 70 dB(A): "
        f"{calibration.max_dbfs(70.0):.1f}"
    )
