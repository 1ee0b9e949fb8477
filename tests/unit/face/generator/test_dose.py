"""What pain is told to the network, and what a press then shows: with the shipped weights, archetype by archetype."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.needs import module

from experiments.evaluation.dose import FLOOR_PSPI, MOST_PSPI, Played, peaks_of, press
from robopatient.config import ASSETS, FaceConfig
from robopatient.errors import AssetError
from robopatient.face.generator.checkpoint import STEP, checkpoint_folder, read_stream
from robopatient.face.generator.condition import ARCHETYPES, Archetype
from robopatient.face.generator.diffusion import OWN_ARCHETYPES, Diffusion, traits_of_face
from robopatient.face.generator.dose import ASKED_NRS, DOSE, PLAIN, Dose, read_doses
from robopatient.facs import intensity, pspi
from robopatient.messages import FacePose

module("onnxruntime", "face")


def poses(nrs: float, seed: int, *, press_s: float = 1.0, **config: object) -> list[FacePose]:
    face = Diffusion(FaceConfig(engine="diffusion", deadline_ms=0.0, **config), seed)  # type: ignore[arg-type]
    return press(face, nrs, press_s=press_s)


def peak(nrs: float, seed: int, *, press_s: float = 1.0, **config: object) -> float:
    return max(pspi(pose.au) for pose in poses(nrs, seed, press_s=press_s, **config))


def in_order_above_the_floor(peaks: list[float]) -> bool:
    above = all(shown >= floor for shown, floor in zip(peaks, FLOOR_PSPI.values(), strict=True))
    return above and peaks == sorted(peaks) and peaks[-1] <= MOST_PSPI


def test_pain_is_told_by_straight_lines_between_the_kept_ones() -> None:
    dose = Dose(told_nrs=(0.0, 1.5, 4.0, 8.0, 10.0))
    assert [dose.told(nrs) for nrs in ASKED_NRS] == list(dose.told_nrs)
    assert dose.told(1.5) == pytest.approx(0.75)
    assert dose.told(7.5) == pytest.approx(6.0)
    assert (dose.told(-1.0), dose.told(12.0)) == (0.0, 10.0)
    assert [PLAIN.told(nrs) for nrs in (0.0, 4.2, 10.0)] == pytest.approx([0.0, 4.2, 10.0])


def test_an_archetype_without_a_mixture_is_told_alone() -> None:
    assert PLAIN.archetypes("raised").tolist() == [name == "raised" for name in ARCHETYPES]
    assert Dose(mixture={"opened": 1.0, "narrowed": 0.5}).archetypes("opened").tolist() == [0.5, 1.0, 0.0, 0.0, 0.0]


def test_weights_without_a_dose_are_told_what_is_asked_for(toy_checkpoint: Path) -> None:
    assert read_doses(toy_checkpoint, "any") == {}


def test_the_shipped_dose_belongs_to_the_shipped_weights() -> None:
    folder = checkpoint_folder("default")
    card, _, _ = read_stream(folder)
    assert set(read_doses(folder, card.sha256[STEP])) == set(OWN_ARCHETYPES)


def test_a_dose_of_other_weights_or_one_that_falls_is_refused_with_the_command_that_measures(tmp_path: Path) -> None:
    shutil.copy(checkpoint_folder("default") / DOSE, tmp_path / DOSE)
    with pytest.raises(AssetError, match="other weights; measure again: robopatient face calibrate"):
        read_doses(tmp_path, "0" * 64)
    (tmp_path / DOSE).write_text('step_sha256 = ""\n[archetype.opened]\ntold_nrs = [0, 5, 4, 9, 10]\n')
    with pytest.raises(AssetError, match=r"opened: told_nrs = .* must begin with 0 and rise"):
        read_doses(tmp_path)


@pytest.mark.parametrize("archetype", OWN_ARCHETYPES)
def test_every_archetype_shows_the_dose_in_order(archetype: Archetype) -> None:
    levels = (0.0, *FLOOR_PSPI)
    faces = [FaceConfig(identity=name, archetype=archetype, deadline_ms=0.0) for name in ("david", "aisha")]
    played = [Played(face, seed, nrs) for face in faces for seed in range(5) for nrs in levels]
    peaks = peaks_of(played, read_doses(checkpoint_folder("default")), "default").reshape(-1, len(levels))
    assert peaks[:, 0].max() < 1.0
    kept = [in_order_above_the_floor(row.tolist()) for row in peaks[:, 1:]]
    assert np.count_nonzero(kept) >= 9, peaks


@pytest.mark.parametrize("name", ["Ama", "Bo", "Chidi", "Dora", "Emil", "Fay"])
def test_a_face_of_the_users_own_shows_the_dose_whatever_its_name(name: str, tmp_path: Path) -> None:
    text = (ASSETS / "faces" / "ben.toml").read_text().replace('name = "Ben"', f'name = "{name}"')
    own = tmp_path / "own.toml"
    own.write_text(text)
    peaks = [peak(nrs, 1, identity=str(own)) for nrs in FLOOR_PSPI]
    assert in_order_above_the_floor(peaks), (traits_of_face(FaceConfig(identity=str(own))), peaks)


def test_an_opened_mouth_goes_with_narrowed_eyes_and_a_lowered_brow() -> None:
    apex = max(poses(9.0, 1, identity="david"), key=lambda pose: pspi(pose.au))
    assert traits_of_face(FaceConfig(identity="david")).archetype == "opened"
    assert intensity(apex.au, "AU26") > 2.0
    assert max(intensity(apex.au, unit) for unit in ("AU6", "AU7")) > 2.5
    assert intensity(apex.au, "AU4") > 1.0


@pytest.mark.parametrize("archetype", OWN_ARCHETYPES)
def test_a_long_press_shows_hardly_more_and_a_jab_shows_something(archetype: str) -> None:
    usual, long, jab = (peak(9.0, 1, press_s=s, identity="tomas", archetype=archetype) for s in (1.0, 3.0, 0.3))
    assert usual - 0.5 <= long < MOST_PSPI
    assert 2.0 < jab < usual


def test_people_still_differ() -> None:
    shown = []
    for face in ("aisha", "david", "tomas"):
        apex = max(poses(9.0, 1, identity=face), key=lambda pose: pspi(pose.au))
        shown.append([intensity(apex.au, unit) for unit in ("AU4", "AU9", "AU25")])
    gaps = np.abs(np.subtract.outer(np.array(shown), np.array(shown)).diagonal(axis1=1, axis2=3)).max(axis=-1)
    assert gaps[np.triu_indices(3, 1)].min() > 1.0
