"""Corners make a homography; folding it into the clip matrix is the same as warping the picture."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
import pytest
from scipy import ndimage
from support.needs import HEAD

from robopatient.errors import ConfigError
from robopatient.face.apex import apex_au
from robopatient.face.identity import load_identity
from robopatient.face.keystone import SQUARE, apply, homography, mirrored
from robopatient.face.light import IDENTITY, VIEWS, Look, make_look
from robopatient.face.render import make_renderer
from robopatient.messages import FacePose

CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))


def warp(picture: np.ndarray, rows: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """The picture seen through a homography, looked up pixel by pixel."""
    size = len(picture)
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    x, y = np.meshgrid(axis, -axis)
    source = np.einsum("ij,jrc->irc", np.linalg.inv(np.array(rows)), np.stack([x, y, np.ones_like(x)]))
    column, row = ((source[0] / source[2] + 1.0) / 2.0 * size - 0.5), ((1.0 - source[1] / source[2]) / 2.0 * size - 0.5)
    return np.stack(
        [ndimage.map_coordinates(picture[..., n].astype(float), [row, column], order=1) for n in range(3)], axis=-1
    )


def test_corners_go_where_they_are_dragged() -> None:
    rows = np.array(homography(CORNERS))
    for corner, wanted in zip(SQUARE, CORNERS, strict=True):
        u, v, w = rows @ [*corner, 1.0]
        assert (u / w, v / w) == pytest.approx(wanted)
    np.testing.assert_allclose(apply(homography(CORNERS), np.array(SQUARE)), CORNERS, atol=1e-12)
    np.testing.assert_allclose(homography(SQUARE), IDENTITY, atol=1e-12)


def test_corners_that_cross_are_refused() -> None:
    with pytest.raises(ConfigError, match="not convex"):
        homography((CORNERS[1], CORNERS[0], CORNERS[2], CORNERS[3]))
    with pytest.raises(ConfigError, match="3 corners"):
        homography(CORNERS[:3])


def test_mirroring_swaps_left_and_right() -> None:
    u, v, w = np.array(mirrored(homography(CORNERS), True, False)) @ [-1.0, 1.0, 1.0]
    assert (u / w, v / w) == pytest.approx(CORNERS[1])


def halved(picture: np.ndarray) -> np.ndarray:
    """Mean of two by two pixels: what is finer than a pixel of the result is gone, as through a projector's lens."""
    rows = picture[::2].astype(float) + picture[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) / 4.0


@HEAD
@pytest.mark.parametrize("kind", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_a_keystone_in_the_clip_matrix_is_a_warp_of_the_picture(kind: Literal["numba", "gl"]) -> None:
    """Over the warped area. At 512 px and not averaged it is 0.6: a warp blurs edges that drawing leaves hard."""
    identity, pose = load_identity("tomas"), FacePose(au=apex_au(5.0), head_deg=(3.0, 8.0, 0.0))
    plain = make_renderer(kind, identity, 1024, Look(background="black")).draw(pose)
    folded = make_renderer(kind, identity, 1024, Look(background="black", keystone=homography(CORNERS))).draw(pose)
    difference = np.abs(halved(folded) - halved(warp(plain, homography(CORNERS))))
    inside = halved(warp(np.full((1024, 1024, 3), 255.0), homography(CORNERS)))[..., 0] > 254.9
    assert difference[inside].mean() < 0.5  # of 255; 0.21 and 0.23 measured


@HEAD
@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_shows_the_whole_head(view: str) -> None:
    picture = make_renderer("numba", load_identity("tomas"), 192, make_look(view, "overhead", "transparent"))
    alpha = picture.draw(FacePose())[..., 3]
    assert (alpha[0] == 0).all()
    assert (alpha[-1] > 0).mean() > 0.5
    assert (alpha > 0).mean() > 0.25


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="bedside"):
        make_look(view="behind")


def test_a_look_survives_json() -> None:
    look = Look(view="ward", keystone=homography(CORNERS))
    assert msgspec.json.decode(msgspec.json.encode(look), type=Look) == look
