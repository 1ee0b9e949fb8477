"""The rater's process: a value committed by dial and button becomes a rating of the session.

The dial's 0 to 100 is the NRS times ten, or, while a study or a training session asks, a place on the scale of its
question; the mark button writes a note. A rater that was unplugged reconnects by itself.
"""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.errors import BridgeError
from firmware_bridge.rater import ButtonChange, Rater, RatingCommit, make_rater
from robopatient import messages as m
from robopatient.actor import Actor, serve
from robopatient.bus import ActorPort, Endpoints
from robopatient.clock import Clock, HostClock
from robopatient.config import SessionConfig
from robopatient.study.questions import MAX_MAGNITUDE, QUESTIONS

__all__ = ["RaterActor", "answer_of", "main"]

STEP_S = 0.02
DIAL_PER_NRS = 10.0
DIAL_FULL = 100.0


def main(config: SessionConfig, endpoints: Endpoints, folder: Path) -> None:
    """Pass ratings on until the session ends or SIGTERM arrives."""
    del folder  # ratings go to the record through control
    rater = make_rater(config.rater.port, config.rater.baud)
    serve(lambda: RaterActor(rater, config.rater.who, endpoints, HostClock()))


class RaterActor(Actor):
    """Steps the device and tells control what was committed; without a device it says so and the session goes on."""

    def __init__(self, rater: Rater, who: str, endpoints: Endpoints, clock: Clock) -> None:
        super().__init__(ActorPort(endpoints, ("stop", "study")), "rater", clock)
        self.rater = rater
        self._who = who
        self._fault = ""
        self._question = ""
        self._dial = -1
        self._tell_state("starting", rater.health().detail)
        try:
            rater.open()
        except BridgeError as error:
            self._fault = str(error)
            self._tell_state(*self._condition())

    def run(self) -> None:
        """Until told to leave; a rater that could not be opened is only waited out."""
        while not self._leaving:
            for entry in self.rater.step(STEP_S) if not self._fault else ():
                self._port.tell(self._action(entry))
            wait_ms = 0 if not self._fault else round(STEP_S * 1e3)
            for message in self._port.receive(wait_ms):
                self._hear(message)
            self._point()
            self._beat()

    def close(self) -> None:
        """Give the port back and say goodbye."""
        if not self._fault:
            self.rater.close()
        self._tell_state("stopped", self._condition()[1])
        self._port.close()

    def _hear(self, message: m.Message) -> None:
        if isinstance(message, m.SessionStop):
            self._leaving = True
        elif isinstance(message, m.StudyState):
            self._question = message.question if message.phase == "question" else ""

    def _point(self) -> None:
        """Tell the screens where the dial stands."""
        dial = self.rater.dial
        if dial is not None and dial != self._dial:
            self._dial = dial
            self._port.tell(m.Dial(self._clock.now_ns(), dial / DIAL_FULL))

    def _action(self, entry: RatingCommit | ButtonChange) -> m.OperatorAction:
        if isinstance(entry, RatingCommit) and self._question in QUESTIONS:
            return m.OperatorAction(entry.t_ns, "answer", answer_of(self._question, entry.value), source="rater")
        if isinstance(entry, RatingCommit):
            return m.OperatorAction(entry.t_ns, "rating", f"NRS {entry.value / DIAL_PER_NRS:g}", source=self._who)
        word = "pressed" if entry.pressed else "released"
        return m.OperatorAction(entry.t_ns, "note", f"mark {entry.line} {word}", source=self._who)

    def _condition(self) -> tuple[str, str]:
        detail = self._fault or self.rater.health().detail
        return "degraded" if detail else "ready", detail


def answer_of(name: str, dial: int) -> str:
    """Answer that a dial from 0 to 100 gives to a question: equal parts of its turn for the answers, or its number."""
    asked = QUESTIONS[name]
    if not asked.labels:
        return f"{min(MAX_MAGNITUDE, max(1, dial)):g}"
    return str(asked.first + min(asked.levels - 1, int(dial / DIAL_FULL * asked.levels)))
