"""The picture: found by an independent face detector, the same twice, the same from both renderers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.needs import HEAD, module

from firmware_bridge.errors import OutputError
from robopatient.errors import ConfigError, DeviceError
from robopatient.face.apex import apex_au
from robopatient.face.identity import load_identity
from robopatient.face.keystone import mirrored
from robopatient.face.light import IDENTITY, Look, make_look
from robopatient.face.render import Kind, Renderer, make_renderer
from robopatient.face.still import still
from robopatient.messages import FacePose

pytestmark = HEAD

NAMES = ("margaret", "david", "mei", "tomas")
LEVELS_NRS = (0.0, 3.0, 6.0, 9.0)
SIZE_PX = 384


@pytest.fixture(scope="module")
def pictures() -> dict[tuple[str, float], np.ndarray]:
    """All patients at all levels, by the rasteriser that works everywhere."""
    drawn = {}
    for name in NAMES:
        renderer = make_renderer("numba", load_identity(name), SIZE_PX)
        for nrs in LEVELS_NRS:
            drawn[name, nrs] = renderer.draw(FacePose(au=apex_au(nrs)))
        renderer.close()
    return drawn


@pytest.fixture(scope="module")
def gl() -> Iterator[Renderer]:
    renderer = make_renderer("gl", load_identity("margaret"), SIZE_PX)
    yield renderer
    renderer.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nrs", LEVELS_NRS)
def test_a_face_detector_finds_every_patient_at_every_pain(
    pictures: dict[tuple[str, float], np.ndarray], name: str, nrs: float
) -> None:
    cv2 = module("cv2", "test")
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    grey = cv2.cvtColor(pictures[name, nrs], cv2.COLOR_RGB2GRAY)
    found = detector.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(SIZE_PX // 4, SIZE_PX // 4))
    assert len(found) == 1
    x, y, width, height = found[0]
    assert abs(x + width / 2 - SIZE_PX / 2) < 0.08 * SIZE_PX
    assert abs(y + height / 2 - 0.55 * SIZE_PX) < 0.15 * SIZE_PX


@pytest.mark.parametrize("name", NAMES)
def test_more_pain_changes_more_of_the_picture(pictures: dict[tuple[str, float], np.ndarray], name: str) -> None:
    neutral = pictures[name, 0.0].astype(float)
    change = [np.abs(pictures[name, nrs] - neutral).mean() for nrs in LEVELS_NRS]
    assert change[0] < change[1] < change[2] < change[3]


def test_patients_do_not_look_alike(pictures: dict[tuple[str, float], np.ndarray]) -> None:
    for first in range(len(NAMES)):
        for second in range(first):
            a, b = pictures[NAMES[first], 0.0].astype(float), pictures[NAMES[second], 0.0].astype(float)
            assert np.abs(a - b).mean() > 5.0


def test_nothing_touches_the_upper_corners_and_the_gown_fills_the_lower_edge(
    pictures: dict[tuple[str, float], np.ndarray],
) -> None:
    for picture in pictures.values():
        corner = picture[: SIZE_PX // 8, : SIZE_PX // 8].astype(int)
        assert np.ptp(corner, axis=1).max() == 0  # plain background, row by row
        middle = picture[-1, SIZE_PX // 4 : -SIZE_PX // 4].astype(int)
        background = picture[-1, 0].astype(int) if np.ptp(corner) == 0 else corner[-1, 0]
        assert (np.abs(middle - background).max(axis=1) > 8).mean() > 0.95  # no hole under the neck


def test_the_rasteriser_draws_the_same_pose_the_same_way() -> None:
    renderer = make_renderer("numba", load_identity("tomas"), 192)
    pose = FacePose(au=apex_au(5.0), head_deg=(4.0, -8.0, 3.0), gaze_deg=(2.0, 5.0), breath=0.4)
    first = renderer.draw(pose)
    renderer.draw(FacePose(au=apex_au(9.0)))
    np.testing.assert_array_equal(renderer.draw(pose), first)


def test_an_unknown_action_unit_is_refused_and_the_next_frame_is_drawn() -> None:
    renderer = make_renderer("numba", load_identity("tomas"), 192)
    with pytest.raises(ConfigError, match="AU77"):
        renderer.draw(FacePose(au={"AU77": 1.0}))
    assert renderer.draw(FacePose()).shape == (192, 192, 3)


@pytest.mark.gl
def test_opengl_draws_the_same_pose_the_same_way(gl: Renderer) -> None:
    pose = FacePose(au=apex_au(7.0), head_deg=(4.0, -8.0, 3.0), gaze_deg=(2.0, 5.0))
    first = gl.draw(pose)
    gl.draw(FacePose())
    np.testing.assert_array_equal(gl.draw(pose), first)


@pytest.mark.gl
@pytest.mark.parametrize(
    "pose",
    [
        FacePose(),
        FacePose(au=apex_au(9.0), head_deg=(5.0, 15.0, -6.0), gaze_deg=(-4.0, 8.0), breath=1.0),
    ],
)
def test_both_renderers_show_the_same_face(gl: Renderer, pose: FacePose) -> None:
    numba = make_renderer("numba", load_identity("margaret"), SIZE_PX)
    difference = np.abs(gl.draw(pose).astype(int) - numba.draw(pose).astype(int))
    assert difference.mean() < 0.3  # 0.14 and 0.10 measured
    assert (difference.max(axis=2) > 24).mean() < 0.002


@pytest.mark.gl
def test_two_opengl_renderers_take_turns(gl: Renderer) -> None:
    alone = gl.draw(FacePose())
    other = make_renderer("gl", load_identity("tomas"), 192)
    assert np.abs(other.draw(FacePose()).astype(int).mean() - alone.mean()) > 0.1
    np.testing.assert_array_equal(gl.draw(FacePose()), alone)
    other.close()
    np.testing.assert_array_equal(gl.draw(FacePose()), alone)


@pytest.mark.gl
def test_turning_the_head_leaves_no_hole(gl: Renderer) -> None:
    background = gl.draw(FacePose())[:, :4].astype(int)
    for yaw in (-30.0, 30.0):
        picture = gl.draw(FacePose(head_deg=(0.0, yaw, 0.0))).astype(int)
        head = np.abs(picture - background[:, :1]).max(axis=2) > 6
        rows = head[SIZE_PX // 4 : SIZE_PX * 3 // 4]
        for row in rows:
            inside = np.flatnonzero(row)
            assert (~row[inside[0] : inside[-1]]).sum() <= 0.12 * SIZE_PX  # the gap between hair and neck at most


def test_a_still_is_a_png_of_the_asked_size(tmp_path: Path) -> None:
    image_module = module("PIL.Image", "face")
    out = tmp_path / "x.png"
    picture = still("mei", 6.0, out, size_px=160, au={"AU12": 5.0}, renderer="numba")
    with image_module.open(out) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), picture)
    assert picture.shape == (160, 160, 3)


def test_a_still_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"absent.x\.png: cannot be written .*choose another --out"):
        still("mei", 6.0, tmp_path / "absent" / "x.png", size_px=160, renderer="numba")


@pytest.mark.parametrize("name", NAMES)
def test_an_open_mouth_is_dark_and_shows_no_background(name: str) -> None:
    renderer = make_renderer("numba", load_identity(name), SIZE_PX)
    picture = renderer.draw(FacePose(au={"AU27": 5.0, "AU20": 5.0, "AU10": 4.0})).astype(int)
    renderer.close()
    face = picture[SIZE_PX // 2 : SIZE_PX * 3 // 4, SIZE_PX * 3 // 8 : SIZE_PX * 5 // 8]
    bluish = (face[..., 2] > face[..., 0]) & (face[..., 2] > 120)  # the wall; nothing in a mouth is
    assert bluish.sum() == 0
    assert (face.max(axis=2) < 90).mean() > 0.05


@pytest.mark.parametrize("kind", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_a_renderer_that_wears_another_face_draws_it_as_its_own(kind: Kind) -> None:
    pose = FacePose(au=apex_au(5.0), sweat=0.5)
    renderer = make_renderer(kind, load_identity("margaret"), 160)
    renderer.draw(pose)
    for name in ("tomas", "mei"):
        renderer.wear(load_identity(name))
        alone = make_renderer(kind, load_identity(name), 160)
        np.testing.assert_array_equal(renderer.draw(pose), alone.draw(pose))
        alone.close()
    renderer.close()


@pytest.mark.parametrize("kind", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_skin_reddens_pales_and_shines(kind: Kind) -> None:
    renderer = make_renderer(kind, load_identity("mei"), 256)
    plain, red, pale, wet = (
        renderer.draw(FacePose(**wish)).astype(float) for wish in ({}, {"flush": 1.0}, {"flush": -1.0}, {"sweat": 1.0})
    )
    renderer.close()
    cheek, forehead = (slice(150, 165), slice(95, 115)), (slice(70, 90), slice(110, 140))

    def hue(picture: np.ndarray) -> float:
        return float((picture[cheek][..., 0] - picture[cheek][..., 2]).mean())

    assert hue(red) > hue(plain) + 15.0
    assert hue(pale) < hue(plain) - 15.0
    sparkle = [np.abs(np.diff(picture[forehead][..., 1], axis=1)).mean() for picture in (plain, wet)]
    assert sparkle[1] > 1.5 * sparkle[0]
    np.testing.assert_array_equal(red[:30], plain[:30])  # hair and wall neither blush nor sweat


def test_tears_stand_in_the_eyes_and_run_down() -> None:
    renderer = make_renderer("numba", load_identity("mei"), 384)
    plain, wept = renderer.draw(FacePose()).astype(float), renderer.draw(FacePose(tears=1.0)).astype(float)
    renderer.close()
    changed = np.abs(wept - plain).max(axis=2) > 8
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows[-1] - rows[0] > 40  # from the eye down the cheek
    assert changed.mean() < 0.1


def test_the_head_comes_forward_as_asked() -> None:
    renderer = make_renderer("numba", load_identity("tomas"), 256, Look(background="transparent"))
    sizes = [(renderer.draw(FacePose(forward_mm=mm))[:100, :, 3] > 0).sum() for mm in (-40.0, 0.0, 40.0)]
    renderer.close()
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.gl
def test_the_tier_for_graphics_cards_shows_the_same_face_with_smooth_edges(gl: Renderer) -> None:
    pose = FacePose(au=apex_au(6.0), flush=0.5)
    fine = make_renderer("gl", load_identity("margaret"), SIZE_PX, fine=True)
    smooth, plain = fine.draw(pose).astype(int), gl.draw(pose).astype(int)
    np.testing.assert_array_equal(fine.draw(pose), smooth)
    fine.close()
    assert np.abs(smooth - plain).mean() < 1.5  # 0.5 measured

    def levels(picture: np.ndarray) -> int:
        """Different colours between wall and shoulder along the lower edge: stairs have none between."""
        return len(np.unique(picture[SIZE_PX * 7 // 8 :, : SIZE_PX // 3].reshape(-1, 3), axis=0))

    assert levels(smooth) > levels(plain)


@pytest.mark.gl
def test_a_lost_context_is_an_error_and_not_a_black_face(gl: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost:
        error = "GL_CONTEXT_LOST"

        def __init__(self, context: object) -> None:
            self._context = context

        def __getattr__(self, name: str) -> object:
            return getattr(self._context, name)

        def __setattr__(self, name: str, value: object) -> None:
            object.__setattr__(self, name, value) if name == "_context" else setattr(self._context, name, value)

        def __enter__(self) -> object:
            return self._context.__enter__()

        def __exit__(self, *said: object) -> None:
            self._context.__exit__(*said)

    monkeypatch.setattr(gl, "_context", Lost(gl._context))
    with pytest.raises(DeviceError, match=r"GL_CONTEXT_LOST.*make another renderer"):
        gl.draw(FacePose())


@pytest.mark.parametrize("kind", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_a_mirrored_keystone_shows_the_face_from_the_front(kind: Kind) -> None:
    plain = make_renderer(kind, load_identity("tomas"), 192).draw(FacePose(au={"AU4L": 5.0}))
    look = Look(keystone=mirrored(IDENTITY, True, False))
    seen = make_renderer(kind, load_identity("tomas"), 192, look).draw(FacePose(au={"AU4L": 5.0}))
    assert np.abs(seen[:, ::-1].astype(int) - plain).mean() < 1.0


def test_a_window_shaped_picture_has_the_square_in_its_middle() -> None:
    identity, keystone = load_identity("tomas"), ((0.5, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    wide = make_renderer("numba", identity, 160, Look(keystone=keystone, aspect=2.0)).draw(FacePose()).astype(int)
    square = make_renderer("numba", identity, 160).draw(FacePose()).astype(int)
    assert wide.shape == (160, 320, 3)
    assert wide[:, :79].max() == 0
    assert np.abs(wide[:, 80:240] - square).mean() < 1.0


def test_the_mask_look_is_bright_on_every_skin_and_keeps_brows_dark() -> None:
    for name in ("mei", "kofi"):
        renderer = make_renderer("numba", load_identity(name), 256, make_look("frontal", "mask", "black"))
        picture = renderer.draw(FacePose()).astype(float).mean(axis=2)
        renderer.close()
        cheek = picture[150:165, 95:115].mean()
        assert cheek > 150.0
        assert picture[95:125, 85:120].min() < 0.7 * cheek
