"""Announced cues, their generalisation and the awareness switch (facts sheet patient_model, 4)."""

from __future__ import annotations

import math

import pytest

from robopatient.patient.cues import CueMemory, Cues, KnownCue, concept_of
from robopatient.patient.expectation import Expectation

EXPECTS = {"expectation": Expectation(initial_nrs=4.0)}


def pain_after(lab, words: str, cues: Cues | None) -> float:
    hand = lab.hand(**EXPECTS, cues=cues)
    hand.patient.cue(words)
    return lab.peak(hand.press(20.0, lab.at_mm))


def test_a_warning_raises_pain_and_comfort_lowers_it(lab) -> None:
    warned, plain, comforted = (
        pain_after(lab, words, Cues()) for words in ("this may hurt", "", "this will not hurt")
    )  # fmt: skip
    assert comforted < plain < warned


def test_the_size_is_gamma_times_the_shift_of_expectation(lab) -> None:
    shift = Cues().weight * (7.0 - 4.0)
    assert pain_after(lab, "this may hurt", Cues()) - pain_after(lab, "", Cues()) == pytest.approx(
        EXPECTS["expectation"].gamma * shift, abs=0.03
    )


@pytest.mark.parametrize("words", ["this might sting", "here comes the needle", "a sharp one now"])
def test_a_cue_never_heard_acts_by_its_class_of_meaning(lab, words: str) -> None:
    assert pain_after(lab, words, Cues()) == pytest.approx(pain_after(lab, "this may hurt", Cues()), abs=1e-9)


def test_without_awareness_no_cue_does_anything(lab) -> None:
    unaware = Cues(aware=False)
    assert pain_after(lab, "this may hurt", unaware) == pain_after(lab, "", unaware)


def test_words_without_a_class_generalise_by_likeness() -> None:
    memory = CueMemory(Cues(known=(KnownCue(words="the blue card now", expects_nrs=8.0),)))
    alike, unlike = (
        memory.similarity("the blue card", "the blue card now"),
        memory.similarity("a bell", "the blue card now"),
    )
    assert alike == pytest.approx(math.exp(-0.25 / 0.3))
    assert unlike == pytest.approx(math.exp(-1.0 / 0.3))


def test_comfort_and_warning_are_opposites_whatever_words_they_share() -> None:
    memory = CueMemory(Cues())
    assert (concept_of("this will not hurt"), concept_of("this may hurt")) == ("comfort", "pain")
    assert memory.similarity("this will not hurt", "this may hurt") == 0.0


def test_a_promise_that_is_broken_loses_its_worth(lab) -> None:
    hand = lab.hand(**EXPECTS, cues=Cues(places=False))
    memory = hand.patient._cues
    before = memory.values["this will not hurt"]
    for _ in range(5):
        hand.patient.cue("this will not hurt")
        hand.press(40.0, lab.at_mm)
        hand.wait(2.0)
    assert memory.values["this will not hurt"] > before + 3.0


def test_rescorla_and_wagner_learn_by_their_rate() -> None:
    memory = CueMemory(Cues(places=False))
    memory.announce("this may hurt")
    memory.press_ended(5.0, "", 4.0)
    assert memory.values["this may hurt"] == pytest.approx(7.0 + 0.3 * (5.0 - 7.0))
    assert memory.present == ()


def test_the_place_becomes_a_cue_of_its_own(lab) -> None:
    memory = CueMemory(Cues())
    memory.press_ended(9.0, "right iliac", 4.0)
    assert memory.expected(4.0, "right iliac") > memory.expected(4.0, "left iliac") == 4.0


def test_an_announcement_is_forgotten_in_time() -> None:
    memory = CueMemory(Cues(lasts_s=10.0))
    memory.announce("this may hurt")
    memory.step(9.0)
    assert memory.expected(4.0, "") > 4.0
    memory.step(2.0)
    assert memory.expected(4.0, "") == 4.0


def test_expectations_stay_within_what_the_cues_say() -> None:
    many = tuple(KnownCue(words=f"this may hurt {i}", expects_nrs=9.0) for i in range(20))
    memory = CueMemory(Cues(weight=1.0, known=many))
    memory.announce("pain")
    assert memory.expected(4.0, "") == pytest.approx(9.0)
