"""Control on a simulated clock: ratings by keys and by dial, and what the board notes, on the record."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from firmware_bridge.board import LinkHealth
from robopatient import messages as m
from robopatient.bus import make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import SessionConfig, TrainingConfig, VoiceConfig
from robopatient.record.debrief_figures import read_figures
from robopatient.record.reader import Record
from robopatient.session.control import Control
from robopatient.session.debrief import make_debrief

SECOND = 1_000_000_000


@pytest.fixture
def control(tmp_path: Path):
    """Control of a training session whose loop the test turns; closed as the session's end would."""
    made: list[Control] = []

    def make(folder: Path, trainee: str = "T07", start_s: float = 1000.0) -> Control:
        sockets = tmp_path / f"sockets{len(made)}"
        sockets.mkdir()
        config = SessionConfig(
            patient="appendicitis", scenario="first_examination", training=TrainingConfig(trainee=trainee),
            voice=VoiceConfig(identity="margaret"), seed=len(made),
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        made.append(Control(config, make_endpoints(sockets), folder, FakeClock(round(start_s * SECOND))))
        return made[-1]

    yield make
    for each in made:
        each.record.close()
        each.hub.close()


def examine(control: Control, seconds: float = 20.0, newton: float = 22.0) -> None:
    """A hand that presses McBurney's point for a second, every two."""
    contact = control.pipeline.sensing.phantom.plate_mm(-72.0, -51.0)
    control._say(control._session_start())
    for turn in range(round(seconds * 50)):
        control.clock.advance_s(0.02)
        now_ns = control.clock.now_ns()
        pressed = turn % 100 < 50
        frame = m.ForceFrame(now_ns, now_ns, turn, (newton if pressed else 0.0,), contact if pressed else None)
        control.pipeline._newest = frame
        control._publish(control.pipeline.tick(now_ns))


def finish(control: Control) -> Path:
    control._say(m.SessionStop(control.clock.now_ns(), "done"))
    control.record.close()
    control.journal.close()
    return control.record.path.parent


def test_ratings_by_keys_and_by_dial_are_on_the_record_as_the_trainees(control, tmp_path):
    session = control(tmp_path / "s")
    examine(session, 4.0)
    session._act(m.OperatorAction(session.clock.now_ns(), "rating", "NRS 6"))
    session._act(m.OperatorAction(session.clock.now_ns(), "rating", "NRS 6.3", source="trainee"))
    session._act(m.OperatorAction(session.clock.now_ns(), "rating", "BPS.face 3", source="T07"))
    session._act(m.OperatorAction(session.clock.now_ns(), "rating", "OSCE.consent 1"))
    session._act(m.OperatorAction(session.clock.now_ns(), "rating", "NRS 60"))
    with Record(finish(session)) as record:
        ratings = [(rating.rater, rating.scale, rating.value) for rating in record.messages("rating")]
        notes = [note.text for note in record.messages("note")]
    assert ratings == [
        ("trainee", "NRS", 6.0), ("trainee", "NRS", 6.3), ("T07", "BPS.face", 3.0), ("instructor", "OSCE.consent", 1.0),
    ]  # fmt: skip
    assert any("NRS" in note and "60" in note for note in notes), "a rating that no scale allows is told"


def test_a_trainees_ratings_meet_the_truth_over_sessions(control, tmp_path):
    """Three sessions of a trainee who always says two less; the instructor's own number is no part of it."""
    errors = []
    for number in range(3):
        session = control(tmp_path / f"{number}", start_s=1000.0 * (number + 1))
        examine(session, 8.0, newton=15.0 + 4 * number)
        felt = max(session.pipeline.patient._felt.nrs, 0.0)
        session.clock.advance_s(0.1)
        recent = max(felt, 4.0)
        session._act(m.OperatorAction(session.clock.now_ns(), "rating", f"NRS {max(0.0, recent - 2.0):.1f}"))
        session._act(m.OperatorAction(session.clock.now_ns(), "rating", "NRS 10", source="instructor"))
        folder = finish(session)
        make_debrief(folder, lambda _: None, pdf=False)
        figures = read_figures(folder)
        own = [pair for pair in figures.ratings if pair.rater == "trainee"]
        assert len(own) == 1
        assert figures.rating_error == pytest.approx(own[0].given - own[0].truth)
        errors.append(figures.rating_error)
    page = (tmp_path / "2" / "debrief.html").read_text(encoding="utf-8")
    assert all(error < 0 for error in errors), "less than was felt"
    assert "over 1 ratings" in page, "of this session; the instructor's is in the table alone"
    assert "Ratings against the pain felt: 1 of this session, 2 earlier" in page


def test_a_note_of_another_calibration_warns_on_the_record_and_in_every_report(control, tmp_path):
    session = control(tmp_path / "s")
    session._say(session._session_start())
    session.board.health = lambda: LinkHealth(state="streaming", note="plate-b 2026-04-01 1234abcd")  # type: ignore[method-assign]
    for _ in range(3):
        session.clock.advance_s(1.0)
        session._tell_health(session.clock.now_ns())
    with Record(finish(session)) as record:
        health = record.messages("health")
        notes = [note for note in record.messages("note") if "plate-b" in note.text]
    assert all(any("plate-b of 2026-04-01" in warning for warning in each.warnings) for each in health)
    assert [note.level for note in notes] == ["error"], "told once"
    assert msgspec.json.encode(health[0])
