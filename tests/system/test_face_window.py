import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.desk import virtual_display
from support.needs import module

module("PySide6", "console")
PIL = module("PIL.Image", "face")

pytestmark = pytest.mark.qt

PICTURE = """
import sys, numpy as np
from robopatient.face.window import FaceWindow, QtCore, QtGui
pixels = np.zeros((128, 128, 3), np.uint8)
pixels[:64, :, 0] = 200   # red above
pixels[64:, :, 2] = 180   # blue below
"""

SHOWN = """
window = FaceWindow(256, gl=GL)
for _ in range(200):  # until the server has put it on the screen
    assert window.show(pixels)
    if window.view.windowHandle().isExposed():
        break
    QtCore.QThread.msleep(10)
for _ in range(3):
    assert window.show(pixels)
on_x = QtGui.QGuiApplication.platformName() == "xcb"
place = window.view.geometry().getRect() if on_x else ()
grabbed = window.view.screen().grabWindow(0, *place) if on_x else window.view.grab()
grabbed.toImage().save(sys.argv[1])
print(window.painted_by, QtGui.QGuiApplication.platformName())
"""


def run_python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: Qt's platform is chosen once for all."""
    chosen = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    clean = {name: value for name, value in os.environ.items() if name not in chosen}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def check_picture(path: Path) -> None:
    pixels = np.asarray(PIL.open(path).convert("RGB")).astype(int)
    assert pixels.shape == (256, 256, 3)
    assert np.abs(pixels[40:100, 20:236] - [200, 0, 0]).max() <= 2
    assert np.abs(pixels[160:220, 20:236] - [0, 0, 180]).max() <= 2


def test_the_offscreen_platform_shows_the_picture_the_right_way_up(tmp_path: Path) -> None:
    program = PICTURE + SHOWN.replace("gl=GL", "")
    done = run_python(program, str(tmp_path / "a.png"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["processor", "offscreen"]
    check_picture(tmp_path / "a.png")


@pytest.mark.parametrize(("gl", "painter"), [("True", "gpu"), ("False", "processor"), ("None", "processor")])
def test_an_x_server_shows_the_picture_through_gl_and_without(tmp_path: Path, gl: str, painter: str) -> None:
    with virtual_display() as display:
        done = run_python(PICTURE + SHOWN.replace("GL", gl), str(tmp_path / "a.png"), DISPLAY=display)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [painter, "xcb"]
    check_picture(tmp_path / "a.png")


def test_escape_leaves_full_screen_and_a_closed_window_says_so() -> None:
    program = PICTURE + (
        "window = FaceWindow(256, full_screen=True)\n"
        "assert window.view.isFullScreen() and window.show(pixels)\n"
        "press = QtGui.QKeyEvent(QtCore.QEvent.Type.KeyPress, QtCore.Qt.Key.Key_Escape, "
        "QtCore.Qt.KeyboardModifier.NoModifier)\n"
        "window.view.keyPressEvent(press)\n"
        "assert not window.view.isFullScreen() and window.show(pixels)\n"
        "window.view.close()\n"
        "assert not window.show(pixels)\n"
    )
    done = run_python(program, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr


def test_a_face_that_is_not_drawn_leaves_a_blank_and_no_frozen_picture(tmp_path: Path) -> None:
    program = PICTURE + SHOWN.replace("gl=GL", "").replace("grabbed = ", "assert window.show(None)\ngrabbed = ")
    done = run_python(program, str(tmp_path / "a.png"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    pixels = np.asarray(PIL.open(tmp_path / "a.png").convert("RGB"))
    assert (pixels == (24, 24, 26)).all()


@pytest.mark.parametrize("away", ["showMinimized", "hide"])
def test_a_window_that_is_minimised_says_that_nobody_sees_it(away: str) -> None:
    program = PICTURE + (
        "window = FaceWindow(256)\n"
        "def settled(hidden):\n"
        "    for _ in range(200):\n"
        "        assert window.show(pixels)\n"
        "        if bool(window.problem) is hidden:\n"
        "            return\n"
        "        QtCore.QThread.msleep(10)\n"
        "    raise AssertionError(window.problem)\n"
        "assert window.problem == ''\n"
        f"window.view.{away}()\n"
        "settled(True)\n"
        "assert 'bring it back' in window.problem\n"
        "window.view.showNormal()\n"
        "settled(False)\n"
    )
    with virtual_display() as display:
        for platform in ({"QT_QPA_PLATFORM": "offscreen"}, {"DISPLAY": display}):
            done = run_python(program, **platform)
            assert done.returncode == 0, done.stderr


def test_full_screen_lands_on_the_screen_that_was_named(tmp_path: Path) -> None:
    screens = [
        {
            "name": "desk",
            "x": 0,
            "y": 0,
            "width": 1280,
            "height": 800,
            "logicalDpi": 96,
            "logicalBaseDpi": 96,
            "dpr": 1,
        },
        {
            "name": "head",
            "x": 1280,
            "y": 0,
            "width": 640,
            "height": 480,
            "logicalDpi": 96,
            "logicalBaseDpi": 96,
            "dpr": 1,
        },
    ]
    layout = tmp_path / "screens.json"
    layout.write_text(json.dumps({"screens": screens}))
    program = PICTURE + (
        "for name in ('head', '1'):\n"
        "    window = FaceWindow(256, full_screen=True, screen=name)\n"
        "    assert window.show(pixels)\n"
        "    print(window.view.geometry().getRect())\n"
        "FaceWindow(256, screen='attic')\n"
    )
    done = run_python(program, QT_QPA_PLATFORM=f"offscreen:configfile={layout}")
    assert done.stdout.split("\n")[:2] == ["(1280, 0, 640, 480)"] * 2
    assert 'face.screen = "attic": no such screen; connected: 0 (desk), 1 (head)' in done.stderr


def test_a_display_that_is_not_there_is_found_out_without_harm() -> None:
    program = "from robopatient.face.window import display_problem\nprint(display_problem() or 'fine')"
    assert "Qt cannot open the display" in run_python(program, DISPLAY=":987").stdout
    assert run_python(program, QT_QPA_PLATFORM="offscreen").stdout.strip() == "fine"


def test_showing_pictures_keeps_the_reference_count_of_none() -> None:
    """PySide6 6.12.0 on Python 3.11 drops one reference of None in every call that returns nothing, and aborts."""
    program = PICTURE + (
        "window = FaceWindow(64)\n"
        "before = sys.getrefcount(None)\n"
        "for _ in range(300):\n"
        "    window.show(pixels)\n"
        "assert sys.getrefcount(None) > before - 300\n"
    )
    done = run_python(program, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr


SCREENS = [
    {"name": name, "x": x, "y": 0, "width": width, "height": height, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    for name, x, width, height in (("desk", 0, 1280, 800), ("beamer", 1280, 640, 400))
]


LOST = """
import numpy as np
from robopatient.face.display.profile import DisplayProfile, ScreenId
from robopatient.face.window import FaceWindow, QtGui
window = FaceWindow(256, gl=False, profile=DisplayProfile(screen=ScreenId(name="beamer")))
pixels = np.full((400, 640, 3), 90, np.uint8)
app = QtGui.QGuiApplication.instance()
[beamer] = [screen for screen in app.screens() if screen.name() == "beamer"]
def told():
    place = window.view.geometry().getRect() if window.view.isVisible() else None
    print(window.show(pixels), place, bool(window.problem), window.canvas_px)
told()
app.screenRemoved.emit(beamer)   # what Qt says before it would move the window to the desk
told()
app.screenAdded.emit(beamer)
told()
"""


def test_an_unplugged_projector_takes_its_window_along_and_brings_it_back(tmp_path: Path) -> None:
    layout = tmp_path / "screens.json"
    layout.write_text(json.dumps({"screens": SCREENS}))
    done = subprocess.run(
        [sys.executable, "-c", LOST],
        env={**os.environ, "QT_QPA_PLATFORM": f"offscreen:configfile={layout}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there, gone, back = done.stdout.strip().splitlines()
    assert there == back == "True (1280, 0, 640, 400) False (640, 400)"
    assert gone.startswith("True None True")


def test_the_verb_shows_a_pattern_under_x(tmp_path: Path) -> None:
    program = "from robopatient.cli import main; main()"
    command = [sys.executable, "-c", program, "face", "display", "--pattern", "grid", "--seconds", "0.3"]
    clean = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    with virtual_display((800, 600)) as display:
        done = subprocess.run(
            command, env={**clean, "DISPLAY": display}, capture_output=True, text=True, timeout=90, check=False
        )
    assert done.returncode == 0, done.stderr
