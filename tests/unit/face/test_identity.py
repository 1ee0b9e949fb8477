"""Faces as files: what ships, what is refused, what the numbers do to the mesh."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.needs import HEAD

from robopatient.config import asset_names
from robopatient.errors import AssetError, ConfigError
from robopatient.face.identity import FaceIdentity, load_identity, target_weights
from robopatient.face.mesh import Material, identity_offsets, load_template
from robopatient.face.sampler import CELLS, sample_identities


@pytest.mark.parametrize("name", asset_names("faces"))
def test_every_shipped_face_loads(name: str) -> None:
    identity = load_identity(name)
    assert identity.description


def test_the_four_patients_differ_in_age_sex_and_ancestry() -> None:
    faces = [load_identity(name) for name in ("margaret", "david", "mei", "tomas")]
    assert len({face.age_years for face in faces}) == 4
    assert {round(face.sex) for face in faces} == {0, 1}
    assert {face.ancestry for face in faces} == {faces[0].ancestry, faces[1].ancestry, faces[2].ancestry}
    assert len({face.digest() for face in faces}) == 4


def test_an_unknown_face_names_those_that_exist() -> None:
    with pytest.raises(AssetError, match=r"nobody\.toml does not exist.*margaret"):
        load_identity("nobody")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("age_years = 3.0", "age_years"),
        ("sex = 1.5", "sex"),
        ("hat = true", "hat"),
        ("iris_colour = [0.1, 0.2, 3.0]", "iris_colour"),
    ],
)
def test_values_out_of_range_name_file_and_key(tmp_path: Path, line: str, message: str) -> None:
    good = (Path(__file__).parents[3] / "assets" / "faces" / "mei.toml").read_text()
    key = line.split(" ", 1)[0]
    kept = [row for row in good.splitlines() if not row.startswith(f"{key} =")]
    path = tmp_path / "bad.toml"
    path.write_text("\n".join([line, *kept]))
    with pytest.raises(ConfigError, match=rf"bad\.toml.*{message}"):
        load_identity(str(path))


@HEAD
def test_archetype_weights_of_one_identity_sum_to_one() -> None:
    weights = target_weights(load_identity("tomas"))
    archetypes = [weight for name, weight in weights.items() if name.startswith("macrodetails/caucasian")]
    body = [weight for name, weight in weights.items() if name.startswith("macrodetails/universal")]
    assert sum(archetypes) == pytest.approx(1.0)
    assert sum(body) == pytest.approx(1.0)


@HEAD
def test_an_unknown_shape_is_refused_by_name() -> None:
    odd = _changed(load_identity("mei"), shape={"nose/nose-of-clown": 0.5})
    with pytest.raises(ConfigError, match=r"nose/nose-of-clown.*no target"):
        target_weights(odd)


@HEAD
def test_a_slider_moves_both_sides_in_opposite_directions_for_opposite_signs() -> None:
    up = target_weights(_changed(load_identity("mei"), shape={"eyes/eye-bag": 0.5}))
    down = target_weights(_changed(load_identity("mei"), shape={"eyes/eye-bag": -0.5}))
    assert {name for name in up if "eye-bag" in name} == {"eyes/l-eye-bag-incr", "eyes/r-eye-bag-incr"}
    assert {name for name in down if "eye-bag" in name} == {"eyes/l-eye-bag-decr", "eyes/r-eye-bag-decr"}


@HEAD
def test_eyes_are_as_far_apart_as_at_that_age() -> None:
    template = load_template()
    for name in asset_names("faces"):
        identity = load_identity(name)
        points = template.template_dm + identity_offsets(template, target_weights(identity))
        eyes = points[template.points_of(Material.EYE)]
        left, right = eyes[eyes[:, 0] > 0].mean(axis=0), eyes[eyes[:, 0] < 0].mean(axis=0)
        distance_mm = 100.0 * float(np.linalg.norm(left - right))
        low, high = (43.0, 62.0) if identity.age_years < 14 else (52.0, 74.0)
        assert low < distance_mm < high, name  # Dodgson 2004: adults 52 to 78 mm, children from 40 mm


def _changed(identity: FaceIdentity, **fields: object) -> FaceIdentity:
    return msgspec.structs.replace(identity, **fields)


def test_sampled_patients_are_balanced_exactly_and_the_same_for_the_same_seed() -> None:
    drawn = sample_identities(2 * len(CELLS), 3)
    assert drawn == sample_identities(2 * len(CELLS), 3)
    assert drawn[:7] == sample_identities(7, 3)
    assert drawn != sample_identities(2 * len(CELLS), 4)
    assert len({identity.digest() for identity in drawn}) == len(drawn)
    for low, high in ((6.0, 12.0), (80.0, 96.0)):
        assert sum(low <= identity.age_years <= high for identity in drawn) == len(drawn) // 5
    assert sum(identity.sex > 0.5 for identity in drawn) == len(drawn) // 2


def test_labels_of_sampled_patients_are_independent() -> None:
    drawn = sample_identities(4 * len(CELLS), 5)
    ancestry = np.array([identity.ancestry.african for identity in drawn])
    tone = np.array([identity.skin.monk_tone for identity in drawn])
    age = np.array([identity.age_years for identity in drawn])
    assert abs(np.corrcoef(ancestry, tone)[0, 1]) < 0.1
    assert abs(np.corrcoef(age, tone)[0, 1]) < 0.1


@HEAD
def test_every_sampled_patient_and_every_shipped_face_has_its_targets() -> None:
    for identity in [*sample_identities(20, 1), *(load_identity(name) for name in asset_names("faces"))]:
        weights = target_weights(identity)
        archetypes = [weights[name] for name in weights if name.startswith("macrodetails/") and "universal" not in name]
        assert sum(archetypes) == pytest.approx(1.0)


def test_twelve_faces_are_shipped_from_child_to_very_old_over_all_tones() -> None:
    shipped = [load_identity(name) for name in asset_names("faces")]
    assert len(shipped) == 12
    assert min(identity.age_years for identity in shipped) < 10
    assert max(identity.age_years for identity in shipped) > 80
    assert min(identity.skin.monk_tone for identity in shipped) < 2
    assert max(identity.skin.monk_tone for identity in shipped) > 9
    assert len({identity.hair.style for identity in shipped}) >= 7
