from __future__ import annotations

import collections
from pathlib import Path

import pytest

from experiments.datasets.design import load_design
from robopatient.errors import AssetError, ConfigError

HEAD = 'title = "t"\nseed = 1\n[balance]\npeople = 24\nsex = ["female", "male"]\nskin = ["light", "dark"]\n'
SPLIT = "[split]\ntrain = 2\ntest = 1\n"


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_every_cell_of_every_split_has_as_many_people(tmp_path):
    people = load_design(written(tmp_path, HEAD + SPLIT)).people()
    counts = collections.Counter((p.split, p.sex, p.skin) for p in people)
    assert set(counts.values()) == {4, 2}
    assert {counts[key] for key in counts if key[0] == "train"} == {4}


def test_what_is_not_crossed_is_dealt_out_evenly_within_each_split(tmp_path):
    people = load_design(written(tmp_path, HEAD + SPLIT)).people()
    for split in ("train", "test"):
        ages = collections.Counter(p.age for p in people if p.split == split)
        assert max(ages.values()) - min(ages.values()) <= 1
        assert len(ages) == 5


def test_the_demonstration_is_balanced_and_has_at_least_1200_frames():
    design = load_design("demo")
    assert len(design.people()) * design.frames_a_person >= 1200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD.replace("24", "25") + SPLIT, "25 cannot be balanced.*multiple of 12; write 24 or 36"),
        (HEAD.replace("skin =", "height ="), "height"),
        (HEAD.replace('"light", "dark"', '"light", "light"'), "skin names something twice: light, light"),
        (HEAD.replace('"light", "dark"', '"light", "blue"'), r"skin\[1\].*blue|blue.*skin"),
        (HEAD + "[split]\ntrain = 0\n", "all shares are 0"),
        (HEAD + '[picture]\nfile = "mp4"\n', "does not hold stills; write jpg or png"),
        (HEAD + "[picture]\nviews = []\n", "views is empty; choose among frontal"),
        (HEAD + '[picture]\nbackground = "transparent"\n', "needs picture.file = 'png'"),
        (HEAD + "[show]\npain_nrs = []\n", "each need a value"),
        (HEAD + "[show]\npain_nrs = [11.0]\n", "pain_nrs"),
        ("title = ", "is not TOML"),
    ],
)
def test_a_wrong_design_is_told_what_to_write_instead(tmp_path, text, told):
    with pytest.raises(ConfigError, match=told):
        load_design(written(tmp_path, text))


def test_an_unknown_design_is_told_which_exist():
    with pytest.raises(AssetError, match="demo"):
        load_design("nowhere")
