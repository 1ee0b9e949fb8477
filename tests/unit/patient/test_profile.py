from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from robopatient.config import asset_names, asset_path
from robopatient.errors import AssetError, ConfigError
from robopatient.patient import Patient, load_patient
from robopatient.simulation.hand import GuidedHand

SHIPPED = asset_names("patients")
SITE = """
[[sites]]
name = "{name}"
region = "right iliac"
left_mm = {left_mm}
head_mm = -51.0
{depth}
"""


def test_the_four_patients_are_there() -> None:
    assert {"appendicitis", "cholecystitis", "gastritis", "healthy"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_patient_lies_on_the_phantom_with_sites_where_they_say(name: str) -> None:
    patient = Patient(load_patient(name))
    for site in patient.profile.sites:
        x_mm, y_mm = patient.phantom.plate_mm(site.left_mm, site.head_mm)
        assert 15.0 <= x_mm <= patient.phantom.width_mm - 15.0
        assert 15.0 <= y_mm <= patient.phantom.height_mm - 15.0


@pytest.mark.parametrize(
    ("name", "region"),
    [("appendicitis", "right iliac"), ("cholecystitis", "right hypochondriac"), ("gastritis", "epigastric")],
)
def test_each_illness_hurts_where_the_textbook_says(name: str, region: str) -> None:
    assert [site.region for site in load_patient(name).sites] == [region]


def test_mcburneys_point_is_a_third_of_the_way_from_the_iliac_spine() -> None:
    (site,) = load_patient("appendicitis").sites
    spine_left_mm, spine_head_mm = site.left_mm * 3 / 2, site.head_mm * 3 / 2
    assert -125 < spine_left_mm < -100  # half the distance between the spines of an adult
    assert -100 < spine_head_mm < -60


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("strength = 1.0", "strength = 1.5", "sites.*strength"),
        ("sigma_mm = 25.0", "sigma_mm = 0", "sigma_mm"),
        ("threshold_newton = 3.0", "treshold_newton = 3.0", "treshold_newton"),
        ("[guarding]", "[psychophysics.guarding]", "guarding"),
        ('sex = "female"', 'sex = "f"', "sex"),
        ("age_years = 29", "age_years = 7", "age_years"),
    ],
)
def test_a_wrong_patient_file_is_refused_by_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = asset_path("patients", "appendicitis").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_patient(str(path))
    assert str(path) in str(error.value)


def test_an_exponent_outside_the_published_range_is_refused(tmp_path: Path) -> None:
    text = asset_path("patients", "healthy").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text + "\nexponent = 2.5\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="exponent"):
        load_patient(str(path))


def test_a_site_outside_its_region_is_refused(tmp_path: Path) -> None:
    text = asset_path("patients", "appendicitis").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("left_mm = -72.0", "left_mm = 72.0"), encoding="utf-8")
    with pytest.raises(ConfigError, match="says right iliac, but left_mm = 72, head_mm = -51 is left iliac"):
        Patient(load_patient(str(path)))


def test_an_unknown_patient_lists_those_that_exist() -> None:
    with pytest.raises(AssetError, match="appendicitis, appendicitis-adolescent"):
        load_patient("nobody")


def test_there_are_twelve_patients_from_healthy_to_widespread_pain() -> None:
    assert len(SHIPPED) >= 12
    assert {
        "healthy",
        "appendicitis",
        "cholecystitis",
        "diverticulitis",
        "gastritis",
        "renal-colic",
        "chronic-widespread",
        "dementia",
    } <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_patient_has_a_story_a_voice_and_a_face(name: str) -> None:
    profile = load_patient(name)
    assert len(profile.complaint) > 10
    assert len(profile.history) > 10
    assert profile.voice in asset_names("voices")
    assert profile.face in asset_names("faces")


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "healthy"])
def test_every_patient_hurts_more_at_the_first_site_than_away_from_all(name: str) -> None:
    profile = msgspec.structs.replace(load_patient(name), fluctuation=None)
    site = profile.sites[0]
    corners = [(x, y) for x in (-90.0, 90.0) for y in (-75.0, 75.0)]
    far = max(corners, key=lambda at: min(math.dist(at, (s.left_mm, s.head_mm)) for s in profile.sites))

    def worst(at_mm: tuple[float, float]) -> float:
        return max(pain.nrs for pain in GuidedHand(profile).press(30.0, at_mm))

    assert worst((site.left_mm, site.head_mm)) > 1.3 * worst(far)


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ("[display]\nstoicism = 0.5\nexaggeration = 0.5", "stoicism = 0.5 contradicts display.exaggeration"),
        ("[display]\nexaggeration = 0.9", "exaggeration = 0.9 contradicts expressiveness = 0.9"),
        ("[cues]", "cues contradicts the missing section expectation"),
        ("[talk]\nrefusal = 0.7\nconfusion = 0.7", "together they are at most 1"),
        (SITE.format(name="a", left_mm=200.0, depth=""), "outside the abdomen"),
        (SITE.format(name="a", left_mm=-72.0, depth="descent_mm = 9.0"), "cannot bring it above the wall"),
        (2 * SITE.format(name="a", left_mm=-72.0, depth=""), 'two sites are called "a"'),
        (SITE.format(name="a", left_mm="nan", depth=""), "left_mm"),
        ("[guarding]\nbuild_s = inf", "guarding.build_s = inf is no number"),
    ],
)
def test_what_no_patient_can_be_is_refused_by_name(tmp_path: Path, sections: str, complaint: str) -> None:
    text = asset_path("patients", "healthy").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(f"{text}\n{sections}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_patient(str(path))
    assert str(path) in str(error.value)


def test_chronic_pain_without_a_tender_place_is_refused(tmp_path: Path) -> None:
    text = asset_path("patients", "healthy").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(f'kind = "chronic"\n{text}', encoding="utf-8")
    with pytest.raises(ConfigError, match='kind = "chronic" without a site contradicts'):
        load_patient(str(path))
