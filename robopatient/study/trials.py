"""Types of a design: trial, block, stimulus, and the person whose list it is."""

from __future__ import annotations

import re
import zlib
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.errors import ConfigError
from robopatient.messages import VoiceAsk

__all__ = ["FaceStimulus", "Factors", "Kind", "Level", "Person", "Stimulus", "Trial", "TrialBlock", "VoiceStimulus"]

Level = float | str
Factors = dict[str, Level]
Kind = Literal["main", "practice", "catch", "repeat"]
Nrs = Annotated[float, Meta(ge=0, le=10)]


class Trial(msgspec.Struct, frozen=True):
    """One trial of the list.

    Attributes
    ----------
    repeat_of
        Place in the same block of the trial that this one repeats, or -1.
    staircase
        Name of the staircase that chooses the level of its factor when the trial begins, "learner", or "".
    """

    factors: Factors
    kind: Kind = "main"
    repeat_of: int = -1
    staircase: str = ""


class TrialBlock(msgspec.Struct, frozen=True):
    """Trials run in one go, with a break after them; ``name`` tells blocks apart in a Latin square."""

    name: str
    trials: tuple[Trial, ...]


class VoiceStimulus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the voice does.

    Attributes
    ----------
    mode
        "silent"; "once": one sound at the trigger; "pressed": while the force lasts, level and pain following it;
        "patient": as the session's patient and policy have it.
    level_db
        Level relative to the voice's loudest cry: of the sound, or at ``full_newton``.
    roughness, breathiness
        Of the sound, 0 to 1, as in ``VoiceAsk``.
    f0_semitones
        Offset from the voice's habitual f0; with recordings, from the recording's own.
    nrs
        Pain that chooses the kind of call, or the recording.
    call
        Gesture, as in ``VoiceAsk.call``.
    duration_s
        Of one sound.
    full_newton
        Force at which a sound that follows it has its level.
    """

    mode: Literal["silent", "once", "pressed", "patient"] = "silent"
    level_db: Annotated[float, Meta(ge=-60, le=0)] = 0.0
    f0_semitones: Annotated[float, Meta(ge=-24, le=48)] = 0.0
    nrs: Nrs = 6.0
    roughness: Annotated[float, Meta(ge=0, le=1)] = 0.2
    breathiness: Annotated[float, Meta(ge=0, le=1)] = 0.2
    call: str = "auto"
    duration_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.6
    full_newton: Annotated[float, Meta(gt=0, le=200)] = 20.0

    def ask(self) -> VoiceAsk:
        """The wish to the voice: what this stimulus and ``VoiceAsk`` both name."""
        return msgspec.convert(self, VoiceAsk, from_attributes=True)


class FaceStimulus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the face does.

    Attributes
    ----------
    mode
        "neutral"; "once": one grimace at the trigger; "pressed": while the force lasts, in proportion to it;
        "patient": as the session's patient and policy have it.
    nrs
        Pain shown: at the apex, or at ``full_newton``.
    expressiveness
        Factor on the strength of the grimace: 1 as the face's model has it, 0 none.
    full_newton
        Force at which a grimace that follows it shows ``nrs``, N.
    duration_s
        Of one grimace.
    """

    mode: Literal["neutral", "once", "pressed", "patient"] = "neutral"
    nrs: Nrs = 10.0
    expressiveness: Annotated[float, Meta(ge=0, le=2)] = 1.0
    duration_s: Annotated[float, Meta(ge=0.05, le=10)] = 1.0
    full_newton: Annotated[float, Meta(gt=0, le=200)] = 20.0


class Stimulus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one trial asks for and presents.

    Attributes
    ----------
    trigger
        What sets off the reaction: the force reaching ``trigger_newton``, its first peak above that, or the trial's
        begin (no press at all). A reaction that follows the force is there from the first contact on.
    trigger_newton
        Force that sets off the reaction, N; with "begin" it is not read.
    voice, face
        What the voice and the face do; by default nothing.
    target_low_newton, target_high_newton
        Band shown to the participant; both 0 without one.
    voice_gain, face_gain, voice_delay_ms, face_delay_ms
        As in ``SplitConfig``: the conflict between the channels.
    react_s
        Time from the trigger that the reaction is given at least, before the question.
    media
        Films shown one after another instead of a reaction.
    question
        Name of the question, or "" for the study's own.
    """

    trigger: Literal["threshold", "peak", "begin"] = "threshold"
    trigger_newton: Annotated[float, Meta(ge=0, le=200)] = 5.0
    target_low_newton: Annotated[float, Meta(ge=0, le=200)] = 0.0
    target_high_newton: Annotated[float, Meta(ge=0, le=200)] = 0.0
    voice: VoiceStimulus = VoiceStimulus()
    face: FaceStimulus = FaceStimulus()
    voice_gain: Annotated[float, Meta(ge=0, le=4)] = 1.0
    face_gain: Annotated[float, Meta(ge=0, le=4)] = 1.0
    voice_delay_ms: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    face_delay_ms: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    react_s: Annotated[float, Meta(ge=0, le=120)] = 0.0
    media: tuple[str, ...] = ()
    question: str = ""


class Person(msgspec.Struct, frozen=True):
    """Whose list of trials: a pseudonym, the number in it, which session, and the study's seed."""

    code: str
    session: int = 1
    seed: int = 1

    @property
    def number(self) -> int:
        """Row of a Latin square, from 0: the digits of the code less 1 ("P01" is 0).

        Raises
        ------
        ConfigError
            For a code without digits, which cannot be counterbalanced.
        """
        digits = "".join(re.findall(r"\d+", self.code))
        if not digits:
            raise ConfigError(
                f'participant "{self.code}": a code needs a number, which chooses the order of conditions; for '
                "example --participant P01"
            )
        return int(digits) - 1

    def rng(self) -> np.random.Generator:
        """Randomness of this list: equal for equal seed, code and session."""
        return np.random.default_rng([self.seed, zlib.crc32(self.code.encode()), self.session])
