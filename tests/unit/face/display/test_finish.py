"""Mesh warp, soft edge, brightness and gamma, and the test pictures that pass through them."""

from __future__ import annotations

import numpy as np
import pytest

from robopatient.errors import ConfigError
from robopatient.face.display.finish import Finish, mesh_shift, soft_edge
from robopatient.face.display.patch import ChangePatch
from robopatient.face.display.patterns import PATTERNS, pattern
from robopatient.face.display.profile import DisplayProfile

FULL = ((-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))
CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))


def ramp(width: int, height: int) -> np.ndarray:
    """Red counts columns, green rows."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width).astype(np.uint8)[None]
    picture[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return picture


def test_a_profile_without_wishes_changes_nothing() -> None:
    picture = ramp(160, 100)
    assert Finish(DisplayProfile(corners=FULL), 160, 100).apply(picture) is picture


def test_brightness_and_gamma_are_as_the_profile_defines_them() -> None:
    grey = np.full((20, 20, 3), 128, np.uint8)
    finish = Finish(DisplayProfile(corners=FULL, brightness=0.8, gamma=2.0), 20, 20)
    assert finish.apply(grey)[10, 10, 0] == round(255 * 0.8 * (128 / 255) ** 0.5)


def test_the_soft_edge_is_black_outside_the_ellipse_and_bright_inside() -> None:
    white = np.full((128, 128, 3), 255, np.uint8)
    seen = Finish(DisplayProfile(corners=FULL, soft_edge=0.3), 128, 128).apply(white)
    assert seen[64, 64, 0] == 255
    assert seen[0, 0].max() == 0
    row = seen[64, :64, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert soft_edge(np.zeros((8, 8, 2)), 0.0).min() == 1.0


def test_a_mesh_point_goes_where_it_is_shifted() -> None:
    """A point of a 3 x 3 mesh moved by a tenth of the window's width takes the picture along, and no corner moves."""
    mesh = tuple(
        tuple((0.2, 0.1) if (row, column) == (1, 1) else (0.0, 0.0) for column in range(3)) for row in range(3)
    )
    picture = np.zeros((200, 320, 3), np.uint8)
    picture[96:104, 156:164] = 255  # the middle
    picture[:8, :8] = 255
    seen = Finish(DisplayProfile(corners=FULL, mesh=mesh), 320, 200).apply(picture)
    rows, columns = np.nonzero(seen[20:, 20:, 0] > 128)
    assert columns.mean() + 20 == pytest.approx(159.5 + 0.2 / 2 * 320, abs=1.0)
    assert rows.mean() + 20 == pytest.approx(99.5 - 0.1 / 2 * 200, abs=1.0)
    assert seen[:6, :6].min() > 200
    np.testing.assert_allclose(mesh_shift(mesh, np.array([[0.0, 0.0], [1.0, 1.0]])), [(0.2, 0.1), (0, 0)], atol=1e-9)


def test_a_pattern_takes_the_keystone_that_the_renderer_has_in_its_clip_matrix() -> None:
    profile = DisplayProfile(corners=CORNERS)
    seen = Finish(profile, 400, 250).pattern(pattern("white", 256))
    lit = seen[..., 0] > 128
    for x, y in CORNERS:
        inward = np.array([(x + 1) / 2 * 400, (1 - y) / 2 * 250]) - (200, 125)
        near, beyond = (200, 125) + 0.97 * inward, (200, 125) + 1.03 * inward
        assert lit[int(near[1]), int(near[0])]
        if 0 <= beyond[0] < 400 and 0 <= beyond[1] < 250:
            assert not lit[int(beyond[1]), int(beyond[0])]


def test_the_console_sees_the_picture_upright_however_it_is_projected() -> None:
    profile = DisplayProfile(corners=CORNERS, rear=True, mirror_vertical=True)
    finish = Finish(profile, 480, 300)
    source = ramp(256, 256)
    back = finish.upright(finish.pattern(source), 128)
    assert np.abs(back[8:-8, 8:-8].astype(int) - source[::2, ::2][8:-8, 8:-8]).mean() < 2.0


def test_patterns_reach_the_edges_and_say_which_way_is_up() -> None:
    for name in set(PATTERNS) - {"black", "greys", "focus"}:
        picture = pattern(name, 256)
        assert picture[0].max() == 255
        assert picture[-1].max() == 255
    with pytest.raises(ConfigError, match="grid"):
        pattern("dots", 64)
    corners = pattern("corners", 256)
    quarters = [corners[:128, :128], corners[:128, 128:], corners[128:, 128:], corners[128:, :128]]
    assert len({tuple(quarter.reshape(-1, 3).mean(axis=0).round(2)) for quarter in quarters}) == 4
    greys = pattern("greys", 220)[0, 10::20, 0]
    np.testing.assert_array_equal(greys, np.round(np.arange(11) * 25.5))
    focus = pattern("focus", 512)
    assert set(np.unique(focus)) == {0, 120, 255}


def test_the_patch_counts_one_sided_units_and_no_blink() -> None:
    patch = ChangePatch()
    assert patch.step({"AU6": 2.0}) is True
    assert patch.step({"AU6L": 2.0, "AU6R": 2.0, "AU45L": 5.0, "AU45R": 5.0}) is True  # the same face, blinking
    assert patch.step({"AU6": 2.0, "AU6R": 1.5}) is False


def test_the_patch_changes_with_the_frame_whose_expression_changed() -> None:
    patch = ChangePatch()
    assert [patch.step({"AU4": au}) for au in (0.0, 0.1, 0.2, 0.4, 0.45, 0.5, 0.7)] == [
        False, False, False, True, True, True, False,
    ]  # fmt: skip
    before = patch.bright
    assert patch.step({"AU4": 0.7, "AU45": 5.0}) == before  # a blink is no answer
    assert patch.step({}) != before  # nor does it miss a unit that vanished
