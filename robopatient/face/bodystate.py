"""Redness, pallor, sweat and tears over time, caused by lasting pain or asked for by the expression.

These are slower than any muscle, so they live beside the generator and not in it: every engine gets them.
"""

from __future__ import annotations

import math

import msgspec

from robopatient.face.identity import Body
from robopatient.messages import FaceCommand, FacePose
from robopatient.topics import TOPICS

__all__ = ["BodyState"]

RISE_S = {"flush": 8.0, "sweat": 45.0, "tears": 12.0}
FALL_S = {"flush": 30.0, "sweat": 120.0, "tears": 60.0}
"""Time constants (assumption: blushing peaks within 15-25 s, Drummond 1997; sweating follows in minutes)."""
ASKED_S = 2.0
"""What is asked for comes with this time constant: nobody turns pale from one frame to the next."""
TEARS_FROM_NRS = 6.0
"""Pain from which eyes run (assumption)."""
LONGEST_STEP_S = 2.0

_MAX_AGE_NS = round((TOPICS["face"].max_age_ms or math.inf) * 1e6)


class BodyState:
    """One person's skin during a session.

    Parameters
    ----------
    body
        How easily this person flushes, pales, sweats and weeps.
    """

    def __init__(self, body: Body | None = None) -> None:
        self.body = body or Body()
        self._own = dict.fromkeys(RISE_S, 0.0)
        self._asked = dict.fromkeys(RISE_S, 0.0)
        self._last_ns: int | None = None

    def step(self, pose: FacePose, command: FaceCommand | None, t_ns: int) -> FacePose:
        """The pose with the skin's state at ``t_ns`` (never decreasing); hushed or without news it eases."""
        dt_s = 0.0 if self._last_ns is None else min((t_ns - self._last_ns) * 1e-9, LONGEST_STEP_S)
        self._last_ns = t_ns
        quiet = command is None or command.hush or t_ns - command.t_ns > _MAX_AGE_NS
        ask = None if quiet or command is None else command.ask
        nrs = min(max(ask.nrs, 0.0), 10.0) if ask is not None and math.isfinite(ask.nrs) else 0.0
        own = {
            "flush": (self.body.flushes - self.body.pales) * nrs / 10.0,
            "sweat": self.body.sweats * nrs / 10.0,
            "tears": self.body.weeps * max(0.0, nrs - TEARS_FROM_NRS) / (10.0 - TEARS_FROM_NRS),
        }
        for name, goal in own.items():
            rising = abs(goal) > abs(self._own[name])
            self._own[name] += (goal - self._own[name]) * _share(dt_s, (RISE_S if rising else FALL_S)[name])
            asked = getattr(ask, name) if ask is not None else 0.0
            asked = asked if math.isfinite(asked) else 0.0
            self._asked[name] += (asked - self._asked[name]) * _share(dt_s, ASKED_S)
        total = {name: self._own[name] + self._asked[name] for name in own}
        if all(abs(value) < VISIBLE for value in total.values()):
            return pose
        return msgspec.structs.replace(
            pose,
            flush=min(max(pose.flush + total["flush"], -1.0), 1.0),
            sweat=min(max(pose.sweat + total["sweat"], 0.0), 1.0),
            tears=min(max(pose.tears + total["tears"], 0.0), 1.0),
        )


VISIBLE = 0.02
"""Below this nothing is looked up."""


def _share(dt_s: float, constant_s: float) -> float:
    return -math.expm1(-dt_s / constant_s)
