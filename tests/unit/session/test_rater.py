from __future__ import annotations

import threading
import time

import pytest

from firmware_bridge.rater import make_rater
from robopatient import messages as m
from robopatient.bus import HubPort, make_endpoints
from robopatient.clock import HostClock
from robopatient.scales import parse_rating
from robopatient.session.rater import RaterActor, answer_of
from robopatient.study.questions import QUESTIONS


@pytest.mark.timeout(60)
def test_what_is_committed_on_the_device_reaches_the_session_once(tmp_path):
    endpoints = make_endpoints(tmp_path)
    hub = HubPort(endpoints)
    rater = make_rater("virtual")
    actor = RaterActor(rater, "nurse", endpoints, HostClock())
    thread = threading.Thread(target=actor.run)
    thread.start()
    told: list[m.Message] = []
    try:
        for _ in range(1000):
            told += hub.receive()
            if rater.dial is not None:
                break
            time.sleep(0.02)
        rater.board.type_line("dial 63")
        time.sleep(0.2)
        rater.board.type_line("commit")
        rater.board.type_line("mark")
        for _ in range(500):
            told += hub.receive()
            if any(isinstance(x, m.OperatorAction) and x.action == "note" for x in told):
                break
            time.sleep(0.02)
    finally:
        actor.leave()
        thread.join()
        actor.close()
    ratings = [x for x in told if isinstance(x, m.OperatorAction) and x.action == "rating"]
    assert [(x.argument, x.source) for x in ratings] == [("NRS 6.3", "nurse")]
    assert parse_rating(ratings[0].argument) == ("NRS", 6.3)
    hub.close()


@pytest.mark.timeout(60)
def test_a_rater_that_is_not_there_leaves_the_session_alone(tmp_path):
    endpoints = make_endpoints(tmp_path)
    hub = HubPort(endpoints)
    actor = RaterActor(make_rater("/dev/no-rater"), "trainee", endpoints, HostClock())
    actor.leave()
    actor.run()
    actor.close()
    states = []
    for _ in range(100):
        states += [x for x in hub.receive() if isinstance(x, m.ActorState)]
        if states and states[-1].state == "stopped":
            break
        time.sleep(0.02)
    assert [x.state for x in states][:2] == ["starting", "degraded"]
    assert "/dev/no-rater" in states[1].detail
    hub.close()


@pytest.mark.parametrize("name", [name for name, asked in QUESTIONS.items() if asked.labels])
def test_the_dial_reaches_every_answer_and_rises_with_the_scale(name):
    asked = QUESTIONS[name]
    given = [int(answer_of(name, dial)) for dial in range(101)]
    assert given == sorted(given)
    assert set(given) == set(asked.values)


def test_the_dial_gives_a_magnitude_as_its_number():
    assert [answer_of("magnitude", dial) for dial in (0, 1, 63, 100)] == ["1", "1", "63", "100"]
