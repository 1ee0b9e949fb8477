"""The calibration in a window: keys, pointer, saving; a screen that comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore, QtGui
from support.needs import HEAD, module

from firmware_bridge.errors import OutputError
from robopatient.errors import ConfigError, DeviceError
from robopatient.face.display.calibrate import Stage, display
from robopatient.face.display.profile import DisplayProfile, ScreenId, load_profile
from robopatient.face.display.screens import find_screen
from robopatient.face.window import FaceWindow

pytestmark = [pytest.mark.qt, HEAD]
Key, Modifier = QtCore.Qt.Key, QtCore.Qt.KeyboardModifier


@pytest.fixture
def stage(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    profile = DisplayProfile(full_screen=False, patch="upper right", patch_px=20)
    window = FaceWindow(240, gl=False, profile=profile)
    made = Stage(window, profile, tmp_path / "own.toml", "margaret", "numba", 240, "grid", 5.0, True)
    yield made
    made.close()


def test_arrow_keys_move_the_chosen_corner_by_pixels(qtbot: object, stage: Stage) -> None:
    view = stage._window.view
    assert stage.step()
    before = stage.editor.handles()
    qtbot.keyClick(view, Key.Key_3)
    qtbot.keyClick(view, Key.Key_Left)
    qtbot.keyClick(view, Key.Key_Up, Modifier.ShiftModifier)
    qtbot.keyClick(view, Key.Key_Down, Modifier.ControlModifier)
    np.testing.assert_allclose(stage.editor.handles()[2] - before[2], (-1.0, -9.9), atol=1e-6)
    qtbot.keyClick(view, Key.Key_Z)
    np.testing.assert_allclose(stage.editor.handles()[2] - before[2], (-1.0, -10.0), atol=1e-6)
    assert stage.step()


def test_the_pointer_drags_a_corner(qtbot: object, stage: Stage) -> None:
    view = stage._window.view
    stage.step()
    qtbot.mousePress(view, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(4, 4))
    move = QtCore.QPointF(30.0, 22.0)
    left, none = QtCore.Qt.MouseButton.LeftButton, Modifier.NoModifier
    event = QtGui.QMouseEvent(QtCore.QEvent.Type.MouseMove, move, view.mapToGlobal(move), left, left, none)
    QtCore.QCoreApplication.sendEvent(view, event)
    np.testing.assert_allclose(stage.editor.handles()[0], (30.0, 22.0), atol=0.5)


def test_s_saves_and_escape_leaves(qtbot: object, stage: Stage, tmp_path: Path) -> None:
    view = stage._window.view
    for key in (Key.Key_R, Key.Key_E, Key.Key_M, Key.Key_Right, Key.Key_S):
        qtbot.keyClick(view, key)
        assert stage.step()
    saved = load_profile(str(tmp_path / "own.toml"))
    assert saved.rear
    assert saved.soft_edge == 0.05
    assert len(saved.mesh) == 3
    assert saved.screen.name == view.screen().name()
    assert not stage.editor.changed
    qtbot.keyClick(view, Key.Key_Escape)
    assert not stage.step()


def test_what_is_painted_has_the_pattern_the_handles_and_the_patch(stage: Stage) -> None:
    stage.help = False
    for picture in ("grid", "face", "white"):
        stage.editor.picture = picture
        stage.changed_picture()
        for _ in range(3):
            assert stage.step()
        grabbed = stage._window.view.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
        pixels = np.frombuffer(grabbed.constBits(), np.uint8).reshape(grabbed.height(), grabbed.width(), 4)[..., :3]
        assert len(np.unique(pixels[10:18, -18:-10].reshape(-1, 3), axis=0)) == 1  # the patch, beside the handle
        assert pixels.std() > 20.0


def test_a_profile_without_its_screen_opens_no_window_and_waits(qapp: object) -> None:
    profile = DisplayProfile(screen=ScreenId(name="HDMI-9", serial="77"))
    window = FaceWindow(200, gl=False, profile=profile)
    assert not window.view.isVisible()
    assert window.problem == 'screen "HDMI-9", serial 77 is not connected: the face waits for it'
    assert window.show(np.zeros((20, 20, 3), np.uint8))  # the session goes on
    window.close()


def test_another_projector_on_the_same_connector_is_not_taken(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen:
        def name(self) -> str:
            return "HDMI-1"

        def serialNumber(self) -> str:  # noqa: N802
            return "B2"

    from robopatient.face.display import screens

    other = Screen()
    monkeypatch.setattr(screens.QtGui.QGuiApplication, "screens", staticmethod(lambda: [other]))
    assert find_screen(ScreenId(name="HDMI-1", serial="A1")) is None
    assert find_screen(ScreenId(name="HDMI-1")) is other
    assert find_screen(ScreenId(name="DP-2", serial="B2")) is other  # moved to another connector


def test_bad_wishes_are_named(qapp: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dots.*grid"):
        display(picture="dots")
    with pytest.raises(ConfigError, match="12x"):
        display(out=tmp_path / "a.png", window_px="12x")
    with pytest.raises(DeviceError, match='"attic" is not connected; connected: 0: '):
        display(screen="attic")


@pytest.mark.parametrize("renderer", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_what_would_be_seen_can_be_written_without_a_window(tmp_path: Path, renderer: str) -> None:
    image = module("PIL.Image", "face")
    out = tmp_path / "a.png"
    display("mask-projector", face="tomas", nrs=6.0, renderer=renderer, size_px=200, out=out, window_px="320x200")
    pixels = np.asarray(image.open(out)).astype(int)
    assert pixels.shape == (200, 320, 3)
    assert pixels[:, :55].max() == 0  # beside the picture
    assert pixels[:4].max() <= 8  # the soft edge
    assert pixels[90:110, 150:170].mean() > 80  # the nose, and not the inside of the head
    with pytest.raises(OutputError, match="exists"):
        display("mask-projector", face="tomas", out=out)
