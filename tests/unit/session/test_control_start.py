"""A session begins when voice and face can act, however long their first start takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from robopatient import messages as m
from robopatient.bus import ActorPort, make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import SessionConfig
from robopatient.record.reader import Record
from robopatient.session.control import ACTORS_READY_S, Control

SECOND = 1_000_000_000


class Turned(FakeClock):
    """A clock that lets something happen whenever somebody sleeps."""

    happens: Callable[[], None] = staticmethod(lambda: None)

    def sleep_until_ns(self, deadline_ns: int) -> None:
        super().sleep_until_ns(deadline_ns)
        self.happens()


def begin(folder: Path, ready_s: dict[str, float]) -> tuple[float, list[m.ActorState], list[str]]:
    """Let control wait for actors that are ready after so long; when it went on, its states, and its notes."""
    endpoints = make_endpoints(folder)
    clock = Turned(1000 * SECOND)
    control = Control(SessionConfig(), endpoints, folder, clock)
    port = ActorPort(endpoints, ())
    left = {name: 1000.0 + wait_s for name, wait_s in ready_s.items()}

    def happens() -> None:
        for name, at_s in list(left.items()):
            if clock.now_ns() >= at_s * SECOND:
                del left[name]
                port.tell(m.ActorState(clock.now_ns(), name, "ready"))
                control.hub._pull.poll(2000)

    clock.happens = happens  # type: ignore[method-assign,assignment]
    for name in ready_s:
        port.tell(m.ActorState(clock.now_ns(), name, "starting"))
    control._await_actors()
    waited_s = clock.now_ns() / SECOND - 1000.0
    control.record.close()
    control.journal.close()
    control.hub.close()
    port.close()
    with Record(folder) as record:
        own = [state for state in record.messages("actor") if state.actor == "control"]
        return waited_s, own, [note.text for note in record.messages("note")]


def test_the_session_waits_for_a_first_start_of_minutes_and_says_for_whom(tmp_path: Path) -> None:
    waited_s, own, notes = begin(tmp_path, {"face": 90.0, "voice": 230.0})  # measured, two busy cores, empty caches
    assert waited_s == pytest.approx(230.0, abs=0.1)
    assert notes == []
    assert [state.state for state in own] == ["starting", "starting"]
    assert "voice and face" in own[0].detail
    assert "first session after an installation" in own[0].detail
    assert "waiting for voice:" in own[1].detail


def test_a_start_with_warm_caches_needs_no_word(tmp_path: Path) -> None:
    waited_s, own, notes = begin(tmp_path, {"face": 1.5, "voice": 2.5})
    assert waited_s == pytest.approx(2.5, abs=0.1)
    assert own == []
    assert notes == []


def test_an_actor_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    waited_s, _, notes = begin(tmp_path, {"voice": 1.0})
    assert waited_s == pytest.approx(ACTORS_READY_S, abs=0.1)
    assert notes == [f"face not ready after {ACTORS_READY_S:.0f} s; going on without"]
