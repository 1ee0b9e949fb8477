"""A disk that fills up, and a kill in the middle of writing: what was written stays readable."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from robopatient import messages as m
from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.writer import fold_log

pytestmark = pytest.mark.system
FPS = 30.0


def note(index: int) -> m.Note:
    return m.Note(index, "info", "test", f"note {index}")


def notes_in(folder: Path) -> int:
    """How many notes lie in a record that is being written; none while it has no tables yet."""
    try:
        with Record(folder) as record:
            return len(record.messages("note"))
    except RecordError:
        return 0


FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from robopatient.errors import RecordError
from robopatient.face.film import write_film
from robopatient.messages import FacePose
from robopatient.simulation.generate import write_lossless

class Snow:
    def draw(self, pose):
        return np.random.default_rng(int(1e4 * pose.breath)).integers(0, 255, (64, 64, 3), dtype=np.uint8)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # as good as a disk that is full from there on
path, poses = Path(sys.argv[1]), [FacePose(breath=k / 1000) for k in range(900)]
try:
    if path.suffix == ".mkv":
        write_lossless(path, poses, Snow(), 30.0)
    else:
        write_film(path, [(k / 30, pose) for k, pose in enumerate(poses)], Snow(), 30.0)
except RecordError as error:
    print(error)
"""


def filmed_until_the_disk_is_full(path: Path) -> tuple[str, list[np.ndarray]]:
    """What the film's maker said, in a process of its own, and the pictures that play."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    pictures: list[np.ndarray] = []
    with av.open(str(path)) as container, contextlib.suppress(av.error.InvalidDataError):  # the last one is cut in two
        pictures.extend(frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
    return done.stdout, pictures


def test_a_disk_that_fills_up_leaves_a_lossless_film_that_plays_up_to_there(tmp_path: Path) -> None:
    said, pictures = filmed_until_the_disk_is_full(tmp_path / "full.mkv")
    assert "full.mkv: the film stopped" in said
    assert len(pictures) >= 5
    np.testing.assert_array_equal(pictures[3], np.random.default_rng(30).integers(0, 255, (64, 64, 3), dtype=np.uint8))


def test_a_disk_that_fills_up_leaves_a_film_that_plays_up_to_there(tmp_path: Path) -> None:
    said, pictures = filmed_until_the_disk_is_full(tmp_path / "full.mp4")
    assert "full.mp4: the film stopped after" in said
    stopped_s = float(said.split("stopped after ")[1].split(" s")[0])
    assert len(pictures) / FPS >= stopped_s - 3.0  # the fragment in hand and what the encoder held are lost, no more
    assert len(pictures) > FPS


WRITE_UNTIL_KILLED = """
import sys, pathlib, time
from robopatient import messages as m
from robopatient.record.writer import RecordWriter
writer = RecordWriter(pathlib.Path(sys.argv[1]), min_free_mb=1)
for index in range(10**9):
    writer.put(m.Note(index, "info", "test", f"note {index}"))
    time.sleep(0.0005)
"""


def test_after_kill_9_everything_committed_is_readable(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)])
    try:
        end_s = time.monotonic() + 30.0
        while (committed := notes_in(tmp_path)) <= 200:
            assert time.monotonic() < end_s, "it never came"
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    with Record(tmp_path) as record:
        notes = record.messages("note")
        assert len(notes) >= committed
        assert notes == [note(index) for index in range(len(notes))]
        assert record.stop is None
        assert record._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    fold_log(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["record.sqlite"], "a record is one file"
    with Record(tmp_path) as record:
        assert record.messages("note") == notes


FILL_THE_DISK = """
import pathlib, resource, sys, time
from robopatient import messages as m
from robopatient.record.writer import RecordWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
writer = RecordWriter(pathlib.Path(sys.argv[1]), min_free_mb=1)
index = 0
while writer.error is None:
    writer.put(m.Note(index, "info", "test", f"note {index}"))
    index += 1
    time.sleep(0.00002)
print(index, writer.error, flush=True)
time.sleep(0.2)
if sys.argv[2] == "and free it":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close()
print(writer.error)
"""


def fill_the_disk(folder: Path, then: str) -> tuple[int, str, str]:
    """How many were put, the error while the disk was full, the error after closing; Linux only."""
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(folder), then], capture_output=True, text=True, check=True, timeout=60
    )
    first, after = done.stdout.splitlines()
    count, _, error = first.partition(" ")
    return int(count), error, after


@pytest.mark.skipif(os.name != "posix", reason="a file size limit stands for the full disk")
def test_a_full_disk_is_told_and_what_was_written_stays_readable(tmp_path):
    count, error, after = fill_the_disk(tmp_path, "and leave it so")
    assert "record.sqlite: cannot be written" in error
    assert "free space there" in error
    assert "cannot be written" in after
    with Record(tmp_path) as record:
        notes = record.messages("note")
    assert 0 < len(notes) < count
    assert notes == [note(index) for index in range(len(notes))]


@pytest.mark.skipif(os.name != "posix", reason="a file size limit stands for the full disk")
def test_when_the_disk_has_room_again_nothing_is_lost(tmp_path):
    count, _, after = fill_the_disk(tmp_path, "and free it")
    assert after == "None"
    with Record(tmp_path) as record:
        notes = record.messages("note")
    assert [n for n in notes if n.source == "test"] == [note(index) for index in range(count)]
    assert any("could not be written" in n.text for n in notes)
