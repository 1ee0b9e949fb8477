"""A live lesson from end to end: presses, sound, face, ratings, a trainer killed in the middle, a policy in the end."""

import sqlite3
from pathlib import Path

import pytest

from policies import live
from robopatient.expression.ppo import read_checkpoint
from robopatient.record.reader import Record
from robopatient.session.supervisor import Row

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]

RATINGS = 2
PERSON = Row("person", "support.live_person:main", lambda config: True, restart=False)


def test_a_lesson_goes_on_when_the_trainer_is_killed_and_ends_with_a_policy(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    begun = live.run_session
    monkeypatch.setattr(
        live, "run_session", lambda config, folder, extra: begun(config, folder, extra=(*extra, PERSON))
    )
    status = live.train_live(
        session=Path("assets/sessions/demo.toml"),
        out=tmp_path / "lesson",
        task="pain-to-voice-and-face",
        question_name="",
        ratings=RATINGS,
        start="",
        seed=1,
        headless=True,
        overrides=("voice.enabled=false", "face.enabled=false", "record.report=false", "duration_s=250"),
    )
    assert status == 0
    card, _ = read_checkpoint(tmp_path / "lesson" / "policy")
    assert card.training["answers"] == RATINGS
    assert [axis.name for axis in card.action] == ["level_db", "f0_ratio", "face_gain"]
    with Record(tmp_path / "lesson" / "sessions" / "001") as record:
        answers = [action for action in record.messages("action") if action.action == "answer"]
        suggested = [action for action in record.messages("action") if action.action == "suggest"]
        shown = {expression.policy.partition("+")[2] for expression in record.messages("expression")}
        phases = [state.phase for state in record.messages("study")]
        died = [note.text for note in record.messages("note") if "trainer died" in note.text]
    assert died, "the trainer was killed"
    assert len(answers) >= RATINGS
    assert {f"trial{number}" for number in range(RATINGS)} <= shown, "every suggestion was acted on"
    assert len(suggested) >= RATINGS
    assert any('"face_gain"' in action.argument for action in suggested), "the face is taught with the voice"
    assert {"consent", "instructions", "press", "question", "done"} <= set(phases)
    with sqlite3.connect(tmp_path / "lesson" / "ratings.sqlite") as log:
        kept = log.execute("SELECT COUNT(*) FROM events WHERE kind = 'rating'").fetchone()[0]
    assert kept == RATINGS, "no rating was lost or doubled"
