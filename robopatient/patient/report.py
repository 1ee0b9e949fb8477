"""The patient's answers to questions: a number, a place, a quality of pain, and sometimes nothing useful.

The report is not the pain: it is recalled, held back or exaggerated (``PainState.report_nrs``), then noisy, rounded,
refused or confused here. The wording is in ``assets/phrases``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.config import Fraction, asset_path, decode_toml
from robopatient.messages import PainState
from robopatient.patient.section import PatientSection
from robopatient.patient.tenderness import Quality, TenderSite

__all__ = ["QUESTIONS", "Phrases", "ReportStage", "ReportStyle", "SelfReport", "band_of", "question_of", "report_sd"]

STREAM = 10
"""Given to the seed sequence, so that no other part of the patient draws the same numbers."""

MODERATE_WORDS_NRS, SEVERE_WORDS_NRS = 10.0 / 3.0, 20.0 / 3.0
"""Pain from which the stronger words are chosen: thirds of the scale (assumption). The published bands call five of ten
mild, which is right for a number and reads wrong for a description."""

QUESTIONS = {
    "nrs": ("nrs", "how much", "how bad", "number", "scale", "rate", "out of ten", "0 to 10"),
    "worse": ("worse", "brings it on", "aggravat"),
    "where": ("where", "point", "show me"),
    "quality": ("quality", "what is it like", "describe", "kind of pain", "feel like"),
    "feeling": ("feeling", "how are you", "how do you feel", "bear it", "afraid"),
    "history": ("history", "when did", "how long", "since", "began", "start", "tell me", "complaint", "brings you"),
}
"""Questions that are understood, by what may be typed or pressed for them; the first that is found counts."""


class ReportStyle(PatientSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the patient reports."""

    confidence: Fraction = 1.0
    """1 sure of the own pain, 0 unsure: ``sd = eta exp((1 - conf) / cs)`` (form: Onysk et al., eLife 90634)."""
    eta: Annotated[float, Meta(ge=0, le=3)] = 0.33
    """Published 3.0 to 3.5 of 100."""
    cs: Annotated[float, Meta(ge=0.5, le=5)] = 1.2
    """Published 0.73 to 1.59 by condition."""
    refusal: Fraction = 0.0
    """Share of questions that get no number or no answer (assumption)."""
    confusion: Fraction = 0.0
    """Share of questions that get an answer to another one, as in dementia; half as often the last number is said again
    (assumption)."""
    affective_from_nrs: Annotated[float, Meta(ge=0, le=10)] = 6.0
    """Reported pain from which feelings get into the description (assumption)."""
    low_catastrophising: bool = False
    """Words for the bands of those who dwell little on pain: mild to 3, moderate 4 to 6, severe from 7; otherwise
    mild to 5, moderate 6 to 7, severe from 8 (Boonstra 2016, n = 2854)."""
    sentences: Annotated[int, Meta(ge=1, le=3)] = 1
    """Verbosity: sentences of an answer to an open question (assumption)."""
    story: tuple[str, ...] = ()
    """The history, in the patient's words (assumption); complaint and history when empty."""


class AnswerBands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines by band."""

    mild: list[str]
    severe: list[str]
    moderate: list[str] = []
    none: list[str] = []
    calm: list[str] = []

    def of(self, band: str) -> list[str]:
        """Lines of a band, of the nearest one where it has none."""
        return {"none": self.none or self.calm or self.mild, "moderate": self.moderate or self.mild}.get(
            band
        ) or getattr(self, band)


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phrase file."""

    numbers: Annotated[list[str], Meta(min_length=11, max_length=11)]
    how_much: AnswerBands
    where: dict[str, list[str]]
    place: dict[str, str]
    quality: dict[Quality, AnswerBands]
    feeling: AnswerBands
    worse: dict[str, list[str]]
    refusal: dict[str, list[str]]
    confused: dict[str, list[str]]
    unclear: dict[str, list[str]]


@cache
def load_phrases(name: str = "english") -> Phrases:
    """Phrases of ``assets/phrases`` or of a user's file, read once: fitting makes hundreds of patients.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key that is wrong.
    """
    return decode_toml(asset_path("phrases", name), Phrases)


class ReportStage(msgspec.Struct, frozen=True):
    """One answer; ``nrs`` is None when no number was given."""

    question: str
    text: str
    nrs: int | None = None
    refused: bool = False
    words: tuple[str, ...] = ()


def question_of(text: str) -> str:
    """Which question is meant, "" when none is understood; no words at all ask for the number."""
    plain = text.strip().lower()
    if not plain:
        return "nrs"
    return next((name for name, marks in QUESTIONS.items() if any(mark in plain for mark in marks)), "")


def band_of(nrs: float, low_catastrophising: bool = False) -> str:
    """Band of a number: "none", "mild", "moderate" or "severe" (Boonstra 2016)."""
    moderate, severe = (4, 7) if low_catastrophising else (6, 8)
    if nrs < 0.5:
        return "none"
    return "severe" if nrs >= severe else "moderate" if nrs >= moderate else "mild"


def report_sd(talk: ReportStyle) -> float:
    """Standard deviation of the number before rounding, NRS."""
    return talk.eta * float(np.exp((1.0 - talk.confidence) / talk.cs))


class SelfReport:
    """Answers; the same questions in the same order get the same answers from the same seed.

    Parameters
    ----------
    sites
        Of the patient: what is asked about when nothing is pressed is the worst of them.
    story
        Sentences of complaint and history.
    """

    def __init__(
        self,
        talk: ReportStyle,
        sites: Sequence[TenderSite] = (),
        story: Sequence[str] = (),
        seed: int = 0,
        phrases: Phrases | None = None,
    ) -> None:
        self._talk = talk
        self._sites = {site.name: site for site in sites}
        self._worst = max(sites, key=lambda site: site.strength, default=None)
        self._story = talk.story or tuple(story)
        self._phrases = phrases or load_phrases()
        self._seed = seed
        self._asked = 0
        self._said_nrs: int | None = None

    def answer(self, question: str, state: PainState) -> ReportStage:
        """Answer a question in this state; words that are not understood are asked back."""
        self._asked += 1
        # Draws of its own for every question: what the one before it drew does not shift the answer to this one.
        self._random = np.random.default_rng(np.random.SeedSequence([self._seed, STREAM, self._asked]))
        asked = question_of(question)
        if not asked:
            return ReportStage(question.strip(), self._one(self._phrases.unclear["lines"]), refused=True)
        chance, noise = float(self._random.random()), float(self._random.standard_normal())
        talk = self._talk
        if chance < talk.refusal:
            lines = self._phrases.refusal["number" if asked == "nrs" else "other"]
            return ReportStage(asked, self._one(lines), refused=True)
        if chance < talk.refusal + talk.confusion:
            return ReportStage(asked, self._one(self._phrases.confused["lines"]), refused=True)
        if asked == "nrs":
            return self._number(state, noise, again=chance > 1.0 - talk.confusion / 2.0)
        return getattr(self, f"_{asked}")(state)

    def _number(self, state: PainState, noise: float, again: bool) -> ReportStage:
        nrs = round(min(10.0, max(0.0, state.report_nrs + report_sd(self._talk) * noise)))
        if state.report_nrs < 0.5:
            nrs = min(nrs, 1)  # no pain is never rated 2 or more
        if again and self._said_nrs is not None:
            nrs = self._said_nrs
        self._said_nrs = nrs
        line = self._one(self._phrases.how_much.of(self._band(nrs)))
        return ReportStage("nrs", _sentence(line.format(number=self._phrases.numbers[nrs])), nrs)

    def _where(self, state: PainState) -> ReportStage:
        site = self._site(state)
        if site is None:
            return ReportStage("where", self._one(self._phrases.where["unknown"]))
        place = self._phrases.place[site.region]
        return ReportStage("where", _sentence(self._one(self._phrases.where["known"]).format(place=place)))

    def _quality(self, state: PainState) -> ReportStage:
        site, shown = self._site(state), state.report_nrs
        if site is None and shown < 0.5:
            return ReportStage("quality", self._one(self._phrases.feeling.of("calm")))
        rank = "severe" if shown >= SEVERE_WORDS_NRS else "moderate" if shown >= MODERATE_WORDS_NRS else "mild"
        lines = self._phrases.quality[site.quality if site else "sore"].of(rank)
        words = [lines[index] for index in self._random.permutation(len(lines))[: self._talk.sentences]]
        if state.report_nrs >= self._talk.affective_from_nrs:
            words.append(self._one(self._phrases.feeling.severe))
        return ReportStage("quality", " ".join(map(_sentence, words)), words=tuple(words))

    def _feeling(self, state: PainState) -> ReportStage:
        shown = state.report_nrs
        band = "severe" if shown >= self._talk.affective_from_nrs else "mild" if shown >= 2.0 else "calm"
        word = self._one(self._phrases.feeling.of(band))
        return ReportStage("feeling", word, words=(word,) if band != "calm" else ())

    def _worse(self, state: PainState) -> ReportStage:
        kind = "release" if state.sign == "rebound" else "pressing" if self._site(state) else "nothing"
        return ReportStage("worse", self._one(self._phrases.worse[kind]))

    def _history(self, _state: PainState) -> ReportStage:
        told = self._story[: 1 + self._talk.sentences]
        return ReportStage("history", " ".join(map(_sentence, told)) or self._one(self._phrases.unclear["lines"]))

    def _site(self, state: PainState) -> TenderSite | None:
        return self._sites.get(state.site, self._worst)

    def _band(self, nrs: float) -> str:
        return band_of(nrs, self._talk.low_catastrophising)

    def _one(self, lines: Sequence[str]) -> str:
        return lines[int(self._random.integers(len(lines)))]


def _sentence(text: str) -> str:
    """Capital first letter and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
