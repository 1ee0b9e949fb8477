from pathlib import Path

import pytest

from firmware_bridge.errors import OutputError
from firmware_bridge.outputs import claim_folder, new_files, new_folder


def write(*paths, text="new", **options):
    with new_files(*paths, **options) as parts:
        for part in parts:
            part.write_text(text)


def test_files_appear_under_their_names_when_all_is_done(tmp_path):
    table, film = tmp_path / "a.csv", tmp_path / "a.mp4"
    with new_files(table, film) as parts:
        assert [part.suffix for part in parts] == [".csv", ".mp4"]
        for part in parts:
            part.write_text("new")
        assert not table.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.mp4"]


def test_what_exists_is_refused_before_the_work_begins_and_replaced_when_forced(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(OutputError, match="exists; choose another --out, or write over it with --force"):
        write(tmp_path / "b.csv", path)
    assert path.read_text() == "old"
    assert not (tmp_path / "b.csv").exists()
    write(path, force=True)
    assert path.read_text() == "new"


def test_an_input_is_not_even_replaced_when_forced_whatever_it_is_called(tmp_path):
    path, link = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("old")
    link.symlink_to(path)
    for name in (path, link, tmp_path / ".." / tmp_path.name / "a.csv"):
        with pytest.raises(OutputError, match="is read by this command"):
            write(name, inputs=[str(path)], force=True)
    assert path.read_text() == "old"


def test_a_failure_leaves_nothing_and_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        failing(path, force=True, keep_partial=False)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


def test_what_was_measured_before_a_failure_is_kept_but_never_in_place_of_another_file(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(ZeroDivisionError):
        failing(path)
    assert path.read_text() == "half"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        failing(path, force=True)
    assert path.read_text() == "old"
    assert sorted(each.read_text() for each in tmp_path.iterdir()) == ["half", "old"]


def failing(path, keep_partial=True, **options):
    with new_files(path, keep_partial=keep_partial, **options) as (part,):
        part.write_text("half")
        raise ZeroDivisionError


def test_a_file_that_another_program_makes_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(OutputError, match="exists"):
        write_late(path)
    assert path.read_text() == "other"


def write_late(path):
    with new_files(path) as (part,):
        part.write_text("new")
        path.write_text("other")


def test_a_folder_that_is_not_there_is_told_before_the_work_begins(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written .*; choose another --out"):
        write(tmp_path / "nowhere" / "a.csv")


def test_a_device_is_written_as_it_is():
    write(Path("/dev/null"))
    assert not Path("/dev/null").is_file()


def test_a_folder_is_filled_at_once_and_only_when_it_is_empty(tmp_path):
    folder = tmp_path / "frames"
    with new_folder(folder) as part:
        (part / "1.png").write_text("new")
        assert not (folder / "1.png").exists()
    assert [path.name for path in folder.iterdir()] == ["1.png"]
    with pytest.raises(OutputError, match="holds files already"), new_folder(folder):
        pass
    with new_folder(folder, force=True) as part:
        (part / "1.png").write_text("newer")
    assert (folder / "1.png").read_text() == "newer"


def test_a_folder_that_failed_is_not_left_behind(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_in(tmp_path / "frames")
    assert not (tmp_path / "frames").exists()


def fail_in(folder):
    with new_folder(folder) as part:
        (part / "1.png").write_text("half")
        raise ZeroDivisionError


def test_a_folder_within_takes_the_place_of_an_older_one_when_forced(tmp_path):
    (tmp_path / "set" / "bids").mkdir(parents=True)
    (tmp_path / "set" / "bids" / "old.txt").touch()
    (tmp_path / "set" / "mine.txt").touch()
    with new_folder(tmp_path / "set", force=True) as part:
        (part / "bids").mkdir()
        (part / "bids" / "new.txt").touch()
    assert sorted(path.name for path in tmp_path.rglob("*.txt")) == ["mine.txt", "new.txt"]


def test_a_folder_that_is_gone_on_with_is_claimed_with_what_it_holds(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "half.txt").touch()
    claim_folder(tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["half.txt"]
    claim_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(OutputError, match=r"half.txt: is a file; name a folder"):
        claim_folder(tmp_path / "set" / "half.txt")
    with pytest.raises(OutputError, match="cannot be written"):
        claim_folder(tmp_path / "set" / "half.txt" / "within")
