from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from robopatient.messages import PainState
from robopatient.patient import TenderSite, load_patient
from robopatient.patient.report import ReportStyle, SelfReport, band_of, load_phrases, question_of, report_sd
from robopatient.phantom import REGIONS
from robopatient.simulation.hand import GuidedHand

SITE = TenderSite(name="appendix", region="right iliac", left_mm=-70.0, head_mm=-50.0, quality="sharp")
PHRASES = load_phrases()


def state(report_nrs: float, site: str = "appendix", sign: str = "") -> PainState:
    return PainState(0, 0, report_nrs, site, "hold", report_nrs=report_nrs, sign=sign)


def report(seed: int = 1, **talk) -> SelfReport:
    return SelfReport(ReportStyle(**talk), (SITE,), ("It hurts", "Since Monday.", "Sick twice"), seed, PHRASES)


def numbers(nrs: float, n: int = 400, **talk) -> list[int]:
    asked = report(**talk)
    return [answer.nrs for _ in range(n) if (answer := asked.answer("nrs", state(nrs))).nrs is not None]


def test_the_number_is_the_rounded_pain() -> None:
    answer = report(eta=0.0).answer("How bad is it, 0 to 10?", state(6.6))
    assert answer.nrs == 7
    assert answer.text.startswith("Seven") or "seven" in answer.text.lower()


def test_its_noise_is_the_published_form() -> None:
    assert report_sd(ReportStyle()) == pytest.approx(0.33)  # eta 3.0 to 3.5 of 100
    assert report_sd(ReportStyle(confidence=0.0, cs=1.0)) == pytest.approx(0.33 * np.e)
    given = np.array(numbers(5.0, eta=1.0))
    assert given.mean() == pytest.approx(5.0, abs=0.15)
    assert given.std() == pytest.approx(1.0, abs=0.15)


def test_numbers_never_leave_the_scale() -> None:
    assert set(numbers(9.9, eta=3.0)) <= set(range(11))
    assert max(numbers(0.0, eta=3.0)) <= 1


def test_bands_are_the_published_ones() -> None:
    assert [band_of(nrs) for nrs in (0, 5, 6, 7, 8)] == ["none", "mild", "moderate", "moderate", "severe"]
    assert [band_of(nrs, True) for nrs in (3, 4, 6, 7)] == ["mild", "moderate", "moderate", "severe"]


def test_a_reticent_patient_refuses_as_often_as_asked_for() -> None:
    asked = report(refusal=0.3)
    refused = [asked.answer("nrs", state(5.0)) for _ in range(500)]
    share = sum(answer.refused for answer in refused) / 500
    assert share == pytest.approx(0.3, abs=0.06)
    assert all((answer.nrs is None) == answer.refused for answer in refused)


def test_dementia_answers_other_questions_and_repeats_numbers() -> None:
    pains = np.random.default_rng(1).uniform(0.0, 9.0, 400).tolist()

    def errors(**talk) -> np.ndarray:
        asked = report(**talk)
        given = [(nrs, asked.answer("nrs", state(nrs)).nrs) for nrs in pains]
        return np.abs([said - nrs for nrs, said in given if said is not None])

    clear, confused = errors(), errors(confusion=0.5, confidence=0.0)
    assert len(clear) == 400
    assert len(confused) == pytest.approx(200, abs=30)
    assert confused.mean() > 2.0 * clear.mean()


def test_the_words_follow_the_quality_and_grow_with_the_pain() -> None:
    for nrs, band in ((2.0, "mild"), (5.0, "moderate"), (9.0, "severe")):
        answer = report(affective_from_nrs=10.0).answer("what is it like?", state(nrs))
        assert answer.words[0] in getattr(PHRASES.quality["sharp"], band)


def test_feelings_are_told_only_above_the_threshold() -> None:
    severe = set(PHRASES.feeling.severe)
    for seed in range(10):
        assert severe & set(report(seed).answer("quality", state(8.0)).words)
        assert not severe & set(report(seed).answer("quality", state(4.0)).words)


def test_where_it_hurts_is_told_by_region() -> None:
    assert "right" in report().answer("Where does it hurt?", state(6.0)).text
    assert set(PHRASES.place) == {name for row in REGIONS for name in row}


def test_rebound_is_told_as_worse_on_letting_go() -> None:
    assert report().answer("what makes it worse?", state(5.0, sign="rebound")).text in PHRASES.worse["release"]


def test_a_verbose_patient_tells_more_of_the_history() -> None:
    brief, long = (report(sentences=n).answer("tell me", state(0.0)).text for n in (1, 2))
    assert long.startswith(brief)
    assert long == "It hurts. Since Monday. Sick twice."


def test_words_that_are_not_understood_are_asked_back() -> None:
    answer = report().answer("colourless green ideas", state(5.0))
    assert answer.refused
    assert answer.text in PHRASES.unclear["lines"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [("", "nrs"), ("How much does it hurt?", "nrs"), ("WHERE?", "where"), ("since when", "history")],
)
def test_questions_are_understood_by_their_words(words: str, meant: str) -> None:
    assert question_of(words) == meant


def test_the_same_seed_gives_the_same_answers() -> None:
    def answers(seed: int) -> list[str]:
        asked = report(seed, refusal=0.2, confusion=0.2)
        return [asked.answer(question, state(6.0)).text for question in ("nrs", "quality", "feeling") * 5]

    assert answers(3) == answers(3) != answers(4)


def test_what_was_asked_before_does_not_change_the_answer() -> None:
    numbers, mixed = report(eta=3.0), report(eta=3.0)
    numbers.answer("nrs", state(5.0))
    mixed.answer("what is it like", state(5.0))
    assert numbers.answer("nrs", state(5.0)).nrs == mixed.answer("nrs", state(5.0)).nrs


def test_a_patient_asked_after_the_press_tells_of_the_press() -> None:
    hand = GuidedHand(load_patient("appendicitis"), seed=1)
    worst = max(pain.nrs for pain in hand.press(25.0, (-72.0, -51.0)))
    hand.wait(1.0)
    said = hand.patient.answer("nrs", hand.t_ns)
    assert abs(said.nrs - worst) <= 2
    assert said.felt_nrs < 0.1
    assert "right" in hand.patient.answer("where", hand.t_ns).text


def test_the_shipped_dementia_is_read_from_the_face_and_not_from_the_words() -> None:
    said = Counter()
    for seed in range(40):
        hand = GuidedHand(load_patient("dementia"), seed=seed)
        pains = hand.press(35.0, (78.0, -55.0))
        assert max(pain.face_nrs for pain in pains) > 5.0
        said[hand.patient.answer("nrs", hand.t_ns).refused] += 1
    assert 0.3 < said[True] / 40 < 0.8


def test_a_stoic_reports_less_than_is_felt() -> None:
    plain, stoic = (GuidedHand(load_patient(name)) for name in ("appendicitis", "appendicitis-stoic"))
    felt, held_back = (hand.lead(30.0, (-72.0, -51.0), 1.0)[-1] for hand in (plain, stoic))
    assert held_back.nrs > 5.0
    assert held_back.report_nrs < 0.6 * held_back.nrs
    assert felt.report_nrs == pytest.approx(felt.nrs, abs=0.2)
