"""Texts for participants in one language: a TOML file under ``assets/strings``, or a lab's own.

A file that cannot be read or that lacks a page, a button or an answer is refused before a session starts, by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from robopatient.config import asset_path, decode_toml
from robopatient.errors import ConfigError

__all__ = ["DEFAULT_PAGES", "REQUIRED_PAGES", "Page", "QuestionText", "Strings", "load_strings"]

DEFAULT_PAGES: dict[str, str] = {
    "setup": "setup",
    "consent": "consent",
    "instructions": "instructions.sound",
    "waiting": "feedback.saved",
    "ready": "ready.main",
    "press": "press.band",
    "react": "react.both",
    "question": "",
    "feedback": "feedback.saved",
    "break": "break",
    "paused": "paused",
    "done": "done",
    "aborted": "aborted",
}
"""Page shown in each phase when the study names none, or one that the file does not have."""

REQUIRED_PAGES = (
    "setup", "consent", "instructions.sound", "instructions.face", "instructions.both", "instructions.films",
    "instructions.delay", "instructions.lesson", "ready.practice", "ready.main", "press.band", "press.threshold",
    "press.again_missed", "press.again_early", "react.sound", "react.face", "react.both", "feedback.saved",
    "feedback.missed", "feedback.early", "feedback.undone", "break", "paused", "done", "aborted", "leave",
)  # fmt: skip


class AskedQuestion(Protocol):
    """What is needed of a row of the table of questions."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Answers in English, in order."""
        ...


class Buttons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words on buttons."""

    next: str
    back: str
    begin: str
    agree: str
    go_on: str
    listen_again: str
    stop: str
    stay: str
    leave: str
    enter: str


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Small print; braces stand for numbers."""

    trial: str
    practice: str
    page: str
    time_left: str
    below: str
    within: str
    above: str
    done: str
    no_force: str
    keys: str
    dial: str
    mute: str
    muted: str
    lift: str
    number: str
    least: str
    most: str


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A heading and paragraphs; of instructions, each paragraph is a screen of its own."""

    title: str
    text: tuple[str, ...] = ()


class QuestionText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question and its answers, from the first to the last of the table of questions."""

    prompt: str
    labels: tuple[str, ...]


class Strings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language."""

    language: str
    buttons: Buttons
    words: Words
    pages: dict[str, Page]
    questions: dict[str, QuestionText] = {}

    def page(self, key: str, phase: str) -> Page:
        """Page that the study names, or the phase's own."""
        return self.pages.get(key) or self.pages.get(DEFAULT_PAGES.get(phase, "")) or Page("")

    def everything(self) -> str:
        """All texts in one, to see whether a font can show them."""
        parts: list[str] = [self.language]
        parts += msgspec.structs.asdict(self.buttons).values()
        parts += msgspec.structs.asdict(self.words).values()
        for page in self.pages.values():
            parts += (page.title, *page.text)
        for asked in self.questions.values():
            parts += (asked.prompt, *asked.labels)
        return "".join(parts)


NUMBERS: dict[str, dict[str, int]] = {
    "trial": {"trial": 1, "trials": 2},
    "page": {"page": 1, "pages": 2},
    "time_left": {"minutes": 1, "seconds": 2},
    "keys": {"levels": 4},
}
"""What stands in the braces of a word."""


def load_strings(name: str, questions: Mapping[str, AskedQuestion] | None = None) -> Strings:
    """Texts of a language: a name under ``assets/strings`` or the path of a file.

    Parameters
    ----------
    questions
        Table of the questions that the session asks; each must have as many answers in the file as in the table.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and every page, word or answer that is missing or does not fit.
    """
    path = asset_path("strings", name)
    strings = decode_toml(path, Strings)
    missing = [page for page in REQUIRED_PAGES if page not in strings.pages]
    if missing:
        raise ConfigError(f"{path}: pages: lacks {_listed(missing)}; copy them from {_model(path)} and translate them")
    for word, numbers in NUMBERS.items():
        _fits(path, f"words.{word}", getattr(strings.words, word), numbers)
    for key, asked in (questions or {}).items():
        told = strings.questions.get(key)
        if told is None:
            raise ConfigError(f"{path}: questions: lacks {key}; copy it from {_model(path)} and translate it")
        if len(told.labels) != len(asked.labels):
            raise ConfigError(
                f"{path}: questions.{key}: {len(told.labels)} labels, but the question has {len(asked.labels)} "
                f"answers{_ends(asked.labels)}"
            )
    return strings


def _fits(path: Path, key: str, text: str, numbers: Mapping[str, int]) -> None:
    try:
        text.format(**numbers)
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join("{" + name + "}" for name in numbers)
        raise ConfigError(f'{path}: {key}: "{text}" cannot be filled in ({error}); write {known}') from None


def _ends(labels: tuple[str, ...]) -> str:
    return f" ({labels[0]} … {labels[-1]})" if labels else " (a number of one's own)"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _model(path: Path) -> str:
    return "assets/strings/english.toml" if path.name != "english.toml" else "the shipped english.toml"
