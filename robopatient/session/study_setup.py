"""The verb ``study desk``: choose study, participant and rig in a window, see what is missing, start; and again.

The window is a process of its own; here its choices are checked with the very functions that a session begins with.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import shutil
import sys
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from firmware_bridge.discovery import ports
from robopatient.config import asset_names, reference
from robopatient.errors import MissingPackageError, RobopatientError, SessionError
from robopatient.parent import leave_with_parent
from robopatient.sensing.calibration import load_calibration
from robopatient.session import doctor
from robopatient.session.run import board_overrides, resolve
from robopatient.session.study_run import MB_PER_MINUTE, begun, parts_of, run_study, study_overrides
from robopatient.session.study_stage import earlier_rows
from robopatient.study.duration import balance_of, seconds_of
from robopatient.study.log import Log
from robopatient.study.setup import Begin, Checked, Leave, Offer, StudyCheck, StudyChoices
from robopatient.study.study import SessionPlan, Study, load_study, study_names
from robopatient.study.trials import Person

__all__ = ["checked", "desk", "offer"]

WINDOW = "robopatient.console.study_setup:main"
LEAST_FREE_MB = 200


def desk(folder: Path, board: str | None = None, overrides: tuple[str, ...] = ()) -> int:
    """Set up and run sessions until the window is closed; return the last session's exit status.

    Raises
    ------
    SessionError
        When no window can be shown.
    """
    chosen, status = StudyChoices(board=board or "virtual"), 0
    while True:
        begun = _ask(folder, chosen)
        if begun is None:
            return status
        chosen = msgspec.structs.replace(begun.choices, participant="")
        try:
            status = _run(folder, begun, overrides)
        except RobopatientError as error:
            print(f"study: {error}", file=sys.stderr, flush=True)
            status = 1


def offer(chosen: StudyChoices) -> Offer:
    """What there is to choose from on this machine."""
    boards = [("virtual", "simulated board")]
    boards += [(port.path, "serial port") for port in ports()]
    names = study_names()
    return Offer(
        studies=tuple((name, load_study(name).file.title) for name in names),
        languages=tuple(asset_names("strings")),
        patients=tuple(asset_names("patients")),
        voices=tuple(asset_names("voices")),
        faces=tuple(asset_names("faces")),
        boards=tuple(boards),
        calibrations=tuple(asset_names("calibration")),
        chosen=msgspec.structs.replace(chosen, study=chosen.study or (names[0] if names else "")),
    )


def checked(folder: Path, choices: StudyChoices) -> Checked:
    """The list for these choices: what a session would refuse, said before it is begun."""
    checks: list[StudyCheck] = []
    study, plan = _study(choices, checks)
    goes_on = False
    if study is not None and plan is not None:
        goes_on = _participant(folder, study, plan, choices, checks)
        _configuration(study, plan, choices, checks)
        _disk(folder, study, plan, checks)
    _rig(choices, checks)
    checks.append(_sound())
    return Checked(choices, tuple(checks), all(check.state != "bad" for check in checks), goes_on)


def overrides_of(choices: StudyChoices) -> list[str]:
    """The rig's part of the configuration."""
    told = [
        ("patient", choices.patient),
        ("voice.identity", choices.voice),
        ("face.identity", choices.face),
        ("sensing.calibration", choices.calibration),
        ("participant.screen", choices.screen),
    ]
    return [f'{key}="{value}"' for key, value in told if value]


def _run(folder: Path, begun: Begin, overrides: tuple[str, ...]) -> int:
    choices = begun.choices
    return run_study(
        choices.study,
        choices.participant,
        choices.session,
        folder,
        choices.board,
        False,
        choices.language,
        begun.goes_on,
        "",
        [*overrides_of(choices), *overrides],
    )


def _ask(folder: Path, chosen: StudyChoices) -> Begin | None:
    """What was settled in the window; None when it was closed."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    window = context.Process(target=_enter, args=(theirs,), name="robopatient-setup", daemon=True)
    window.start()
    theirs.close()
    try:
        _send(mine, offer(chosen))
        while True:
            order = msgspec.msgpack.decode(mine.recv_bytes(), type=StudyChoices | Begin | Leave)
            match order:
                case StudyChoices():
                    _send(mine, checked(folder, order))
                case Begin():
                    return order
                case _:
                    return None
    except (EOFError, ConnectionResetError, BrokenPipeError):
        window.join(5.0)
        if window.exitcode:
            raise SessionError("the set-up window cannot be shown; its reason is above") from None
        return None
    finally:
        mine.close()
        window.join(5.0)
        if window.is_alive():
            window.terminate()


def _enter(connection: Connection) -> None:
    """Body of the window's process."""
    leave_with_parent()
    try:
        reference(WINDOW)(connection)
    except MissingPackageError as error:
        print(f"study: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def _send(connection: Connection, message: Offer | Checked) -> None:
    connection.send_bytes(msgspec.msgpack.encode(message))


def _study(choices: StudyChoices, checks: list[StudyCheck]) -> tuple[Study | None, SessionPlan | None]:
    try:
        study = load_study(choices.study)
        person = Person(choices.participant or "P01", choices.session, study.file.seed)
        plan = study.plan(person)
        balance = balance_of(study, plan)
    except RobopatientError as error:
        checks.append(StudyCheck("Study", "bad", str(error)))
        return None, None
    trials = sum(len(block.trials) for block in plan.blocks)
    minutes = seconds_of(study, plan) / 60.0
    exact = study.file.design.order == "independent" or balance.is_balanced
    text = f"{trials} trials, about {minutes:.0f} min"
    checks.append(StudyCheck("Study", "ok" if exact else "bad", text if exact else f"{text}; not balanced"))
    return study, plan


def _participant(
    folder: Path, study: Study, plan: SessionPlan, choices: StudyChoices, checks: list[StudyCheck]
) -> bool:
    """Whether the session goes on with one that was begun."""
    code, session = choices.participant, choices.session
    if not code:
        checks.append(StudyCheck("Participant", "bad", "needs a code, never a name: for example P01"))
        return False
    stem = f"{study.name}_{code}_s{session}"
    try:
        if _held(folder / f".{stem}.lock"):
            checks.append(StudyCheck("Participant", "bad", f"{code} is in this session now, on another console"))
            return False
        parts = parts_of(folder, stem)
        rows = next((earlier_rows(part) for part in reversed(parts) if begun(part)), [])
        log = Log(study, plan, rows)
        done, total = log.progress(practice=False)
    except RobopatientError as error:
        checks.append(StudyCheck("Participant", "bad", str(error)))
        return False
    if not rows:
        checks.append(StudyCheck("Participant", "ok", f"{code}, session {session} of {study.file.sessions}: new"))
        return False
    if done >= total:
        checks.append(
            StudyCheck("Participant", "bad", f"{code} has completed session {session}: take the next, or a new code")
        )
        return False
    checks.append(StudyCheck("Participant", "warn", f"{code} goes on: {done} of {total} trials are done"))
    return True


def _held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _configuration(study: Study, plan: SessionPlan, choices: StudyChoices, checks: list[StudyCheck]) -> None:
    """Patient, voice, face and strings, by the function that a session resolves them with."""
    given = [*study_overrides(study, plan.person, choices.language), *overrides_of(choices)]
    try:
        config = resolve(None, False, choices.board, None, None, None, given)
    except RobopatientError as error:
        checks.append(StudyCheck("Settings", "bad", str(error)))
        return
    shown = config.face.identity if config.face.enabled else "none"
    checks.append(StudyCheck("Patient", "ok", f"{config.patient}, voice {config.voice.identity}, face {shown}"))


def _disk(folder: Path, study: Study, plan: SessionPlan, checks: list[StudyCheck]) -> None:
    need_mb = max(LEAST_FREE_MB, round(seconds_of(study, plan) / 60.0 * MB_PER_MINUTE))
    place = folder if folder.exists() else Path()
    free_mb = shutil.disk_usage(place).free // 1_000_000
    text = f"{free_mb / 1000:.1f} GB free, {need_mb / 1000:.1f} GB needed"
    mend = "free some space, or choose another folder"
    checks.append(StudyCheck("Disk", "ok", text) if free_mb >= need_mb else StudyCheck("Disk", "bad", text, mend))


def _rig(choices: StudyChoices, checks: list[StudyCheck]) -> None:
    """Board and calibration."""
    simulated = "board.driver" in "".join(board_overrides(choices.board)) and not choices.board.startswith("/")
    if simulated:
        checks.append(StudyCheck("Board", "warn", f"{choices.board}: presses are simulated"))
    elif Path(choices.board).exists():
        checks.append(StudyCheck("Board", "ok", choices.board))
    else:
        checks.append(StudyCheck("Board", "bad", f"{choices.board} is not there", "plug it in; robopatient doctor"))
    name = choices.calibration or "virtual"
    try:
        calibration = load_calibration(name)
    except RobopatientError as error:
        checks.append(StudyCheck("Calibration", "bad", str(error), "robopatient board calibrate"))
        return
    if not simulated and name == "virtual":
        text = "none chosen for this board: forces would be wrong"
        checks.append(StudyCheck("Calibration", "bad", text, "robopatient board calibrate"))
    else:
        checks.append(StudyCheck("Calibration", "ok", f"{name}, {calibration.date}"))


@cache
def _sound() -> StudyCheck:
    """Asked once a process: the probe takes a second."""
    finding = next(doctor.check_sound())
    return StudyCheck("Sound", "ok" if finding.state == "ok" else "warn", finding.detail, finding.mend)
