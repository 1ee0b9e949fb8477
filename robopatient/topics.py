"""The table of topics: all messages between processes. Read this file second."""

from __future__ import annotations

from typing import Literal, NamedTuple

from robopatient import messages as m

__all__ = ["TOPICS", "Topic", "topic_of"]

Delivery = Literal["latest", "every"]
"""Control streams are latest-wins; data streams are never dropped silently."""


class Topic(NamedTuple):
    """One row: its name on the bus, its message, how fast, how old it may get, and whether it is recorded.

    ``max_age_ms`` is the age from which a receiver must fail quiet (None: an event, never stale).
    ``sender`` is the process that speaks.
    """

    name: str
    message: type[m.Message]
    sender: Literal["control", "voice", "face", "console", "any"]
    rate_hz: float | None
    max_age_ms: float | None
    delivery: Delivery
    recorded: bool


TOPICS: dict[str, Topic] = {
    row.name: row
    for row in (
        #     name       message            sender     rate   max age  delivery  recorded
        Topic("force", m.ForceFrame, "control", 250.0, 100.0, "latest", True),
        Topic("press", m.Press, "control", None, None, "every", True),
        Topic("pain", m.PainState, "control", 250.0, 100.0, "latest", True),
        Topic("said", m.Said, "control", None, None, "every", True),
        Topic("expression", m.Expression, "control", 250.0, 100.0, "latest", True),
        Topic("voice", m.VoiceCommand, "control", 250.0, 200.0, "latest", True),
        Topic("face", m.FaceCommand, "control", 250.0, 200.0, "latest", True),
        Topic("heard", m.Heard, "voice", 187.5, 500.0, "every", True),
        Topic("spoken", m.Spoken, "voice", None, None, "every", True),
        Topic("loudness", m.Loudness, "voice", 1.0, 3000.0, "every", True),
        Topic("seen", m.Seen, "face", 30.0, 500.0, "every", True),
        Topic("action", m.OperatorAction, "any", None, None, "every", True),
        Topic("scenario", m.ScenarioChange, "control", None, None, "every", True),
        Topic("rating", m.Rating, "control", None, None, "every", True),
        Topic("study", m.StudyState, "control", 30.0, None, "latest", True),
        Topic("trial", m.TrialRecord, "control", None, None, "every", True),
        Topic("presented", m.TrialStart, "control", None, None, "every", True),
        Topic("lesson", m.LessonState, "any", None, None, "every", False),
        Topic("dial", m.Dial, "any", 10.0, 1000.0, "latest", False),
        Topic("actor", m.ActorState, "any", 1.0, 3000.0, "every", True),
        Topic("health", m.Health, "control", 1.0, 3000.0, "every", True),
        Topic("note", m.Note, "any", None, None, "every", True),
        Topic("start", m.SessionStart, "control", None, None, "every", True),
        Topic("stop", m.SessionStop, "control", None, None, "every", True),
    )
}

_BY_MESSAGE = {row.message: row for row in TOPICS.values()}


def topic_of(message: m.Message) -> Topic:
    """Row of the table for a message; KeyError for a type that does not flow."""
    return _BY_MESSAGE[type(message)]
