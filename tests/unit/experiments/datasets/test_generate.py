from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from support.needs import module

from experiments.benchmarks.dataset_kills import killed_and_not
from experiments.datasets.draw import pose_of_row
from experiments.datasets.generate import generate
from experiments.datasets.tables import rows_in
from experiments.datasets.verify import verify
from robopatient.errors import RecordError, SessionError
from robopatient.facs import pspi


def quiet(text: str) -> None:
    del text


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_everything_asked_for_is_there_and_verifies(made):
    checks = verify(made)
    assert [check.name for check in checks if not check.passed] == []
    rows = list(rows_in(made / "train" / "metadata.parquet"))
    assert len(rows) == 2 * 3 * 2
    assert all((made / "train" / row["file_name"]).is_file() for row in rows)
    assert all((made / "train" / row["neutral"]).is_file() for row in rows)
    assert not (made / "work").exists()


def test_pain_is_carried_by_the_units_of_its_archetype_and_its_pspi_is_the_formula(made):
    for row in rows_in(made / "train" / "metadata.parquet"):
        pose = pose_of_row(row)
        assert row["pspi"] == pspi(pose.au)
        if row["kind"] == "pain":
            assert set(pose.au) <= {"AU4", "AU6", "AU7", "AU43"}
            assert row["pspi"] > 4.0
        elif row["kind"] == "happy":
            assert pose.au["AU12"] > 2.0
        else:
            assert pose.au == {}


def test_shards_and_the_list_of_stimuli_hold_the_same_items(made):
    with tarfile.open(made / "shards" / "train-00000.tar") as shard:
        names = shard.getnames()
        label = json.loads(shard.extractfile("p00000-001-left-window.json").read())
    assert sum(name.endswith(".jpg") for name in names) == 12
    assert label["kind"] == "pain"
    lines = (made / "stimuli.tsv").read_text().splitlines()
    assert len(lines) == 13
    assert all((made / line.split("\t")[0]).is_file() for line in lines[1:])


def test_a_changed_picture_and_a_changed_label_are_found(made, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    picture = next((copy / "train" / "files").rglob("*.jpg"))
    picture.write_bytes(picture.read_bytes()[:-1])
    (copy / "stray.txt").write_text("?")
    wrong = {check.name: check.wrong for check in verify(copy) if not check.passed}
    assert list(wrong) == ["files are as they were written", "shards hold every picture, whole"]
    assert any("was changed" in line for line in wrong["files are as they were written"])
    assert any("stray.txt is not listed" in line for line in wrong["files are as they were written"])
    people = json.loads((copy / "people.json").read_text())
    people[0]["identity"]["weight"] = 0.9
    (copy / "people.json").write_text(json.dumps(people))
    assert "landmarks and maps follow from the mesh" in [c.name for c in verify(copy) if not c.passed]


def test_a_folder_of_another_design_or_of_something_else_is_refused(made, design_text, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(design_text.replace("seed = 3", "seed = 4"))
    with pytest.raises(SessionError, match="another design"):
        generate(str(other), made, workers=1, say=quiet)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(SessionError, match="is not empty and holds no data set"):
        generate(str(other), tmp_path / "mine", workers=1, say=quiet)


def test_a_disk_that_is_too_small_is_told_before_anything_is_drawn(design, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.datasets.generate.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 9))
    with pytest.raises(RecordError, match=r"0\.0 GB are free, about 0\.0 GB are needed"):
        generate(design, tmp_path / "set", workers=1, say=quiet)


def test_a_set_that_is_not_finished_is_not_verified(tmp_path):
    with pytest.raises(RecordError, match="holds no finished data set"):
        verify(tmp_path)


@pytest.mark.system
def test_killed_again_and_again_the_bytes_at_the_end_are_the_same(design, tmp_path):
    found = killed_and_not(design, tmp_path, kills=3, seed=5)  # ten: robopatient bench dataset
    assert found.kills == 3
    assert found.same == found.files > 20


def test_clips_have_sound_and_a_row_a_frame(design_text, tmp_path):
    av = module("av", "face")
    path = tmp_path / "clips.toml"
    path.write_text(
        design_text.replace(
            'views = ["frontal", "left"]', 'views = ["frontal"]\nform = "sequences"\nfile = "mp4"\nseconds = 1.0'
        )
        .replace("people = 2", "people = 1")
        .replace('sex = ["female", "male"]', "")
    )
    generate(str(path), tmp_path / "set", workers=1, say=quiet)
    assert [check.name for check in verify(tmp_path / "set") if not check.passed] == []
    frames = list(rows_in(tmp_path / "set" / "frames" / "train.parquet"))
    assert len(frames) == 3 * 30
    pain = [row for row in frames if row["kind"] == "pain"]
    assert max(row["pspi"] for row in pain) > pain[0]["pspi"] + 3.0
    with av.open(str(tmp_path / "set" / "train" / pain[0]["file_name"])) as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}
        assert sum(1 for _ in film.decode(video=0)) == 30
