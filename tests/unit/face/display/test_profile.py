"""Profiles: what the files may say, what is refused and how it is named, and that nothing is lost in writing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from robopatient.errors import AssetError, ConfigError
from robopatient.face.display.profile import (
    DisplayProfile,
    ScreenId,
    load_profile,
    profile_names,
    save_profile,
    user_folder,
)
from robopatient.face.keystone import SQUARE, apply

CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize("name", ["monitor", "robot-head", "mask-projector"])
def test_shipped_profiles_load(name: str) -> None:
    assert name in profile_names()
    assert load_profile(name).description


def test_a_profile_survives_the_disk(tmp_path: Path) -> None:
    profile = DisplayProfile(
        description='the "head"\nupstairs',
        screen=ScreenId(name="HDMI-1", serial="A1"),
        full_screen=False,
        light="mask",
        corners=CORNERS,
        rear=True,
        mesh=(((0.0, 0.01), (0.0, 0.0)), ((0.02, 0.0), (0.0, -0.03))),
        soft_edge=0.2,
        gamma=0.8,
        patch="lower left",
    )
    save_profile(profile, tmp_path / "deep" / "a.toml")
    assert load_profile(str(tmp_path / "deep" / "a.toml")) == profile


def test_the_users_profile_stands_before_the_shipped_one() -> None:
    save_profile(DisplayProfile(description="mine"), user_folder() / "monitor.toml")
    assert load_profile("monitor").description == "mine"
    assert profile_names().count("monitor") == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("brightnes = 1.0", "brightnes"),
        ("brightness = 9.0", "brightness"),
        ("gamma = 0.0", "gamma"),
        ('light = "disco"', "light"),
        ("corners = [[-1, 1], [1, 1], [-1, -1], [1, -1]]", "not convex"),
        ("corners = [[-1, 1], [1, 1], [1, -1]]", "3 corners"),
        ("corners = [[-9, 1], [1, 1], [1, -1], [-1, -1]]", "corners"),
        ("mesh = [[[0, 0], [0, 0]], [[0, 0]]]", "`mesh` has 2 rows of 1, 2 points"),
        ("mesh = [[[0.5, 0], [-0.5, 0], [-0.5, 0]], [[0.5, 0], [-0.5, 0], [0, 0]]]", "folds over itself at row 1"),
        ("patch_px = 4", "patch_px"),
        ("screen = 1", "screen"),
        ("not toml", "is not TOML"),
    ],
)
def test_bad_values_are_named_with_their_file(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        load_profile(str(path))
    assert str(path) in str(caught.value)


def test_a_profile_that_is_not_there_says_how_to_make_one() -> None:
    with pytest.raises(AssetError, match=r"face display --profile NAME --edit"):
        load_profile("attic")


def test_an_impossible_profile_is_not_written(tmp_path: Path) -> None:
    crossed = (CORNERS[1], CORNERS[0], CORNERS[2], CORNERS[3])
    with pytest.raises(ConfigError):
        save_profile(DisplayProfile(corners=crossed), tmp_path / "a.toml")
    assert not list(tmp_path.glob("a.*"))


def test_a_full_disk_keeps_the_old_profile(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    save_profile(DisplayProfile(gamma=0.8), path)
    (tmp_path / "a.part").mkdir()  # as good as a disk that takes no more: the new file cannot be written
    with pytest.raises(AssetError, match="cannot be written"):
        save_profile(DisplayProfile(gamma=0.9), path)
    assert load_profile(str(path)).gamma == 0.8


def test_without_corners_the_picture_is_an_upright_square_in_the_middle() -> None:
    places = apply(DisplayProfile().keystone(1.6), np.array(SQUARE))
    np.testing.assert_allclose(places, np.array(SQUARE) / (1.6, 1.0))
    places = apply(DisplayProfile().keystone(0.5), np.array(SQUARE))
    np.testing.assert_allclose(places, np.array(SQUARE) * (1.0, 0.5))


def test_rear_projection_in_a_mirror_is_the_right_way_round() -> None:
    plain = DisplayProfile(corners=CORNERS)
    both = msgspec.structs.replace(plain, rear=True, mirror_horizontal=True)
    assert both.keystone(1.0) == plain.keystone(1.0)
    upside_down = msgspec.structs.replace(plain, mirror_vertical=True)
    np.testing.assert_allclose(apply(upside_down.keystone(1.0), np.array(SQUARE)), np.array(CORNERS)[[3, 2, 1, 0]])
