"""Training: of people (scenario, ratings) and of a policy by a rater (lesson)."""

from __future__ import annotations

import msgspec

from robopatient.messages.flow import Message

__all__ = [
    "LessonState",
    "Rating",
    "ScenarioChange",
]


class Rating(Message, frozen=True, gc=False):
    """A rating by an observer, on a named scale.

    Attributes
    ----------
    rater
        Who judged: "trainee", "instructor" or the name of a rater device.
    scale
        Scale and item: "NRS", "BPS.face", "PAINAD.vocalisation", "OSCE.consent".
    value
        In the scale's own unit.
    """

    t_ns: int
    rater: str
    scale: str
    value: float


class ScenarioChange(Message, frozen=True, gc=False):
    """A step of the training scenario: a state entered or an event that happened.

    Attributes
    ----------
    state
        Where the scenario is from now on.
    event
        Name of the event, or "" for a change of state alone.
    why
        What brought it about, in words: the rule's condition, a trigger or the instructor's override.
    text
        Text for the instructor.
    """

    t_ns: int
    cause_seq: int
    state: str
    event: str = ""
    why: str = ""
    text: str = ""


class LessonState(Message, frozen=True, gc=False):
    """How far a live lesson has got, at every change; the lesson's own log is the record of it.

    Attributes
    ----------
    lesson
        Name of its folder.
    answers, goal
        Ratings in force, and how many are wanted.
    worth
        Expected worth of the deployed policy, 0 to 1: median and 90 % interval.
    curve
        The worth at each count of answers so far: count, median, low, high.
    observed, shown
        The current map: peak forces at the worst site, and the action there by name.
    units
        Of force, observation and actions, by name; the first is the map's axis.
    presented
        Force, observation and action of the trial in hand, by name; empty between trials.
    source
        Why this expression was chosen: "thompson", "policy" or "repeat".
    model
        Which model of the rater predicts best at present.
    frozen
        Why adaptation has stopped, or "".
    repeats, identical, difference_steps
        Hidden repeats so far, share answered the same way, mean difference in steps of the scale.
    busy
        1: the trainer is learning from the last answer.
    refused
        Why the last request was refused, or "".
    checkpoint
        Folder of the policy once it is written, or "".
    """

    t_ns: int
    lesson: str
    answers: int
    goal: int
    worth: tuple[float, float, float]
    curve: tuple[tuple[float, float, float, float], ...]
    observed: tuple[float, ...]
    shown: dict[str, tuple[float, ...]]
    units: dict[str, str]
    presented: dict[str, float] = msgspec.field(default_factory=dict)
    source: str = ""
    model: str = ""
    frozen: str = ""
    repeats: int = 0
    identical: float = 0.0
    difference_steps: float = 0.0
    busy: bool = False
    refused: str = ""
    checkpoint: str = ""
