"""Calibration steps: where handles go, what is refused, and that every step can be taken back."""

from __future__ import annotations

import numpy as np
import pytest

from robopatient.face.display.editor import PICTURES, Editor
from robopatient.face.display.profile import DisplayProfile, check

CORNERS = ((-0.9, 0.95), (0.8, 0.88), (0.92, -0.85), (-0.82, -0.97))


@pytest.fixture
def editor() -> Editor:
    return Editor(DisplayProfile(), 1280, 800)


def test_the_first_handles_are_the_corners_of_the_middle_square(editor: Editor) -> None:
    np.testing.assert_allclose(editor.handles(), [(240, 0), (1040, 0), (1040, 800), (240, 800)])


def test_a_nudge_moves_one_handle_by_so_many_pixels(editor: Editor) -> None:
    before = editor.handles()
    editor.select(2)
    assert editor.nudge(-10.0, 0.1)
    np.testing.assert_allclose(editor.handles() - before, [(0, 0), (0, 0), (-10, 0.1), (0, 0)], atol=1e-9)
    assert editor.changed


def test_the_pointer_takes_the_handle_that_is_near(editor: Editor) -> None:
    assert editor.nearest(1030.0, 20.0) == 1
    assert editor.nearest(640.0, 400.0) is None
    editor.select(1)
    assert editor.move_to(1000.0, 50.0)
    np.testing.assert_allclose(editor.handles()[1], (1000.0, 50.0))


def test_a_step_that_would_turn_the_picture_inside_out_is_refused_and_says_so(editor: Editor) -> None:
    before = editor.profile
    editor.select(0)
    assert not editor.nudge(900.0, 700.0)
    assert "not convex" in editor.message
    assert editor.profile == before
    assert not editor.undo()  # nothing was done


def test_every_step_is_undone_and_done_again() -> None:
    editor = Editor(DisplayProfile(corners=CORNERS), 1024, 768)
    seen = [editor.profile]
    for step in (
        lambda: editor.nudge(3.0, -2.0),
        lambda: editor.flip("rear"),
        lambda: editor.adjust("gamma", -2),
        lambda: editor.adjust("soft_edge", 3),
        lambda: editor.change_mesh(2),
        lambda: editor.nudge(5.0, 5.0),
        lambda: editor.change_mesh(1),
        editor.next_patch,
        lambda: editor.scale(1.02),
        lambda: editor.turn(1.0),
        editor.reset,
    ):
        assert step()
        check(editor.profile)
        seen.append(editor.profile)
    for profile in reversed(seen[:-1]):
        assert editor.undo()
        assert editor.profile == profile
    assert not editor.changed
    for profile in seen[1:]:
        assert editor.redo()
        assert editor.profile == profile
    assert not editor.redo()


def test_a_new_step_after_undo_forgets_what_was_undone(editor: Editor) -> None:
    editor.nudge(1.0, 0.0)
    editor.undo()
    editor.nudge(0.0, 1.0)
    assert not editor.redo()


def test_a_finer_mesh_keeps_the_bend(editor: Editor) -> None:
    editor.toggle_mesh()
    assert editor.mesh
    assert len(editor.handles()) == 9
    editor.select(4)
    editor.nudge(16.0, 8.0)
    bent = editor.handles()[4]
    editor.change_mesh(2)
    assert len(editor.handles()) == 25
    np.testing.assert_allclose(editor.handles()[12], bent, atol=1e-6)
    for _ in range(9):
        editor.change_mesh(-1)
    assert editor.profile.mesh == ()
    assert not editor.mesh


def test_mesh_handles_lie_in_the_keystoned_picture() -> None:
    editor = Editor(DisplayProfile(corners=CORNERS), 1000, 1000)
    corners = editor.handles()
    editor.toggle_mesh()
    np.testing.assert_allclose(editor.handles()[[0, 2, 8, 6]], corners, atol=1e-6)
    np.testing.assert_allclose(editor.outline(), corners, atol=1e-6)


def test_turning_by_a_quarter_four_times_comes_back(editor: Editor) -> None:
    before = editor.handles()
    for _ in range(4):
        assert editor.turn(90.0)
    np.testing.assert_allclose(editor.handles(), before, atol=1e-6)


def test_settings_stop_at_their_limits(editor: Editor) -> None:
    for _ in range(100):
        editor.adjust("brightness", 1)
        editor.adjust("patch_px", 1)
    assert editor.profile.brightness == 2.0
    assert editor.profile.patch_px == 400


def test_every_picture_comes_round(editor: Editor) -> None:
    seen = []
    for _ in PICTURES:
        seen.append(editor.picture)
        editor.next_picture()
    assert sorted(seen) == sorted(PICTURES)
    assert editor.picture == seen[0]
