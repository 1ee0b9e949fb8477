"""The evaluation: what it measures, that it can tell good from bad, and its page."""

import msgspec
import pytest

from robopatient.errors import RecordError
from robopatient.simulation.voice_evaluation import (
    CELLS,
    LEVELS,
    Evaluation,
    evaluate,
    render_call,
    sheet_png,
    write_voice_page,
)
from robopatient.voice.features import Features, features
from robopatient.voice.identity import load_identity
from robopatient.voice_presets import ask_for


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two people, one render of each level."""
    return evaluate(["david", "mei"], seeds=1)


def test_louder_and_higher_with_pain(evaluation) -> None:
    assert evaluation.table.shape == (2, len(LEVELS), 1, len(Features._fields))
    assert (evaluation.spearman[:, :2] > 0.9).all()
    assert (evaluation.spearman[:, 2:] > 0.6).all()  # one seed


def test_people_are_told_apart_and_have_the_tract_of_their_file(evaluation) -> None:
    for row, name in enumerate(evaluation.identities):
        assert evaluation.tract_cm[row] == pytest.approx(load_identity(name).vocal_tract_cm, rel=0.08)
    assert evaluation.apart[0, 1] > 3.0
    assert evaluation.apart[0, 0] == 0.0


def test_each_published_cell_is_measured_on_the_adults_of_that_sex(evaluation) -> None:
    assert set(evaluation.f0_cells) == set(CELLS)
    for (call, sex), (f0_hz, inside) in evaluation.f0_cells.items():
        _, low, high = CELLS[call, sex]
        assert inside == (low <= f0_hz <= high)
    assert evaluation.f0_cells["scream", "male"][0] > 2.0 * evaluation.f0_cells["moan", "male"][0]


def test_the_page_needs_nothing_but_a_browser(evaluation, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("robopatient.simulation.voice_evaluation.sheet_png", lambda who, calls: b"png")
    write_voice_page(evaluation, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<svg") == 1
    assert "http" not in page
    for word in ("david", "mei", "moan", "scream", "−HNR", "spectral centroid, Hz", "Nearest two: david and mei"):
        assert word in page
    with pytest.raises(RecordError, match="the page cannot be written"):
        write_voice_page(evaluation, tmp_path / "nowhere" / "page.html")


def test_a_call_is_the_first_voiced_stretch_with_its_true_pitch() -> None:
    call = render_call("david", 8.0, 1)
    assert call.samples.shape == call.f0_hz.shape
    assert (call.f0_hz > 0).all()
    assert call.name in ("cry", "ah", "ow", "ouch", "suppressed", "scream")


def test_a_sigh_counts_with_its_breath() -> None:
    who = load_identity("margaret")
    wish = msgspec.structs.replace(ask_for(1.0, who.sex), call="sigh")
    call = render_call("margaret", 1.0, 1, wish)
    assert call.name == "sigh"
    voiced = call.f0_hz > 0.0
    assert voiced[0]
    assert not voiced[-1]
    assert 0.2 < voiced.mean() < 0.6
    head, breath = features(call.samples[voiced], 48000.0), features(call.samples[~voiced], 48000.0)
    assert head.hnr_db > 9.0
    assert not breath.hnr_db > 0.0
    assert -25.0 < breath.loudness_lufs - head.loudness_lufs < -3.0


def test_a_sheet_of_spectrograms_is_a_picture() -> None:
    png = sheet_png("mei", ["moan"], (3.5,))
    assert png.startswith(b"\x89PNG")
