from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from robopatient import messages as m
from robopatient.config import SessionConfig, TrainingConfig
from robopatient.errors import RecordError
from robopatient.record.debrief_figures import Figures, write_figures
from robopatient.record.debrief_scales import Pair
from robopatient.record.library import INDEX_FILE, Library, Wanted, earlier_sessions
from robopatient.record.writer import RecordWriter


def figures(trainee: str, day: int, **more: object) -> Figures:
    return Figures(
        session_id=f"id-{trainee}-{day}",
        wall_time_iso=f"2026-03-{day:02d}T09:00:00+00:00",
        trainee=trainee,
        instructor="I1",
        patient="appendicitis",
        scenario="first_examination",
        duration_s=60.0,
        ended="done",
        **more,  # type: ignore[arg-type]
    )


def make_session(root: Path, name: str, trainee: str, day: int, patient: str = "appendicitis") -> Path:
    config = SessionConfig(patient=patient, training=TrainingConfig(trainee=trainee))
    folder = root / name
    with RecordWriter(folder, min_free_mb=1) as writer:
        writer.put(
            m.SessionStart(
                0,
                f"2026-03-{day:02d}T09:00:00+00:00",
                f"id-{trainee}-{day}",
                "0.1.0",
                "",
                1,
                msgspec.json.encode(config).decode(),
                "{}",
                {},
            )
        )
        writer.put(m.SessionStop(60_000_000_000, "done"))
    write_figures(figures(trainee, day, presses=3), folder)
    return folder


@pytest.fixture(scope="module")
def _shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelf")
    make_session(root, "a", "T1", 3)
    make_session(root, "b", "T2", 1, "gastritis")
    make_session(root, "c", "T1", 2)
    return root


@pytest.fixture
def shelf(_shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_shelf, tmp_path / "sessions"))


@pytest.fixture
def library(shelf: Path):
    with Library(shelf) as opened:
        opened.refresh()
        yield opened


def names(library: Library, **wanted: str) -> list[str]:
    library.refresh()
    return [entry.name for entry in library.find(Wanted(**wanted))]


def test_sessions_are_listed_oldest_first_with_their_figures(library):
    assert names(library) == ["b", "c", "a"]
    entry = library.get("a")
    assert (entry.trainee, entry.ended, entry.figures.presses) == ("T1", "done", 3)
    assert entry.duration_s == pytest.approx(60.0)
    assert library.get("id-T1-3") == entry


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"trainee": "T1"}, ["c", "a"]),
        ({"patient": "gastritis"}, ["b"]),
        ({"since": "2026-03-02"}, ["c", "a"]),
        ({"text": "GASTR"}, ["b"]),
        ({"trainee": "T1", "since": "2026-03-03"}, ["a"]),
        ({"trainee": "T9"}, []),
        ({"trainee": "' OR 1=1 --"}, []),
    ],
)
def test_filters_narrow_the_list(library, wanted, found):
    assert names(library, **wanted) == found


def test_tags_lie_with_the_session_and_outlive_the_index(library, shelf):
    library.tag("a", ["exam", "good example"], [])
    library.tag("a", ["late"], ["exam"])
    library.close()
    (shelf / INDEX_FILE).unlink()
    with Library(shelf) as anew:
        assert names(anew, tag="good example") == ["a"]
        assert names(anew, tag="exam") == []
        assert anew.get("a").tags == ("good example", "late")


def test_a_session_that_was_moved_is_found_under_its_new_name_and_forgotten_under_the_old(library, shelf):
    (shelf / "a").rename(shelf / "z")
    assert names(library) == ["b", "c", "z"]


@pytest.mark.parametrize("harm", ["cut", "no start", "text", "folder"])
def test_what_cannot_be_read_is_named_and_the_rest_works(library, shelf, harm):
    record = shelf / "b" / "record.sqlite"
    match harm:
        case "cut":
            record.write_bytes(record.read_bytes()[:3000])
        case "no start":
            connection = sqlite3.connect(record)
            connection.execute("DELETE FROM start")
            connection.commit()
            connection.close()
        case "text":
            record.write_text("hello")
        case "folder":
            record.unlink()
            record.mkdir()
    library.refresh()
    *good, bad = library.find()
    assert [entry.name for entry in good] == ["c", "a"]
    assert bad.name == "b"
    assert "b" in bad.problem


@pytest.mark.parametrize("junk", [b"", b"junk" * 500])
def test_a_damaged_index_is_made_anew(shelf, junk):
    (shelf / INDEX_FILE).write_bytes(junk)
    with Library(shelf) as library:
        assert names(library) == ["b", "c", "a"]


def test_deletion_leaves_no_trace_in_the_index_and_no_foreign_file_is_touched(library, shelf):
    (shelf / "a" / "my notes.txt").write_text("keep")
    assert library.delete("a") == [shelf / "a" / "my notes.txt"]
    assert library.delete("id-T1-2") == []
    assert names(library) == ["b"]
    assert not (shelf / "c").exists()
    library.close()
    assert b"id-T1" not in (shelf / INDEX_FILE).read_bytes()


def test_an_unknown_session_or_folder_is_named(library, tmp_path):
    with pytest.raises(RecordError, match='"nothing"'):
        library.get("nothing")
    with pytest.raises(RecordError, match="nowhere"):
        Library(tmp_path / "nowhere")


def test_earlier_sessions_are_the_same_trainees_before_this_one(shelf):
    assert [each.session_id for each in earlier_sessions(shelf / "a", figures("T1", 3))] == ["id-T1-2"]
    assert earlier_sessions(shelf / "a", figures("", 3)) == []


def test_the_rating_error_is_the_mean_of_given_less_felt():
    pairs = (
        Pair(1.0, "trainee", "NRS", 4.0, 6.0),
        Pair(2.0, "trainee", "NRS", 5.0, 6.0),
        Pair(3.0, "t", "BPS.face", 4, 1),
    )
    assert figures("T1", 1, ratings=pairs).rating_error == -1.5
    assert figures("T1", 1).rating_error is None


def test_only_folders_with_a_record_are_sessions(library, shelf: Path, recorded: Callable[..., Path]):
    (shelf / "other").mkdir()
    (shelf / "file.txt").write_text("x")
    assert names(library) == ["b", "c", "a"]
