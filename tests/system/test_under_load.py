"""Whole sessions while other programs take every core: the face lives to the end, and what was late or lost is told."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import mirror_watcher
from support.whole_session import START_S, Running, robopatient, wait_until

from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.visibility import GAP_S, load_visibility
from robopatient.session.run import resolve, run_session
from robopatient.session.supervisor import Row

pytestmark = [pytest.mark.system, pytest.mark.timeout(START_S + 600)]

DEMO = Path("assets/sessions/demo.toml")
SECONDS = 20
SECOND_NS = 1_000_000_000
WATCHER = Row("watcher", "support.mirror_watcher:main", lambda config: True, restart=False)


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Two endless loops beside whatever happens within."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
        assert all(loop.poll() is None for loop in loops), "the load was there to the end"
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """The demonstration as it is shipped, without a loudspeaker, from start to report under load."""
    out = tmp_path_factory.mktemp("load") / "out"
    config = resolve(DEMO, True, None, SECONDS, None, None, ["voice.device=none"])
    with pytest.MonkeyPatch.context() as patch, busy_cores():
        paths = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        assert run_session(config, out, extra=(WATCHER,)) == 0
    return out


def seen_ns(folder: Path) -> np.ndarray:
    """Times of the pictures on the record, ascending."""
    with Record(folder) as record:
        return np.sort(record.table("seen", "t_ns")["t_ns"])


def test_the_face_is_there_to_the_last_second_and_moves(session):
    with Record(session) as record:
        visible = load_visibility(record)
        seen = record.messages("seen")
    assert visible.end_ns - visible.begin_ns > (SECONDS - 1) * SECOND_NS
    last = [picture.pose.head_deg for picture in seen if picture.t_ns > visible.end_ns - 2 * SECOND_NS]
    assert len(last) >= 2 / GAP_S
    assert len(set(last)) > len(last) / 2


def test_every_stretch_of_seen_had_pictures_and_no_picture_came_without(session):
    lines = [line.split() for line in (session / mirror_watcher.FILE).read_text().splitlines()]
    came_ns = np.array([int(at_ns) for at_ns, _ in lines])
    seen = seen_ns(session)
    with Record(session) as record:
        visible = load_visibility(record)
    for begin_ns in range(visible.begin_ns, visible.end_ns - 2 * SECOND_NS, 2 * SECOND_NS):
        shown, pictures = (((t >= begin_ns) & (t < begin_ns + 2 * SECOND_NS)).sum() for t in (seen, came_ns))
        assert bool(shown) == bool(pictures), f"{shown} seen, {pictures} pictures"
    assert len({checksum for _, checksum in lines}) > len(lines) / 2, "it is not the same picture again and again"


def test_the_record_is_whole(session):
    with Record(session) as record:
        stop, health = record.stop, record.messages("health")[-1]
        force = record.table("force")
    assert stop is not None
    assert stop.reason == "done"
    assert health.frames > (SECONDS - 2) * 1000
    assert (health.frames_lost, health.frames_bad) == (0, 0)
    assert len(force["t_ns"]) > 0
    done = robopatient("replay", session)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal bit for bit" in done.stdout


def test_what_was_not_seen_is_told_by_presses_and_on_top_of_the_report(session):
    with Record(session) as record:
        visible = load_visibility(record)
        zero_ns = record.start.t_ns
        presses = sorted(record.messages("press"), key=lambda press: press.t_ns)
    with (session / "presses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(presses) > 0
    for row, press in zip(rows, presses, strict=True):
        if visible.lacks(press.t_ns, press.release_t_ns):
            assert row["face_shown"] == "0"
        assert (row["peak_pspi"] == "") == (row["face_shown"] == "0")
    page = (session / "report.html").read_text(encoding="utf-8")
    told = visible.told(zero_ns)
    assert ("The face was not visible" in page) == bool(told)
    assert told in page


def test_the_hardest_press_shows_in_the_face(session):
    with (session / "presses.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["face_shown"] == "1"]
    assert rows, "some press was seen from begin to end"
    hardest = max(rows, key=lambda row: float(row["peak_nrs"]))
    assert float(hardest["peak_nrs"]) > 8.0
    assert float(hardest["peak_pspi"]) > 8.0


def test_the_film_moves_to_its_end(session):
    import av

    with av.open(str(session / "session.mp4")) as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    last = np.array(frames[-60:], np.float32)
    assert (np.abs(np.diff(last[::10], axis=0)).mean(axis=(1, 2)) > 0.05).all()


def so_far(out: Path, topic: str) -> list:
    """Messages of a record that is being written."""
    try:
        with Record(out) as record:
            return record.messages(topic)
    except RecordError:
        return []


def test_a_face_that_dies_under_load_comes_back_and_its_absence_is_told(tmp_path):
    out = tmp_path / "out"
    wishes = ("--headless", "--set", "voice.device=none", "--set", "record.film=false", "--out", out)
    with busy_cores(), Running("run", DEMO, *wishes) as running:
        wait_until(lambda: len(so_far(out, "press")) >= 2, "two presses", timeout_s=START_S)
        [first] = {state.pid for state in so_far(out, "actor") if state.actor == "face"}
        os.kill(first, signal.SIGKILL)
        killed = len(so_far(out, "seen"))
        wait_until(lambda: len(so_far(out, "seen")) > killed + 100, "the face is seen again")
        running.signal(signal.SIGINT)
        status, output = running.finish()
    assert status == 0, output
    assert "face died (SIGKILL); restart 1 of 5" in output
    with Record(out) as record:
        visible = load_visibility(record)
        states = [state for state in record.messages("actor") if state.actor == "face"]
        died_ns = next(state.t_ns for state in states if state.state == "failed")
        back_ns = next(state.t_ns for state in states if state.state == "ready" and state.t_ns > died_ns)
        notes = [note.text for note in record.messages("note")]
    t_ns = seen_ns(out)
    assert not ((t_ns > died_ns) & (t_ns < back_ns - SECOND_NS)).any(), "seen while there was no face"
    assert visible.lacks(died_ns, died_ns + 1)
    assert any("SIGKILL" in note for note in notes)
    assert "The face was not visible" in (out / "report.html").read_text(encoding="utf-8")
    with (out / "presses.csv").open() as file:
        shown = [row["face_shown"] for row in csv.DictReader(file)]
    assert {"0", "1"} <= set(shown)
