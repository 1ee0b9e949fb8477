"""What ``import robopatient`` offers: these names and no others, and nothing loaded before it is used."""

import doctest
import io
import re

import numpy as np
import pytest
from support.needs import HEAD, module

import robopatient as rp

# What it takes to see, hear and read a patient; a name more must earn its place.
NAMES = [
    "Episode", "Live", "PatientProfile", "PressProfile", "RecordedSession", "RobopatientError", "SessionConfig",
    "__version__", "load_patient", "load_session", "press", "read_session", "simulate",
]  # fmt: skip


def test_these_names_are_public_and_each_can_be_had() -> None:
    assert sorted(rp.__all__) == NAMES
    for name in NAMES:
        assert getattr(rp, name) is not None
    assert set(NAMES) <= set(dir(rp))
    with pytest.raises(AttributeError, match="no attribute 'pressed'"):
        _ = rp.pressed


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_every_public_name_has_an_example_that_gives_what_it_says(name: str) -> None:
    documented = getattr(rp, name)
    examples = doctest.DocTestFinder(recurse=False).find(documented, name)[0]
    assert "rp." in "".join(example.source for example in examples.examples), name
    told = io.StringIO()
    assert doctest.DocTestRunner().run(examples, out=told.write).failed == 0, told.getvalue()


def test_every_public_name_says_which_errors_it_raises() -> None:
    for name in NAMES:
        if name not in ("__version__", "RobopatientError", "Episode", "PressProfile"):
            assert "Raises\n    ------" in getattr(rp, name).__doc__, name
    for kind in (rp.Episode, rp.Live, rp.RecordedSession):
        for name, member in vars(kind).items():
            assert name.startswith("_") or member.__doc__ or not callable(member), f"{kind.__name__}.{name}"


@pytest.fixture(scope="module")
def episode() -> rp.Episode:
    module("numba", "audio")
    return rp.simulate(rp.load_patient("appendicitis"), rp.press(newton=20, region="right iliac", hold_s=1.0), seed=1)


def test_a_press_hurts_shows_and_sounds(episode: rp.Episode) -> None:
    pain, motion = episode.pain, episode.motion
    assert pain["force_newton"].max() == pytest.approx(20.0, abs=0.1)
    assert pain["nrs"][pain["t_s"] < 0.45].max() == 0.0
    assert 5.0 < pain["nrs"].max() < 7.0
    assert motion["pspi"].max() > motion["pspi"][motion["t_s"] < 0.4].max() + 1.0
    assert np.abs(episode.sound).max() > 0.02
    length_s = 0.5 + 0.2 + 1.0 + 0.2 + 1.5
    assert pain["t_s"][-1] == pytest.approx(length_s)
    assert len(episode.sound) / episode.sample_rate_hz == pytest.approx(length_s, abs=0.012)
    assert len(motion) == pytest.approx(30 * length_s, abs=1)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(episode: rp.Episode) -> None:
    press = rp.press(newton=20, region="right iliac", hold_s=1.0)
    again = rp.simulate("appendicitis", press, seed=1)
    other = rp.simulate("appendicitis", press, seed=2)
    assert (again.motion == episode.motion).all()
    assert (again.sound == episode.sound).all()
    assert (other.sound != episode.sound).any()


def test_the_table_has_a_row_a_frame_with_force_pain_face_and_voice(episode: rp.Episode) -> None:
    table = episode.frame()
    assert len(table) == len(episode.frames)
    assert {"t_s", "force_newton", "nrs", "pspi", "AU4", "level_dbfs", "f0_hz", "call"} <= set(table)
    loudest = table.loc[table["level_dbfs"].idxmax()]
    assert loudest["nrs"] > 2.0


@HEAD
def test_a_film_is_written_with_its_sound(episode: rp.Episode, tmp_path) -> None:
    av = module("av", "face")
    path = episode.film(tmp_path / "press.mp4", size_px=128, renderer="numba")
    with av.open(str(path)) as film:
        assert film.streams.video[0].frames == len(episode.frames)
        assert len(film.streams.audio) == 1
    with pytest.raises(rp.RobopatientError, match=r"name ending in \.mp4"):
        episode.film(tmp_path / "press.avi")


@HEAD
def test_a_film_that_exists_is_replaced_only_when_that_is_asked_for(episode: rp.Episode, tmp_path) -> None:
    module("av", "face")
    path = tmp_path / "press.mp4"
    path.write_text("mine")
    with pytest.raises(rp.RobopatientError, match=r"press\.mp4: exists; give another name, or replace=True"):
        episode.film(path)
    assert [file.name for file in tmp_path.iterdir()] == ["press.mp4"]
    assert path.read_text() == "mine"
    assert episode.film(path, size_px=128, renderer="numba", replace=True) == path
    assert path.stat().st_size > 1000


def test_what_cannot_be_pressed_is_named() -> None:
    with pytest.raises(rp.RobopatientError, match="peak_newton"):
        rp.press(newton=-3)
    with pytest.raises(rp.RobopatientError, match="fields are"):
        rp.press(newton=3, knee=True)
    with pytest.raises(rp.RobopatientError, match="is no region of the abdomen"):
        rp.simulate("healthy", rp.press(region="knee"))
    with pytest.raises(rp.RobopatientError, match="is not one of this patient"):
        rp.simulate("healthy", rp.press(site="spleen"))


UNITS = r"\b(N|mm|s|ms|Hz|NRS|PSPI|dBFS|px|degrees|years|newton|0 to \d+|units)\b"


def test_every_public_name_says_what_it_is_with_units_where_there_are_numbers() -> None:
    for name in NAMES:
        if name == "__version__":
            continue
        text = getattr(rp, name).__doc__
        assert text, name
        assert "Examples\n" in text, name
        if name not in ("RobopatientError", "load_session"):
            assert re.search(UNITS, text), f"{name}: its numbers have no units"
