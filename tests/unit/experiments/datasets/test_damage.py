"""What is said of a set that was damaged, and what happens when the disk fills up while it is made."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest

from experiments.datasets import layout, worker
from experiments.datasets.design import load_design
from experiments.datasets.generate import generate
from experiments.datasets.tables import is_whole
from experiments.datasets.verify import verify
from robopatient.cli import app
from robopatient.errors import RecordError, SessionError


def quiet(text: str) -> None:
    del text


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def findings(folder: Path) -> dict[str, tuple[str, ...]]:
    return {check.name: check.wrong for check in verify(folder) if not check.passed}


def test_a_shard_that_ends_early_is_named(copy) -> None:
    shard = copy / "shards" / "train-00000.tar"
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    found = findings(copy)
    assert found["files are as they were written"] == ("shards/train-00000.tar was changed",)
    assert any("cannot be read to its end" in line for line in found["shards hold every picture, whole"])


def test_a_flipped_byte_in_a_shard_or_a_picture_is_named(copy) -> None:
    for name in ("shards/train-00000.tar", "train/files/p00001/p00001-001-left-window.jpg"):
        path = copy / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    found = findings(copy)["files are as they were written"]
    assert found == (
        "shards/train-00000.tar was changed", "train/files/p00001/p00001-001-left-window.jpg was changed",
    )  # fmt: skip


@pytest.mark.parametrize("damage", ["missing", "garbled"])
def test_a_table_that_is_gone_or_garbled_is_named(copy, damage) -> None:
    table = copy / "train" / "metadata.parquet"
    table.unlink() if damage == "missing" else table.write_bytes(b"no table")
    found = findings(copy)
    assert any("train/metadata.parquet" in line for line in found["files are as they were written"])
    [line] = found["tables of labels can be read"]
    assert "train/metadata.parquet: cannot be read" in line


def test_the_command_counts_what_is_wrong_and_ends_with_1(copy, capsys) -> None:
    (copy / "train" / "metadata.parquet").unlink()
    with pytest.raises(SystemExit) as ended:
        app(["dataset", "verify", str(copy)])
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "FAIL  files are as they were written" in told.out
    assert "train/metadata.parquet is missing" in told.out
    assert "Traceback" not in told.err


def test_a_set_without_its_list_of_hashes_was_never_finished(copy) -> None:
    (copy / "checksums.sha256").unlink()
    with pytest.raises(RecordError, match="the set was not finished"):
        verify(copy)


def full(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "rows.parquet")


def test_a_disk_that_fills_up_while_people_are_drawn_or_laid_out_loses_nothing(design, made, tmp_path, monkeypatch):
    out = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(worker, "write_rows", full)
        with pytest.raises(RecordError, match=r"No space left on device.*type the command again"):
            generate(design, out, workers=1, say=quiet)
    assert not list((out / "work").glob("*.part"))
    with monkeypatch.context() as patch:
        patch.setattr(layout, "write_shards", full)
        with pytest.raises(RecordError, match=r"No space left on device.*what is drawn is safe"):
            generate(design, out, workers=1, say=quiet)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "draw_person", full)  # nobody may be drawn again
        generate(design, out, workers=1, say=quiet)
    assert bytes_of(out) == bytes_of(made)


def test_a_person_that_a_power_cut_left_in_half_is_drawn_again(design, made, tmp_path, monkeypatch):
    out = tmp_path / "set"
    monkeypatch.setattr(layout, "write_shards", full)
    with pytest.raises(RecordError):
        generate(design, out, workers=1, say=quiet)
    monkeypatch.undo()
    person = out / "work" / "p00001"
    assert is_whole(person, 6)
    (person / "rows.parquet").write_bytes(b"")
    assert not is_whole(person, 6)
    generate(design, out, workers=1, say=quiet)
    assert bytes_of(out) == bytes_of(made)


def test_two_commands_do_not_make_the_same_set(design, tmp_path):
    out = tmp_path / "set"
    (out / "work").mkdir(parents=True)
    (out / "dataset.json").write_text(json.dumps({"design_sha256": load_design(design).digest}))
    with (out / "work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SessionError, match="another process is making this set"):
            generate(design, out, workers=1, say=quiet)


def test_pictures_that_are_gone_come_back_when_the_set_is_laid_out_again(design, copy, made):
    for name in ("checksums.sha256", "shards/train-00000.tar"):
        (copy / name).unlink()
    shutil.rmtree(copy / "train" / "files" / "p00000")
    generate(design, copy, workers=1, say=quiet)
    assert bytes_of(copy) == bytes_of(made)
