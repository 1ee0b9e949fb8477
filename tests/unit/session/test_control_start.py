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
from robopatient.session.supervisor import GIVEN_UP

SECOND = 1_000_000_000


class Turned(FakeClock):
    """A clock that lets something happen whenever somebody sleeps."""

    happens: Callable[[], None] = staticmethod(lambda: None)

    def sleep_until_ns(self, deadline_ns: int) -> None:
        super().sleep_until_ns(deadline_ns)
        self.happens()


def begin(
    folder: Path, ready_s: dict[str, float], failures: tuple[tuple[float, str, str], ...] = ()
) -> tuple[float, list[m.ActorState], list[str]]:
    """Let control wait for actors that are ready after so long; when it went on, its states, and its notes.

    ``failures``: after so long an actor's process died, and what the supervisor says of it.
    """
    endpoints = make_endpoints(folder)
    clock = Turned(1000 * SECOND)
    control = Control(SessionConfig(), endpoints, folder, clock)
    port = ActorPort(endpoints, ())
    left = [(1000.0 + wait_s, name, "ready", "") for name, wait_s in ready_s.items()]
    left += [(1000.0 + after_s, name, "failed", detail) for after_s, name, detail in failures]

    def happens() -> None:
        for told in list(left):
            at_s, name, state, detail = told
            if clock.now_ns() >= at_s * SECOND:
                left.remove(told)
                port.tell(m.ActorState(clock.now_ns(), name, state, detail))
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


def test_an_actor_that_dies_while_it_warms_up_and_is_started_again_is_waited_for(tmp_path: Path) -> None:
    died = (1.0, "face", "died (SIGKILL); restart 1 of 5")
    waited_s, _, notes = begin(tmp_path, {"voice": 0.5, "face": 6.0}, (died,))
    assert waited_s == pytest.approx(6.0, abs=0.1)
    assert notes == []


def test_an_actor_that_is_not_started_again_is_not_waited_for(tmp_path: Path) -> None:
    died = (2.0, "face", f"died (SIGKILL) 6 times; {GIVEN_UP}")
    waited_s, _, _ = begin(tmp_path, {"voice": 0.5, "face": 900.0}, (died,))
    assert waited_s == pytest.approx(2.0, abs=0.1)


def test_a_heartbeat_with_other_figures_is_no_row_and_a_smaller_or_rarer_picture_is(tmp_path: Path) -> None:
    control = Control(SessionConfig(), make_endpoints(tmp_path), tmp_path, FakeClock(SECOND))
    details = [f"face generator: {n} frames late; gl 512 px at 30 fps, {20 + n} ms a frame" for n in range(1, 60)]
    details += [f"face generator: {n} frames late; gl 512 px at 20 fps, {n} ms a frame" for n in range(60, 90)]
    details += [f"face generator: {n} frames late; gl 448 px at 20 fps, {n} ms a frame" for n in range(90, 120)]
    for detail in details:
        control._know_actor(m.ActorState(control.clock.now_ns(), "face", "ready", detail, 7))
    control.record.close()
    control.journal.close()
    control.hub.close()
    with Record(tmp_path) as record:
        assert [state.detail for state in record.messages("actor")] == [details[0], details[59], details[89]]
