"""State reports of the processes as lines at the terminal: each fault once per change."""

from __future__ import annotations

import re

from robopatient.messages import ActorState

__all__ = ["ActorLines", "words_of"]

SETTLED_NS = 5_000_000_000
"""How long an actor must be ready before that is told: one that comes and goes is told once (assumption)."""

FIGURES = re.compile(r"\d+(\.\d+)?(?= (ms|frames late)\b)")
"""Of a detail, what changes by the second: a picture that takes a millisecond longer is no news, a smaller one is."""


def words_of(detail: str) -> str:
    """What an actor says of itself, without the figures that are new every second: what is no news has equal words."""
    return FIGURES.sub("#", detail)


class ActorLines:
    """Turns the states that are repeated every second into few lines."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._ready_ns: dict[str, int] = {}

    def line(self, state: ActorState) -> str:
        """Line for the newest state of an actor, or "" when there is nothing new.

        Told are "degraded" with another reason than before, what control waits for at the start, and that either is
        over. The supervisor tells "failed" itself.
        """
        actor = state.actor
        if state.state == "ready":
            return self._over(actor, state.t_ns)
        if state.state != "degraded" and (state.state, actor) != ("starting", "control"):
            return ""
        self._ready_ns.pop(actor, None)
        words = words_of(state.detail)
        if words == self._told.get(actor, ""):  # nothing new, or nothing to say yet
            return ""
        self._told[actor] = words
        return f"{actor}: {state.detail}"

    def _over(self, actor: str, t_ns: int) -> str:
        if actor not in self._told:
            return ""
        since_ns = self._ready_ns.setdefault(actor, t_ns)
        if actor != "control" and t_ns - since_ns < SETTLED_NS:
            return ""
        del self._told[actor], self._ready_ns[actor]
        return f"{actor}: ready"
