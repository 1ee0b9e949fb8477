"""Heads that users bring: small files made here, whole, partial and damaged."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.needs import module

from robopatient.errors import AssetError
from robopatient.face.bodies.folders import load_ict, load_npz
from robopatient.face.bodies.gltf import load_gltf
from robopatient.face.bodies.head import NEEDED, OwnHead, fit_to_room, side_name
from robopatient.face.bodies.scene import load_face
from robopatient.face.render import make_renderer
from robopatient.messages import FacePose

ROWS, COLUMNS = 9, 12


def ball() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head of 20 cm in metres: points, triangles counter-clockwise from outside, texture places."""
    down, around = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, ROWS), np.linspace(-np.pi, np.pi, COLUMNS), indexing="ij"
    )
    points = 0.1 * np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], axis=-1)
    index = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    uv = np.stack([around / (2 * np.pi) + 0.5, down / np.pi], axis=-1).reshape(-1, 2)
    return points.reshape(-1, 3), triangles, uv


def shapes(points: np.ndarray) -> dict[str, np.ndarray]:
    """Every needed shape: something in front moves, on its own side where the name has one."""
    made = {}
    for number, name in enumerate(NEEDED):
        side = 1.0 if name.endswith("Left") else -1.0 if name.endswith("Right") else 0.0
        near = (points[:, 2] > 0.02) & (points[:, 0] * side >= 0.0)
        delta = np.zeros_like(points)
        delta[near, 1] = -0.01 - 0.0005 * number
        made[name] = delta
    return made


def glb(deltas: dict[str, np.ndarray], change: Callable[[dict], None] | None = None, texture: bool = True) -> bytes:
    """A .glb of the ball with morph targets and a red texture."""
    image = module("PIL.Image", "face")
    points, triangles, uv = ball()
    picture = io.BytesIO()
    image.fromarray(np.full((4, 4, 3), (200, 40, 30), np.uint8)).save(picture, "PNG")
    blocks = [points.astype("<f4").tobytes(), triangles.astype("<u2").tobytes(), uv.astype("<f4").tobytes()]
    blocks += [delta.astype("<f4").tobytes() for delta in deltas.values()]
    views, accessors, start = [], [], 0
    for number, block in enumerate([*blocks, picture.getvalue()]):
        padded = block + b"\0" * (-len(block) % 4)
        views.append({"buffer": 0, "byteOffset": start, "byteLength": len(block)})
        if number < len(blocks):
            kind, width, form = (
                (5123, 1, "SCALAR") if number == 1 else (5126, 2, "VEC2") if number == 2 else (5126, 3, "VEC3")
            )
            size = 2 if number == 1 else 4
            accessors.append(
                {"bufferView": number, "componentType": kind, "type": form, "count": len(block) // (size * width)}
            )
        start += len(padded)
    body = b"".join(block + b"\0" * (-len(block) % 4) for block in [*blocks, picture.getvalue()])
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1], "translation": [0, 1.5, 0]}, {"mesh": 0}],
        "meshes": [{
            "extras": {"targetNames": list(deltas)},
            "primitives": [{
                "attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0,
                "targets": [{"POSITION": 3 + number} for number in range(len(deltas))],
            }],
        }],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}] if texture else [],
        "textures": [{"source": 0}], "images": [{"bufferView": len(blocks), "mimeType": "image/png"}],
        "buffers": [{"byteLength": len(body)}], "bufferViews": views, "accessors": accessors,
    }  # fmt: skip
    if change is not None:
        change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(body), 0x004E4942) + body
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "head.glb"
    path.write_bytes(glb(shapes(ball()[0])))
    return path


def check_moves(head: OwnHead) -> None:
    """Brows come down on their own side, and the jaw on both."""
    rest, _ = head.pose(FacePose())
    np.testing.assert_allclose(rest, head.points)
    left, normals = head.pose(FacePose(au={"AU4L": 5.0}))
    fallen = rest[:, 1] - left[:, 1] > 0.05
    assert fallen.any()
    assert (head.points[fallen, 0] > -1e-4).all()
    assert np.abs(np.linalg.norm(normals, axis=1) - 1.0).max() < 1e-4
    assert 1.5 < np.ptp(head.points[:, 1]) < 3.0  # decimetres


def test_a_glb_head_moves_under_the_rig(whole: Path) -> None:
    head = load_gltf(whole)
    check_moves(head)
    assert head.albedo is not None
    assert tuple(head.albedo[0, 0]) == (200, 40, 30)
    assert "tongueOut" in head.missing


def test_a_gltf_with_embedded_data_and_sparse_targets_is_the_same_head(tmp_path: Path, whole: Path) -> None:
    data = whole.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + size])
    body = data[28 + size :]
    # the first target again, as a sparse accessor: only the points that move
    delta = shapes(ball()[0])[NEEDED[0]].astype("<f4")
    rows = np.flatnonzero(np.abs(delta).max(axis=1)).astype("<u2")
    extra = rows.tobytes() + b"\0" * (-rows.nbytes % 4)
    views = document["bufferViews"]
    views += [
        {"buffer": 0, "byteOffset": len(body), "byteLength": rows.nbytes},
        {"buffer": 0, "byteOffset": len(body) + len(extra), "byteLength": delta[rows].nbytes},
    ]
    first = document["accessors"][3]
    del first["bufferView"]
    first["sparse"] = {
        "count": len(rows),
        "indices": {"bufferView": len(views) - 2, "componentType": 5123},
        "values": {"bufferView": len(views) - 1},
    }
    body += extra + delta[rows].tobytes()
    document["buffers"][0] = {
        "byteLength": len(body), "uri": "data:application/octet-stream;base64," + base64.b64encode(body).decode(),
    }  # fmt: skip
    path = tmp_path / "head.gltf"
    path.write_text(json.dumps(document))
    one, other = load_gltf(whole), load_gltf(path)
    for name in one.units:
        np.testing.assert_array_equal(one.units[name][0], other.units[name][0])
        np.testing.assert_allclose(one.units[name][1], other.units[name][1], atol=1e-6)


@pytest.mark.parametrize("kind", ["numba", pytest.param("gl", marks=pytest.mark.gl)])
def test_both_renderers_draw_a_users_head(whole: Path, kind: str) -> None:
    renderer = make_renderer(kind, load_face(str(whole)), 160)
    picture = renderer.draw(FacePose()).astype(int)
    pained = renderer.draw(FacePose(au={"AU4": 5.0, "AU27": 5.0}, head_deg=(0.0, 10.0, 0.0))).astype(int)
    renderer.close()
    red = (picture[..., 0] - picture[..., 2]) > 60
    assert 0.1 < red.mean() < 0.7
    assert np.abs(pained - picture).mean() > 1.0


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def rewritten(change: Callable[[dict], None], **named: object) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(glb(shapes(ball()[0]), change, **named))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (shortened, "cut off"),
        (lambda path: path.write_bytes(b"glTF" + b"\1\0\0\0" * 2), "version 1"),
        (lambda path: path.write_bytes(b"{not json"), "JSON is damaged"),
        (lambda path: path.write_bytes(b""), "JSON is damaged"),
        (lambda path: path.unlink(), "cannot be read"),
        (rewritten(lambda d: d.update(meshes=[], nodes=[])), "IndexError|holds no mesh"),
        (rewritten(lambda d: d.pop("accessors")), "accessors"),
        (rewritten(lambda d: d["bufferViews"][3].update(byteOffset=10**6)), "copy it again"),
        (rewritten(lambda d: d.update(extensionsRequired=["KHR_draco_mesh_compression"])), "without compression"),
        (rewritten(lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop("POSITION")), "no POSITION"),
        (rewritten(lambda d: d["meshes"][0].update(extras={})), "lacks the shapes browDownLeft"),
        (rewritten(lambda d: d["nodes"][1].update(children=[1])), "circle"),
        (rewritten(lambda d: d.update(images=[{"uri": "../../secret.png"}])), "outside its folder"),
    ],
)  # fmt: skip
def test_a_damaged_glb_says_what_is_wrong(whole: Path, damage: Callable[[Path], None], named: str) -> None:
    damage(whole)
    with pytest.raises(AssetError, match=named) as caught:
        load_gltf(whole)
    assert "head.glb" in str(caught.value)


def npz(path: Path, **changes: object) -> Path:
    points, triangles, _ = ball()
    deltas = shapes(points)
    arrays = {
        "points": points, "triangles": triangles, "unit_names": np.array(list(deltas)),
        "unit_deltas": np.stack(list(deltas.values())),
    } | changes  # fmt: skip
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_an_npz_head_moves_under_the_rig(tmp_path: Path) -> None:
    check_moves(load_npz(npz(tmp_path / "flame.npz")))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"triangles": None}, r"lacks triangles \(int"),
        ({"unit_deltas": np.zeros((3, 4, 3))}, "unit_deltas has the shape"),
        ({"unit_names": np.array(["tongueOut"]), "unit_deltas": np.zeros((1, ROWS * COLUMNS, 3))}, "lacks the shapes"),
        ({"uv": np.zeros((3, 2))}, "uv"),
        ({"points": np.full((ROWS * COLUMNS, 3), np.nan)}, "no numbers"),
        ({"triangles": np.array([[0, 1, 999]] * 5)}, "names point 999 of 108"),
        ({"points": np.array([{}], dtype=object)}, "no .npz of plain arrays"),
    ],
)
def test_a_partial_npz_says_what_is_missing(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    with pytest.raises(AssetError, match=named):
        load_npz(npz(tmp_path / "flame.npz", **changes))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "FLAME2020.pkl"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(AssetError, match=r"never read; convert it: docs/howto/other_faces\.md"):
        load_face(str(path))


def ict(folder: Path) -> Path:
    points, triangles, _ = ball()
    points = 100.0 * points  # centimetres

    def write(name: str, place: np.ndarray) -> None:
        rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in place]
        rows += [f"f {a + 1}/1 {b + 1}/1 {c + 1}/1" for a, b, c in triangles]
        (folder / f"{name}.obj").write_text("\n".join(rows))

    folder.mkdir()
    write("generic_neutral_mesh", points)
    for name, delta in shapes(ball()[0]).items():
        write(name.replace("Left", "_L").replace("Right", "_R"), points + 100.0 * delta)
    up = np.zeros_like(points)
    up[points[:, 2] > 2.0, 1] = 0.5
    write("browInnerUp_L", points + up * (points[:, :1] > 0))
    write("browInnerUp_R", points + up * (points[:, :1] <= 0))
    write("identity000", points * 1.1)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_an_ict_folder_moves_under_the_rig(tmp_path: Path, cache: None) -> None:
    folder = ict(tmp_path / "FaceXModel")
    head = load_ict(tmp_path)  # the folder above will do
    check_moves(head)
    points, delta = head.units["browInnerUp"]
    assert len(points) == (ball()[0][:, 2] > 0.02).sum()
    np.testing.assert_allclose(delta[:, 1], 0.05, rtol=1e-3)
    assert isinstance(load_face(str(folder)), OwnHead)


def test_a_partial_ict_folder_says_which_mesh_is_wrong(tmp_path: Path, cache: None) -> None:
    folder = ict(tmp_path / "FaceXModel")
    (folder / "jawOpen.obj").write_text("v 0 0 0\n")
    with pytest.raises(AssetError, match=r"jawOpen\.obj: has 1 points"):
        load_ict(folder)
    (folder / "jawOpen.obj").unlink()
    with pytest.raises(AssetError, match="lacks the shapes jawOpen"):
        load_ict(folder)
    (folder / "generic_neutral_mesh.obj").unlink()
    with pytest.raises(AssetError, match=r"holds no generic_neutral_mesh\.obj"):
        load_ict(folder)


@pytest.mark.parametrize(
    ("name", "found"),
    [("browDown_L", "browDownLeft"), ("BrowDownLeft", "browDownLeft"), ("head.jawOpen", "jawOpen"),
     ("mouthLeft", "mouthLeft"), ("mouth_R", "mouthRight"), ("smileSecret", None)],
)  # fmt: skip
def test_names_of_shapes_are_understood(name: str, found: str | None) -> None:
    assert side_name(name) == found


@pytest.mark.parametrize("unit", [1.0, 0.1, 10.0, 100.0, 42.0])
def test_heads_of_any_unit_become_decimetres(unit: float) -> None:
    points = unit * 2.4 * np.array([[0.3, 0.5, 0.0], [-0.3, -0.5, 0.0]])
    assert np.ptp(fit_to_room(points)[0][:, 1]) == pytest.approx(2.4, rel=0.05)


CASES = Path(__file__).resolve().parents[5] / "shared" / "cases"


@pytest.mark.parametrize("place", ["mesh", "part", "numbers"])
def test_names_of_shapes_are_found_wherever_an_exporter_writes_them(tmp_path: Path, place: str) -> None:
    def move(gltf: dict) -> None:
        mesh = gltf["meshes"][0]
        names = mesh.pop("extras")["targetNames"]
        part = mesh["primitives"][0]
        if place == "mesh":
            mesh["extras"] = {"targetNames": names}
        elif place == "part":
            mesh["extras"], part["extras"] = None, {"targetNames": names}
        else:
            for name, target in zip(names, part["targets"], strict=True):
                gltf["accessors"][target["POSITION"]]["name"] = name

    (tmp_path / "a.glb").write_bytes(glb(shapes(ball()[0]), move))
    check_moves(load_gltf(tmp_path / "a.glb"))


def test_a_name_with_a_space_or_an_umlaut_is_decoded(tmp_path: Path) -> None:
    def beside(gltf: dict) -> None:
        gltf["images"] = [{"uri": "mein%20Gesicht%20%C3%A4.png"}]

    module("PIL.Image", "face").fromarray(np.full((4, 4, 3), 90, np.uint8)).save(tmp_path / "mein Gesicht ä.png")
    (tmp_path / "a.glb").write_bytes(glb(shapes(ball()[0]), beside))
    albedo = load_gltf(tmp_path / "a.glb").albedo
    assert albedo is not None
    assert (albedo == 90).all()


def test_a_texture_that_needs_an_extension_is_left_out_and_one_that_is_moved_is_moved(tmp_path: Path) -> None:
    def only_basis(gltf: dict) -> None:
        gltf["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
        gltf["extensionsRequired"] = ["KHR_texture_basisu"]

    def shifted(gltf: dict) -> None:
        base = gltf["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        base["extensions"] = {"KHR_texture_transform": {"offset": [0.25, 0.5], "scale": [0.5, 0.5]}}
        gltf["extensionsRequired"] = ["KHR_texture_transform"]

    (tmp_path / "a.glb").write_bytes(glb(shapes(ball()[0]), only_basis))
    assert load_gltf(tmp_path / "a.glb").albedo is None
    (tmp_path / "b.glb").write_bytes(glb(shapes(ball()[0]), shifted))
    (tmp_path / "c.glb").write_bytes(glb(shapes(ball()[0])))
    there, plain = load_gltf(tmp_path / "b.glb"), load_gltf(tmp_path / "c.glb")
    assert there.uv == pytest.approx(plain.uv * 0.5 + (0.25, 0.5), abs=1e-6)


def test_a_body_is_cut_off_and_the_head_has_its_size(tmp_path: Path) -> None:
    body = CASES / "17_head_with_body.gltf"
    if not body.exists():
        pytest.skip(f"{body.name} is not beside this checkout")
    head = load_gltf(body)
    assert np.ptp(head.points, axis=0) == pytest.approx([2.2, 2.2, 2.2], abs=0.01)  # 22 cm, in decimetres


def test_every_part_has_its_own_texture(tmp_path: Path) -> None:
    def second(gltf: dict) -> None:
        part = dict(gltf["meshes"][0]["primitives"][0])
        part.pop("targets")
        part["material"] = 1
        gltf["meshes"][0]["primitives"].append(part)
        gltf["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [0.0, 0.0, 1.0, 1.0]}})

    (tmp_path / "a.glb").write_bytes(glb(shapes(ball()[0]), second))
    head = load_gltf(tmp_path / "a.glb")
    assert head.uv is not None
    assert head.albedo is not None
    rows, columns = head.albedo.shape[:2]
    at = np.minimum((head.uv * (columns, rows)).astype(int), (columns - 1, rows - 1))
    colours = head.albedo[at[:, 1], at[:, 0]]
    half = len(colours) // 2
    assert (colours[:half] == (200, 40, 30)).all()
    assert (colours[half:] == (0, 0, 255)).all()
