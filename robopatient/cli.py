"""The one command, ``robopatient``: each verb names the function that does the work and imports it only then.

This module imports nothing heavier than the CLI library, so that ``robopatient --help`` answers at once. Exit status:
0 done, 1 failed (one line says what, where, and the next command), 2 wrong usage.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="robopatient",
    help="Expression controller for robotic patients: a press becomes a groan and a grimace, on the record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _group(name: str, text: str) -> typer.Typer:
    group = typer.Typer(name=name, help=text, no_args_is_help=True)
    app.add_typer(group)
    return group


board = _group("board", "Sensor boards: list, monitor, tare, calibrate, record, self-test, flash.")
patient = _group("patient", "Patients: list, show, make one from a few wishes.")
voice = _group("voice", "The voice: render, say, evaluate, calibrate.")
policy = _group("policy", "Palpation-to-pain policies: train with ratings, list.")
face = _group("face", "The face: still pictures, films.")
dataset = _group("dataset", "Labelled face data sets: generate, verify, audit.")
judge = _group("judge", "Judges of pain expressions: list, train, score.")
scenario = _group("scenario", "Training scenarios: check them, and preview them without hardware.")
study = _group("study", "Perceptual studies: export their trials, analyse them.")
sessions = _group("sessions", "The library: list, show, tag, export and delete recorded sessions.")
bench = _group("bench", "Measure on this machine, beside a baseline.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Board = Annotated[
    str,
    typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path such as /dev/ttyUSB0, or module:Class."),
]
Folder = Annotated[Path, typer.Option("--folder", help="Folder that holds the sessions.")]
Trainee = Annotated[str, typer.Option(help="Only of this trainee (code).")]
OfPatient = Annotated[str, typer.Option("--patient", help="Only with this patient.")]
OfScenario = Annotated[str, typer.Option("--scenario", help="Only of this scenario.")]
Tag = Annotated[str, typer.Option(help="Only with this tag.")]
Since = Annotated[str, typer.Option(help="From this day on, YYYY-MM-DD.")]
Search = Annotated[str, typer.Option("--search", help="Words anywhere in names, codes or tags.")]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="Name of its folder, or its id.")]
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name under experiments/studies, or a folder.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Random seed.")]


def _do(function: str, **arguments: Any) -> None:
    """Call ``"module:function"``; a known error becomes one line and exit status 1."""
    module_name, _, name = function.partition(":")
    from firmware_bridge.errors import BridgeError
    from robopatient.errors import RobopatientError

    try:
        status = getattr(importlib.import_module(module_name), name)(**arguments)
    except (RobopatientError, BridgeError) as error:
        print(f"robopatient: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except OSError as error:  # a full disk, a folder without permission
        print(f"robopatient: {error.filename or function}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    if isinstance(status, int) and status:
        raise typer.Exit(status)


def _wanted(trainee: str, patient: str, scenario: str, tag: str, since: str, search: str) -> Any:
    """Filter of the library."""
    from robopatient.record.library import Wanted

    return Wanted(trainee=trainee, patient=patient, scenario=scenario, tag=tag, since=since, text=search)


@app.command()
def run(
    session: Annotated[Path | None, typer.Argument(help="Session file (TOML); see assets/sessions.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No windows.")] = False,
    board: Annotated[str | None, typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path …")] = None,
    duration: Annotated[float | None, typer.Option("--duration", min=0, help="Seconds; 0: until stopped.")] = None,
    out: Out = None,
    seed: Seed = None,
    like: Annotated[Path | None, typer.Option("--like", help="Repeat the session recorded in this folder.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Run a session: feel, hurt, groan and grimace, and record it all."""
    _do(
        "robopatient.session.run:run",
        session=session,
        headless=headless,
        board=board,
        duration_s=duration,
        out=out,
        seed=seed,
        like=like,
        overrides=set_ or [],
    )


@app.command()
def console() -> None:
    """Choose patient, voice, face, board and calibration in a window, check them, calibrate, and start."""
    _do("robopatient.console.setup:show")


@app.command()
def doctor(
    json: Json = False,
    board: Annotated[str, typer.Option("--board", help="Also open this board and ask how it is.")] = "",
    calibration: Annotated[str, typer.Option(help="That the board is to be used with.")] = "",
) -> None:
    """Say what is plugged in, missing or slow, and the command that mends each."""
    _do("robopatient.session.doctor:doctor", as_json=json, board=board, calibration=calibration)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    update: Annotated[
        bool, typer.Option("--update", help="Accept what this version computes as the session's golden result.")
    ] = False,
    console: Annotated[
        bool, typer.Option("--console", help="Watch it instead: face, voice and force in step, with a scrubber.")
    ] = False,
) -> None:
    """Compute a session again from its raw bytes and compare bit for bit, or watch it again."""
    if console:
        _do("robopatient.console.replay:show", folder=folder)
    else:
        _do("robopatient.session.replay:replay", folder=folder, update=update)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    film: Annotated[bool, typer.Option(help="Also write session.mp4.")] = True,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also export every topic as CSV into this folder.")] = None,
) -> None:
    """Write presses.csv, report.html and the film of a recorded session."""
    _do("robopatient.session.finish:report", folder=folder, film=film, csv=csv)


@app.command()
def debrief(
    folder: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a recorded session.")],
    pdf: Annotated[bool, typer.Option(help="Also print debrief.pdf, where a Chromium is installed.")] = True,
) -> None:
    """Write the debrief of a recorded session: debrief.html, debrief.json and debrief.pdf."""
    _do("robopatient.session.debrief:debrief", folder=folder, pdf=pdf)


@sessions.command("list")
def sessions_list(
    folder: Folder = Path("sessions"),
    trainee: Trainee = "",
    patient: OfPatient = "",
    scenario: OfScenario = "",
    tag: Tag = "",
    since: Since = "",
    search: Search = "",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget the index and read every session again.")] = False,
    json: Json = False,
) -> None:
    """List the sessions in a folder, oldest first; folders that cannot be read are named."""
    _do(
        "robopatient.session.library:list_sessions",
        folder=folder,
        wanted=_wanted(trainee, patient, scenario, tag, since, search),
        as_json=json,
        rebuild=rebuild,
    )


@sessions.command("show")
def sessions_show(
    name: SessionName,
    folder: Folder = Path("sessions"),
    json: Json = False,
    play: Annotated[bool, typer.Option("--play", help="Watch it instead, as replay --console does.")] = False,
) -> None:
    """Print all figures of one session."""
    _do("robopatient.session.library:show", folder=folder, name=name, as_json=json, play=play)


@sessions.command("tag")
def sessions_tag(
    name: SessionName,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to give.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Tag to take away, repeatable.")] = None,
    folder: Folder = Path("sessions"),
) -> None:
    """Give a session tags, or take them away."""
    _do("robopatient.session.library:tag", folder=folder, name=name, add=tags or [], remove=remove or [])


@sessions.command("export")
def sessions_export(
    csv: Annotated[Path | None, typer.Option("--csv", help="Table to write, one line a session.")] = None,
    xapi: Annotated[Path | None, typer.Option("--xapi", help="File of xAPI statements to write (JSON).")] = None,
    home: Annotated[
        str, typer.Option(help="Address of the system whose codes the trainees have (xAPI account).")
    ] = "https://example.org",
    folder: Folder = Path("sessions"),
    trainee: Trainee = "",
    patient: OfPatient = "",
    scenario: OfScenario = "",
    tag: Tag = "",
    since: Since = "",
    search: Search = "",
) -> None:
    """Write the figures of sessions as a table or as xAPI statements; codes only, never names."""
    _do(
        "robopatient.session.library:export",
        folder=folder,
        wanted=_wanted(trainee, patient, scenario, tag, since, search),
        table=csv,
        xapi=xapi,
        home=home,
    )


@sessions.command("delete")
def sessions_delete(
    name: SessionName,
    folder: Folder = Path("sessions"),
    yes: Annotated[bool, typer.Option("--yes", help="Really remove it.")] = False,
) -> None:
    """Remove a session for good: its folder's own files and its line in the index."""
    _do("robopatient.session.library:delete", folder=folder, name=name, yes=yes)


@study.command("analyse")
def study_analyse(
    source: Annotated[Path, typer.Argument(metavar="RECORD|CSV", help="Session, folder of sessions, or a table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for report, figures and tables.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws of people.")] = 1,
    json: Json = False,
) -> None:
    """Model the answers of a study: report.html, figures, tables; the published table is read as it is."""
    _do("experiments.analysis.verbs:analyse", source=source, out=out, seed=seed, as_json=json)


@study.command("export")
def study_export(
    source: Annotated[Path, typer.Argument(metavar="RECORD", help="Session, or folder of sessions.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; it must not hold an export yet.")],
    bids: Annotated[bool, typer.Option(help="Write a BIDS data set.")] = True,
    tables: Annotated[bool, typer.Option(help="Write trials.csv, trials.parquet and their dictionary.")] = True,
    force: Annotated[bool, typer.Option(help="Also the force that was recorded (BIDS _physio.tsv.gz).")] = True,
    json: Json = False,
) -> None:
    """Write a study's trials as a tidy table (CSV, Parquet) and as a BIDS data set."""
    _do(
        "robopatient.session.study_export:export",
        source=source,
        out=out,
        bids=bids,
        tables=tables,
        force=force,
        as_json=json,
    )


@board.command("list")
def board_list(json: Json = False) -> None:
    """List serial ports with vendor, product and serial number; opens none of them."""
    _do("firmware_bridge.verbs:list_boards", as_json=json)


@board.command("monitor")
def board_monitor(
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 0.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
    json: Json = False,
) -> None:
    """Print what a board says, once or several times a second."""
    _do("robopatient.session.boards:monitor", board=board, duration_s=duration, rate_hz=rate, as_json=json)


@board.command("tare")
def board_tare(
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.2, help="Seconds to average.")] = 2.0,
    json: Json = False,
) -> None:
    """Measure the zero of every cell and judge its quality."""
    _do("robopatient.session.boards:tare", board=board, duration_s=duration, as_json=json)


@board.command("record")
def board_record(
    out: Annotated[Path, typer.Option("--out", help="Writes OUT.bytes (as received) and OUT.csv (counts).")],
    board: Board = "virtual",
    duration: Annotated[float, typer.Option(min=0.1, help="Seconds.")] = 10.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
) -> None:
    """Record raw bytes and decoded counts, without a patient."""
    _do("robopatient.session.boards:record", board=board, out=out, duration_s=duration, rate_hz=rate)


@board.command("selftest")
def board_selftest(
    board: Board = "virtual",
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 1000.0,
    json: Json = False,
) -> None:
    """Let a board test its cells, its rate and its memory; exit status 1 when something is wrong."""
    _do("robopatient.session.boards:self_test", board=board, rate_hz=rate, as_json=json)


@board.command("rater")
def board_rater(
    port: Annotated[str, typer.Option("--port", help="A path, usb:VID:PID[:SERIAL], auto, or virtual.")] = "auto",
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print every rating that a rater (dial and buttons) commits."""
    _do("firmware_bridge.verbs:rate", port=port, duration_s=duration, as_json=json)


@board.command("flash-help")
def board_flash_help() -> None:
    """Say how to build the firmware and bring it onto a board."""
    _do("firmware_bridge.verbs:flash_help")


@board.command("calibrate")
def board_calibrate(
    out: Annotated[
        Path | None, typer.Option("--out", help="Calibration file to write (.toml); .csv and .png beside it.")
    ] = None,
    board: Board = "virtual",
    console: Annotated[bool, typer.Option("--console", help="Guide in a window; the file is named there.")] = False,
    phantom: Annotated[str, typer.Option(help="Name under assets/phantoms, or a .toml file.")] = "square-290",
    range_: Annotated[float, typer.Option("--range", min=1, help="Largest weight at the centre, N.")] = 80.0,
    newton: Annotated[str, typer.Option(help="Your own weights, N, ascending: 9.81,19.62,49.05.")] = "",
    places: Annotated[int, typer.Option(help="5: centre and cells; 9: the edges too, for a full matrix.")] = 5,
    exercises: Annotated[int, typer.Option(min=0, help="Loads to the largest weight before the zero is taken.")] = 3,
    creep: Annotated[float, typer.Option(min=0, help="Minutes under the largest weight in the end; 0: not.")] = 0.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Length of a reading.")] = 1.0,
    rate: Annotated[float, typer.Option(min=80, max=1000, help="Frames per second.")] = 250.0,
    author: Annotated[str, typer.Option(help="Who measures; the login name when not given.")] = "",
    json: Json = False,
) -> None:
    """Guide through known weights and write a dated calibration file; exit status 1 when a limit is not kept."""
    _do(
        "robopatient.session.boards:calibrate",
        board=board,
        out=out,
        console=console,
        phantom=phantom,
        range_newton=range_,
        weights=newton,
        places=places,
        exercises=exercises,
        creep_min=creep,
        seconds=seconds,
        rate_hz=rate,
        author=author,
        as_json=json,
    )


@patient.command("list")
def patient_list(json: Json = False) -> None:
    """List the patients that can be played."""
    _do("robopatient.patient.verbs:list_patients", as_json=json)


@patient.command("show")
def patient_show(
    name: Annotated[str, typer.Argument(metavar="PATIENT", help="Name under assets/patients, or a .toml file.")],
    json: Json = False,
) -> None:
    """Say who a patient is and what presses do to them."""
    _do("robopatient.patient.verbs:show", name=name, as_json=json)


@patient.command("parameters")
def patient_parameters() -> None:
    """Print every key of a patient file with unit, range and source, as Markdown."""
    _do("robopatient.patient.verbs:parameters")


@patient.command("fit")
def patient_fit(
    wishes: Annotated[str, typer.Argument(help='Such as "NRS 7 at 20 N on the right iliac, mild elsewhere, stoic".')],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, print.")] = None,
) -> None:
    """Make a patient of whom a few wishes are true."""
    _do("robopatient.patient.verbs:fit", wishes=wishes, out=out)


@voice.command("render")
def voice_render(
    out: Annotated[Path, typer.Option("--out", help="WAV file to write.")],
    identity: Annotated[str, typer.Option(help="Name under assets/voices, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Length.")] = 2.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    preset: Annotated[str, typer.Option(help="literature, or flat: the pitch of a moan throughout.")] = "literature",
    nrs_end: Annotated[float | None, typer.Option(min=0, max=10, help="Pain at the end, when it changes.")] = None,
) -> None:
    """Render a pain vocalisation to a file; the same arguments give the same samples."""
    _do(
        "robopatient.voice.verbs:render",
        identity=identity,
        nrs=nrs,
        seconds=seconds,
        seed=seed,
        out=out,
        preset=preset,
        nrs_end=nrs_end,
    )


@voice.command("say")
def voice_say(
    text: Annotated[str, typer.Argument(help="Words.")],
    out: Annotated[Path, typer.Option("--out", help="WAV file to write.")],
    identity: Annotated[str, typer.Option(help="Name under assets/voices, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
) -> None:
    """Write words as this person says them in this pain (needs espeak-ng)."""
    _do("robopatient.voice.verbs:say", text=text, identity=identity, nrs=nrs, out=out)


@voice.command("evaluate")
def voice_evaluate(
    out: Annotated[Path | None, typer.Option("--out", help="HTML page to write.")] = None,
    identity: Annotated[list[str] | None, typer.Option(help="Repeatable; all when not given.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Renders of each level of pain.")] = 10,
    json: Json = False,
) -> None:
    """Measure how well the voice tells pain and people apart, beside published sounds."""
    _do("experiments.benchmarks.voice:evaluate_voice", out=out, identities=identity or [], seeds=seeds, as_json=json)


@voice.command("rerender")
def voice_rerender(
    folder: Annotated[Path, typer.Argument(help="Folder of a recorded session.")],
    out: Annotated[Path | None, typer.Option("--out", help="WAV file to write.")] = None,
) -> None:
    """Render a session's sound again from its record and compare every sample with what was played."""
    _do("robopatient.session.rerender:rerender", folder=folder, out=out)


@voice.command("calibrate")
def voice_calibrate(
    out: Annotated[Path, typer.Option("--out", help="Calibration file to write (.toml).")],
    device: Annotated[str, typer.Option(help="Name or index of the output; the default one when not given.")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=120, help="Length of the noise.")] = 10.0,
    level: Annotated[float, typer.Option(min=-60, max=-6, help="RMS of the noise, dBFS.")] = -30.0,
    reading: Annotated[float | None, typer.Option(help="Meter's reading, dB(A): no noise is played.")] = None,
    author: Annotated[str, typer.Option(help="Who measures.")] = "",
) -> None:
    """Play pink noise, take the meter's reading, write what 0 dBFS is in dB(A)."""
    _do(
        "robopatient.voice.verbs:calibrate",
        device=device,
        seconds=seconds,
        reading_db=reading,
        level_dbfs=level,
        out=out,
        author=author,
    )


@face.command("still")
def face_still(
    out: Annotated[Path, typer.Option("--out", help="PNG file to write.")],
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain, 0 to 10.")] = 6.0,
    size: Annotated[int, typer.Option(min=128, max=2160, help="Pixels.")] = 512,
    au: Annotated[str, typer.Option(help="Intensities that replace those of the pain: AU4=3,AU6L=5.")] = "",
    view: Annotated[str, typer.Option(help="frontal, three-quarter, left, right, bedside or ward.")] = "frontal",
    light: Annotated[str, typer.Option(help="window, overhead, night or mask.")] = "window",
    background: Annotated[str, typer.Option(help="wall, black, white, green or transparent.")] = "wall",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
) -> None:
    """Draw one face at one level of pain."""
    _do(
        "robopatient.face.still:still",
        face=face,
        nrs=nrs,
        out=out,
        size_px=size,
        au=au,
        renderer=renderer,
        view=view,
        light=light,
        background=background,
    )


@face.command("generate")
def face_generate(
    pain: Annotated[str, typer.Option("--pain", help="CSV with t_s,nrs, or recorded forces FILE.npz#NAME.")],
    out: Annotated[Path, typer.Option("--out", help="NAME.mp4, NAME.mkv (lossless), or a folder for frames.")],
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "",
    patient: Annotated[str, typer.Option(help="Name under assets/patients: who feels the forces.")] = "appendicitis",
    views: Annotated[str, typer.Option(help="One or more side by side: frontal,three-quarter,heat.")] = "frontal",
    frames: Annotated[str, typer.Option(help="Of a folder: png or jpg.")] = "png",
    fps: Annotated[float, typer.Option(min=5, max=120, help="Frames per second.")] = 30.0,
    size: Annotated[int, typer.Option(min=128, max=2160, help="Pixels of one view.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
    light: Annotated[str, typer.Option(help="window, overhead, night or mask.")] = "window",
    background: Annotated[str, typer.Option(help="wall, black, white or green.")] = "wall",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    engine: Annotated[str, typer.Option(help="blend or diffusion; a session's own when not given.")] = "",
) -> None:
    """Film a face in pain, with its voice, and write its action units and PSPI beside it as CSV."""
    _do(
        "robopatient.session.generate:generate",
        pain=pain,
        out=out,
        face=face,
        patient=patient,
        views=views,
        frames=frames,
        fps=fps,
        size_px=size,
        seed=seed,
        light=light,
        background=background,
        renderer=renderer,
        engine=engine,
    )


@scenario.command("check")
def scenario_check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names under assets/scenarios, or .toml files; all.")
    ] = None,
) -> None:
    """Name every fault of scenarios with its file and key; exit status 1 when there is one."""
    _do("robopatient.session.scenario_preview:check", names=names or [])


@scenario.command("preview")
def scenario_preview(
    name: Annotated[str, typer.Argument(help="Name under assets/scenarios, or a .toml file.")],
    patient: Annotated[str, typer.Option(help="Name under assets/patients; the scenario's first.")] = "",
    trigger: Annotated[
        list[str] | None, typer.Option(help="NAME@SECONDS: what the instructor does; repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Deep presses on each region.")] = 3,
) -> None:
    """Let a made-up hand examine the scenario's patient and list what the scenario does and why."""
    _do(
        "robopatient.session.scenario_preview:preview",
        name=name,
        patient=patient,
        triggers=trigger or [],
        repeats=repeats,
    )


@study.command("list")
def study_list(json: Json = False) -> None:
    """List the studies that are shipped: trials and minutes of a session."""
    _do("robopatient.session.study_verbs:list_studies", as_json=json)


@study.command("check")
def study_check(
    name: StudyName,
    participants: Annotated[int, typer.Option(min=1, max=1000, help="Lists to look at.")] = 20,
    json: Json = False,
) -> None:
    """Prove that a study is balanced and say how long it takes; exit status 1 when it is not."""
    _do("robopatient.session.study_verbs:check", name=name, participants=participants, as_json=json)


@study.command("run")
def study_run(
    name: StudyName,
    participant: Annotated[str, typer.Option(help="Code, never a name; its number chooses the order: P01.")],
    session: Annotated[int, typer.Option(min=1, help="Which of the study's sessions.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with this session after a crash or a break.")] = False,
    board: Annotated[str | None, typer.Option("--board", help="virtual, replay:FILE[#NAME], a device path …")] = None,
    language: Annotated[str, typer.Option(help="Of the participant's screen: english, german, … or a .toml.")] = (
        "english"
    ),
    demographics: Annotated[str, typer.Option(help="Kept apart from the record: age=34, sex=f.")] = "",
    folder: Folder = Path("sessions"),
    headless: Annotated[bool, typer.Option("--headless", help="No windows.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Run one participant's session of a study."""
    _do(
        "robopatient.session.study_run:run_study",
        name=name,
        participant=participant,
        session=session,
        folder=folder,
        board=board,
        headless=headless,
        language=language,
        resume=resume,
        demographics=demographics,
        overrides=set_ or [],
    )


@study.command("desk")
def study_desk(
    board: Annotated[
        str | None, typer.Option("--board", help="virtual, a device path …; can be changed there.")
    ] = None,
    folder: Folder = Path("sessions"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Choose study, participant and rig in a window, see what is missing, run the session; then the next."""
    _do("robopatient.session.study_setup:desk", folder=folder, board=board, overrides=tuple(set_ or ()))


@study.command("simulate")
def study_simulate(
    name: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Folder for the sessions.")],
    listeners: Annotated[
        str, typer.Option(help="CSV of rated trials (its people answer), or congruence, psychophysical, noisy, …")
    ] = "congruence",
    participants: Annotated[int, typer.Option(min=1, max=1000, help="How many people.")] = 20,
    sessions: Annotated[int, typer.Option(min=0, help="Of each; 0: all that the study has.")] = 0,
    speed: Annotated[str, typer.Option(help="max, or times faster than life.")] = "max",
    seed: Annotated[int, typer.Option(min=0, help="Of the people.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as cores.")] = 0,
    keep_all: Annotated[bool, typer.Option("--all", help="Record forces, commands and sound too.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Run a study with simulated people through the whole chain, faster than life."""
    _do(
        "experiments.studies.simulate:simulate",
        name=name,
        listeners=listeners,
        participants=participants,
        out=out,
        sessions=sessions,
        seed=seed,
        workers=workers,
        keep_all=keep_all,
        speed=speed,
        overrides=set_ or [],
    )


@study.command("delete")
def study_delete(
    participant: Annotated[str, typer.Argument(help="Code of the participant.")],
    folder: Folder = Path("sessions"),
    yes: Annotated[bool, typer.Option("--yes", help="Really remove it.")] = False,
) -> None:
    """Remove all that is kept of a participant, in every study, for good."""
    _do("robopatient.session.study_verbs:delete", participant=participant, folder=folder, yes=yes)


@face.command("sheet")
def face_sheet(
    out: Annotated[Path, typer.Option("--out", help="PNG or JPEG file to write.")],
    faces: Annotated[str, typer.Option(help="Names separated by commas; all under assets/faces when empty.")] = "",
    sample: Annotated[int, typer.Option(min=0, max=500, help="Made-up patients in place of them.")] = 0,
    nrs: Annotated[str, typer.Option(help="Pains, separated by commas.")] = "0,3,6,9",
    action_units: Annotated[bool, typer.Option("--au", help="Every action unit at full intensity instead.")] = False,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Pixels of one picture.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of the made-up patients.")] = 1,
    view: Annotated[str, typer.Option(help="frontal, three-quarter, left, right, bedside or ward.")] = "frontal",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
) -> None:
    """Draw many faces on one picture: a row a patient, a column a pain."""
    _do(
        "robopatient.face.sheet:sheet",
        out=out,
        faces=faces,
        sample=sample,
        nrs=nrs,
        action_units=action_units,
        size_px=size,
        seed=seed,
        view=view,
        renderer=renderer,
    )


@face.command("display")
def face_display(
    profile: Annotated[str, typer.Option(help="Display profile: your own, one under assets/displays, a file.")] = "",
    pattern: Annotated[
        str, typer.Option(help="face, grid, corners, cross, greys, focus, bars, white or black.")
    ] = "face",
    edit: Annotated[bool, typer.Option("--edit", help="Bend it into place with the keys; S saves.")] = False,
    face: Annotated[str, typer.Option("--face", help="Name under assets/faces, or a .toml file.")] = "margaret",
    nrs: Annotated[float, typer.Option(min=0, max=10, help="Pain of the face's presses.")] = 0.0,
    screen: Annotated[str, typer.Option(help="Name or number of the screen, in place of the profile's.")] = "",
    renderer: Annotated[str, typer.Option(help="auto, gl or numba.")] = "auto",
    size: Annotated[int, typer.Option(min=128, max=2160, help="Height of the rendered picture, pixels.")] = 720,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0: never.")] = 0.0,
    list_: Annotated[bool, typer.Option("--list", help="Name the connected screens and the profiles.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write a PNG of what would be seen; no window.")] = None,
    window: Annotated[str, typer.Option(help="Size of that window.")] = "1280x800",
) -> None:
    """Show the face or a test picture on a screen, a robot's head or a mask, and calibrate it."""
    _do(
        "robopatient.face.display.calibrate:display",
        profile=profile,
        picture=pattern,
        edit=edit,
        face=face,
        nrs=nrs,
        screen=screen,
        renderer=renderer,
        size_px=size,
        seconds=seconds,
        list_only=list_,
        out=out,
        window_px=window,
    )


@face.command("train")
def face_train(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="Training file; the shipped one.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for state and checkpoint.")] = Path("face-training"),
    smoke: Annotated[bool, typer.Option("--smoke", help="A toy within a minute: does everything work here?")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted training in --out.")] = False,
) -> None:
    """Train the face generator on made-up or imported faces; can be stopped and goes on bit for bit."""
    _do("policies.train_face:train", config=config, out=out, smoke=smoke, resume=resume)


@face.command("evaluate")
def face_evaluate(
    generator: Annotated[
        str, typer.Option(help="Name under assets/generators, a folder, or a baseline; empty: that of a session.")
    ] = "",
    corpus: Annotated[
        Path | None, typer.Option(help="Corpus (.npz) of `face import`; none: the simulated one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html.")] = Path("face-evaluation"),
    baseline: Annotated[list[str] | None, typer.Option(help="Compare with this one only; repeatable.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A toy corpus, seconds of training: does it work at all.")
    ] = False,
    faces: Annotated[bool, typer.Option(help="Draw faces and a film into the report.")] = True,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    json: Json = False,
) -> None:
    """Measure a face generator and every baseline on held-out people; write a report with plots, tables and films."""
    _do(
        "experiments.benchmarks.generator:evaluate_generator",
        generator=generator,
        corpus=corpus,
        out=out,
        baselines=tuple(baseline) if baseline else None,
        quick=quick,
        faces=faces,
        seed=seed,
        as_json=json,
    )


@face.command("import")
def face_import(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="biovid, unbc, openface or pyfeat.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the recordings you have a licence for.")],
    out: Annotated[Path, typer.Option("--out", help="Corpus to write (.npz); its card beside it.")],
    table: Annotated[
        Path | None, typer.Option(help="trials.csv: file, subject, kind, split, pain and traits; see the docs.")
    ] = None,
    fps: Annotated[float, typer.Option(min=0, help="Of the recordings; 0: what the format says.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, where the table has none.")] = 1,
) -> None:
    """Turn recordings of real faces into a corpus that `face train` and `face evaluate` take."""
    _do("policies.face_import.verbs:import_corpus", kind=kind, path=path, out=out, table=table, fps=fps, seed=seed)


@bench.command("generator")
def bench_generator(
    checkpoint: Annotated[
        str, typer.Option(help="Name under assets/generators, or a folder; empty: a session's.")
    ] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Alternations with the recipe.")] = 6,
    faces: Annotated[int, typer.Option(min=1, help="Faces that run on end for the drift.")] = 4,
    minutes: Annotated[int, typer.Option(min=2, max=60, help="For how long.")] = 10,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    json: Json = False,
) -> None:
    """Measure the face generator beside the PainDiffusion recipe: speed, size, ten minutes on end."""
    _do(
        "experiments.benchmarks.generator:bench_generator",
        as_json=json,
        checkpoint=checkpoint,
        rounds=rounds,
        faces=faces,
        minutes=minutes,
        seed=seed,
    )


@bench.command("face")
def bench_face(
    json: Json = False,
    seconds: Annotated[float, typer.Option(min=2, help="Of the live figures.")] = 20.0,
    identities: Annotated[int, typer.Option(min=1, max=200, help="Made-up patients for the detector.")] = 24,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    judge: Annotated[str, typer.Option(help="Python with mediapipe 0.10.21, for independent landmarks.")] = "",
) -> None:
    """Measure drawing, live rate, identity switch, labelled frames, and let a detector and landmarks judge."""
    _do(
        "experiments.benchmarks.face:bench_face",
        as_json=json,
        seconds=seconds,
        identities=identities,
        seed=seed,
        judge=judge,
    )


@policy.command("train")
def policy_train(
    simulate: Annotated[str, typer.Option(help="Simulated rater, such as psychophysical, or FILE.csv:PERSON.")] = "",
    live: Annotated[Path | None, typer.Option(help="Session TOML: a person presses, hears, sees and rates.")] = None,
    out: Out = None,
    task: Annotated[str, typer.Option(help="What is mapped: see docs/policies.md.")] = "pain-to-voice",
    question: Annotated[str, typer.Option(help="signed, agree, … ; empty: the task's own.")] = "",
    ratings: Annotated[int, typer.Option(min=1, help="How many ratings in all.")] = 100,
    start: Annotated[str, typer.Option(help="Checkpoint to start from; empty: the shipped one.")] = "",
    seed: Annotated[int, typer.Option(min=0)] = 1,
    trust: Annotated[bool, typer.Option("--trust", help="Go on with a rater found to be no guide.")] = False,
    board: Annotated[str | None, typer.Option(help="With --live: virtual, /dev/…, replay:FILE.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="With --live: no windows.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="With --live: section.key=value, repeatable.")] = None,
    json: Json = False,
) -> None:
    """Teach a policy by ratings; the same folder again goes on where it stopped."""
    if bool(simulate) == bool(live):
        raise typer.BadParameter("give one of --simulate RATER and --live SESSION.toml")
    common = {"out": out, "task": task, "question_name": question, "ratings": ratings, "start": start, "seed": seed}
    if live is not None:
        overrides = tuple(set_ or ())
        _do("policies.live:train_live", session=live, board=board, headless=headless, overrides=overrides, **common)
    else:
        _do("policies.verbs:train", simulate=simulate, trust=trust, as_json=json, **common)


@policy.command("list")
def policy_list(json: Json = False) -> None:
    """Shipped checkpoints: what each maps, from which data."""
    _do("policies.verbs:list_policies", as_json=json)


@policy.command("evaluate")
def policy_evaluate(
    listeners: Annotated[Path, typer.Option(help="Trials of people, CSV; each is left out of every prior.")],
    bandit: Annotated[Path | None, typer.Option(help="Logged random trials, CSV, for offline estimates.")] = None,
    checkpoint: Annotated[str, typer.Option(help="Checkpoint that is judged on the logged trials.")] = "congruence",
    methods: Annotated[list[str] | None, typer.Option("--method", help="Repeatable; none: all.")] = None,
    ratings: Annotated[int, typer.Option(min=1)] = 200,
    seeds: Annotated[int, typer.Option(min=1, help="Lessons a person.")] = 2,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as cores.")] = 0,
    ray: Annotated[str, typer.Option("--ray", help="local, or the address of a Ray head.")] = "",
    json: Json = False,
) -> None:
    """Run every method on people fitted to their own trials: score curves, P(agree), time to target."""
    _do(
        "experiments.benchmarks.policy:evaluate",
        listeners=listeners,
        bandit=bandit,
        checkpoint=checkpoint,
        ratings=ratings,
        seeds=seeds,
        seed=seed,
        workers=workers,
        ray_address=ray,
        as_json=json,
        **({"methods": methods} if methods else {}),
    )


@dataset.command("generate")
def dataset_generate(
    design: Annotated[str, typer.Argument(help="Name under assets/datasets, or path of a TOML file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; a half-made one is continued.")],
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one per core.")] = 0,
    ray: Annotated[str, typer.Option(metavar="local|ADDRESS", help="Draw on a Ray cluster.")] = "",
) -> None:
    """Draw a balanced, labelled set of faces; kill it and type it again, the bytes are the same."""
    _do("experiments.datasets.verbs:generate", design=design, out=out, workers=workers, ray=ray)


@dataset.command("verify")
def dataset_verify(folder: Annotated[Path, typer.Argument(help="Folder of a data set.")], json: Json = False) -> None:
    """Check hashes, balance, labels, splits and duplicates of a data set."""
    _do("experiments.datasets.verbs:verify_folder", folder=folder, as_json=json)


@dataset.command("audit")
def dataset_audit(
    folder: Annotated[Path, typer.Argument(help="Folder of a data set of stills.")],
    judge: Annotated[str, typer.Option(help="pixels, or command:PROGRAM ARGUMENTS.")] = "pixels",
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
    json: Json = False,
) -> None:
    """Whether a judge of pictures errs equally often in every group of people."""
    _do("experiments.datasets.audit:audit_folder", folder=folder, judge=judge, seed=seed, as_json=json)


@judge.command("list")
def judge_list() -> None:
    """Kinds of judges, and sources of clips."""
    _do("experiments.judges.verbs:list_judges")


@judge.command("train")
def judge_train(
    kind: Annotated[str, typer.Argument(help="A kind of: robopatient judge list.")],
    source: Annotated[str, typer.Argument(help="corpus, engine:NAME, dataset:FOLDER, session:FOLDER or table:CSV.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the judge.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
) -> None:
    """Train a judge on one source and freeze it with a card and a hash."""
    _do("experiments.judges.verbs:train_judge", kind=kind, source=source, out=out, seed=seed)


@judge.command("score")
def judge_score(
    judge: Annotated[Path, typer.Argument(help="Folder of a judge.")],
    source: Annotated[str, typer.Argument(help="As for training; refused when both share a lineage.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
    json: Json = False,
) -> None:
    """What a frozen judge makes of clips of another lineage, with intervals and negative controls."""
    _do("experiments.judges.verbs:score_clips", judge=judge, source=source, seed=seed, as_json=json)


@bench.command("policy")
def bench_policy(
    listeners: Annotated[Path | None, typer.Option(help="Trials of people, CSV, for p_agree.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Simulated listeners a figure.")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Figure's name, repeatable.")] = None,
    baselines: Annotated[bool, typer.Option(help="Measure the other methods beside it.")] = True,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as cores.")] = 0,
    ray: Annotated[str, typer.Option("--ray", help="local, or the address of a Ray head.")] = "",
    json: Json = False,
) -> None:
    """Measure what the learner reaches with so many ratings, beside other methods."""
    _do(
        "experiments.benchmarks.policy:bench_policy",
        as_json=json,
        listeners=listeners,
        n=n,
        only=only or [],
        baselines=baselines,
        seed=seed,
        workers=workers,
        ray_address=ray,
    )


@bench.command("latency")
def bench_latency(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=5, help="Seconds of pressing.")] = 60.0,
    trials: Annotated[int, typer.Option(min=0, help="Presses for lag and SD of the reaction; 0: not.")] = 0,
    loopback: Annotated[
        Path | None, typer.Option("--loopback", help="Read a recording instead: trigger left, answer right (WAV).")
    ] = None,
    longest: Annotated[float, typer.Option(min=1, help="Of a recording: ms after which an answer is none.")] = 1000.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    out: Out = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Measure touch to sound, touch to face and frames lost with everything running; or read a recording of both."""
    if loopback is not None:
        _do("experiments.benchmarks.loopback:bench_loopback", path=loopback, as_json=json, longest_ms=longest)
        return
    _do(
        "experiments.benchmarks.latency:bench_latency",
        as_json=json,
        duration_s=duration,
        seed=seed,
        out=out,
        overrides=set_ or [],
        trials=trials,
    )


@bench.command("patient")
def bench_patient(json: Json = False, seed: Annotated[int, typer.Option(min=0)] = 1) -> None:
    """Measure published effects on the virtual patient, and what a step costs."""
    _do("experiments.benchmarks.patient:bench_patient", as_json=json, seed=seed)


@bench.command("study")
def bench_study(
    json: Json = False,
    trials: Annotated[int, typer.Option(min=0, help="Of a session in real time, for the latencies; 0: none.")] = 30,
    kills: Annotated[int, typer.Option(min=0, help="Simulated sessions that are killed; 0: none.")] = 200,
    files: Annotated[bool, typer.Option(help="Also export and analyse a study of 7,680 trials.")] = True,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Measure trigger to sound, its evenness, answers lost when a session is killed; export and analysis."""
    _do("experiments.benchmarks.study:bench_study", as_json=json, trials=trials, kills=kills, seed=seed, files=files)


@bench.command("bridge")
def bench_bridge(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=5, help="Seconds of the session at 1 kHz with four cells.")] = 60.0,
    fuzz: Annotated[int, typer.Option(min=0, help="Random bytes for the parser; 100000000 takes some seconds.")] = 10
    ** 7,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, repeatable.")] = None,
) -> None:
    """Measure decoding beside two other libraries, loss in a whole session, clocks, unplugging."""
    _do(
        "experiments.benchmarks.bridge:bench_bridge",
        as_json=json,
        duration_s=duration,
        fuzz_bytes=fuzz,
        seed=seed,
        overrides=set_ or [],
    )


@bench.command("voice")
def bench_voice(
    json: Json = False,
    duration: Annotated[float, typer.Option(min=2, help="Seconds of live playing.")] = 30.0,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Renders of each level of pain.")] = 10,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    device: Annotated[str, typer.Option(help="Output to play on; none: the clock.")] = "",
) -> None:
    """Measure the voice: cost, latency, alias, monotonicity, bands, pitch shifting."""
    _do(
        "experiments.benchmarks.voice:bench_voice",
        as_json=json,
        duration_s=duration,
        seeds=seeds,
        seed=seed,
        device=device,
    )


def main() -> None:
    """Entry point of the console script."""
    app()
