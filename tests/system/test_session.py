"""A whole session without hardware: serial bytes of a virtual board in, a record of what was heard and seen out."""

from __future__ import annotations

import csv
import os
import signal

import numpy as np
import pytest
from support.whole_session import PRESSES, START_S, Running, press_recording, robopatient, wait_until

from robopatient.errors import RecordError
from robopatient.record.reader import Record

pytestmark = [pytest.mark.system, pytest.mark.timeout(START_S + 300)]

QUIET = ("--headless", "--set", "voice.device=none", "--set", "face.size_px=192")
TYPICAL = ("--set", "face.variety=0")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One session of nine seconds with a press recording of our own, finished with report and film.

    Faces answer in their typical way: by chance, people who are pressed harder sometimes show less.
    """
    folder = tmp_path_factory.mktemp("session")
    recording = press_recording(folder / "presses.npz")
    out = folder / "out"
    done = robopatient(
        "run", *QUIET, *TYPICAL, "--board", f"replay:{recording}", "--duration", "9", "--out", out, "--seed", "1"
    )
    assert done.returncode == 0, done.stderr
    return out


def test_every_press_is_on_the_record_with_its_force_and_place(session):
    presses = Record(session).messages("press")
    assert len(presses) == len(PRESSES)
    for press, (_, peak_newton, x_mm, y_mm) in zip(presses, PRESSES, strict=True):
        assert press.peak_newton == pytest.approx(peak_newton, rel=0.03)
        assert np.hypot(press.x_mm - x_mm, press.y_mm - y_mm) < 5.0


def test_harder_on_the_tender_site_is_louder_and_shows_more_and_away_from_it_hurts_less(session):
    with (session / "presses.csv").open() as file:
        rows = list(csv.DictReader(file))
    for column in ("peak_nrs", "peak_level_dbfs", "peak_pspi"):
        values = [float(row[column]) for row in rows]
        assert values[0] < values[1] < values[2], column
        assert values[3] < values[1], f"{column}: the same force away from the site"


def test_what_was_heard_and_seen_names_the_force_frame_behind_it(session):
    record = Record(session)
    known = set(record.table("force")["seq"].tolist())
    for topic in ("heard", "seen"):
        table = record.table(topic)
        caused = table["cause_seq"][table["cause_received_ns"] > 0]
        assert len(caused) > 50
        assert set(caused.tolist()) <= known
        after = table["t_ns"] >= table["cause_received_ns"]
        assert after.all(), f"{topic} before its cause"


def test_the_journal_gives_the_same_bits_again(session):
    done = robopatient("replay", session)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal bit for bit" in done.stdout


def test_the_session_leaves_a_film_a_report_and_a_table(session):
    import av

    with av.open(str(session / "session.mp4")) as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}
        assert film.duration / 1e6 == pytest.approx(9.0, abs=1.5)
    page = (session / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<video" in page


def test_nothing_is_lost_on_the_wire(session):
    health = Record(session).messages("health")[-1]
    assert health.frames > 6000
    assert health.frames_lost == 0
    assert health.frames_bad == 0


def test_a_session_can_be_run_again_like_a_recorded_one(session, tmp_path):
    done = robopatient(
        "run", "--like", session, "--duration", "1", "--out", tmp_path / "again", "--set", "record.film=false"
    )
    assert done.returncode == 0, done.stderr
    again = Record(tmp_path / "again").start
    assert again.seed == Record(session).start.seed


def test_an_existing_session_is_never_overwritten(session):
    done = robopatient("run", *QUIET, "--duration", "1", "--out", session)
    assert done.returncode == 1
    assert "already holds a session" in done.stderr


def so_far(out, topic: str) -> list:
    """Messages of a record that is being written; none while it is not there yet, or is just being laid out."""
    try:
        return Record(out).messages(topic)
    except RecordError:
        return []


def pid_of(out, actor: str) -> int:
    """Process id that an actor told the record."""
    states = [state for state in so_far(out, "actor") if state.actor == actor and state.pid]
    return states[-1].pid if states else 0


@pytest.mark.parametrize("actor", ["voice", "face"])
def test_a_killed_actor_comes_back_while_the_session_goes_on(actor, tmp_path):
    out = tmp_path / "out"
    with Running("run", *QUIET, "--out", out, "--set", "record.report=false") as running:
        first = wait_until(lambda: pid_of(out, actor), f"{actor} is ready")
        topic = {"voice": "heard", "face": "seen"}[actor]
        wait_until(lambda: so_far(out, topic), f"something was {topic}")
        os.kill(first, signal.SIGKILL)
        second = wait_until(lambda: (pid := pid_of(out, actor)) != first and pid, f"{actor} is back")
        before = len(Record(out).messages(topic))
        wait_until(lambda: len(Record(out).messages(topic)) > before + 10, f"{topic} goes on")
        assert second != first
        running.signal(signal.SIGTERM)
        status, output = running.finish()
    assert status == 0, output
    notes = [note.text for note in Record(out).messages("note")]
    assert any(actor in note and "SIGKILL" in note for note in notes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_leaves_a_readable_record(number, tmp_path):
    out = tmp_path / "out"
    with Running("run", *QUIET, "--out", out, "--set", "record.film=false") as running:
        wait_until(lambda: (out / "record.sqlite").exists(), "the record is open")
        running.signal(number)
        status, output = running.finish()
    assert status == 0, output
    stop = Record(out).stop
    assert stop is not None
    assert stop.reason == "interrupted"


def test_a_killed_control_process_leaves_a_readable_record(tmp_path):
    out = tmp_path / "out"
    with Running("run", *QUIET, "--out", out, "--set", "record.film=false") as running:
        wait_until(lambda: len(so_far(out, "pain")) > 200, "pain flows")
        control = Record(out).messages("actor")
        pid = next(state.pid for state in control if state.actor == "control")
        os.kill(pid, signal.SIGKILL)
        status, output = running.finish()
    assert status == 1
    assert "control process died" in output
    record = Record(out)
    assert record.stop is None
    assert len(record.messages("pain")) > 200
    assert robopatient("replay", out).returncode == 0


def test_a_headless_session_without_a_picture_says_so_once_at_the_terminal_and_records_no_face(tmp_path):
    out = tmp_path / "out"
    wish = ("--duration", "4", "--out", out, "--set", "record.report=false", "--set", "voice.enabled=false")
    for name in ("moderngl", "anny"):  # neither OpenGL nor a head
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} on this machine')\n")
    path = os.pathsep.join(part for part in (str(tmp_path), os.environ.get("PYTHONPATH", "")) if part)
    done = robopatient("run", *QUIET, *wish, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "no picture" in line]
    assert len(told) == 1, done.stderr
    assert "trying again every 60 s" in told[0]
    assert so_far(out, "seen") == []


def test_a_board_that_cannot_be_opened_ends_the_session_with_its_reason(tmp_path):
    done = robopatient("run", *QUIET, "--board", "/dev/nowhere", "--duration", "1", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "/dev/nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--board", "replay:nowhere.npz"), "nowhere.npz"),
        (("--set", "voice.levl=3"), "levl"),
        (("--set", "face.identity=nobody"), "nobody"),
        (("--set", "voice.identity=nobody"), "nobody"),
        (("--set", "patient=nobody"), "nobody"),
        (("--set", "board.driver=teapot"), "teapot"),
    ],
)
def test_a_wrong_wish_is_named_before_anything_starts(arguments, named, tmp_path):
    done = robopatient("run", *QUIET, *arguments, "--duration", "1", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "a-file"
    file.write_text("")
    done = robopatient("run", *QUIET, "--duration", "1", "--out", file / "inside")
    assert done.returncode == 1
    assert "--out" in done.stderr
