"""After a session people wait for the debrief: it is there before the film is begun, and outlives a film that fails."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from robopatient import messages as m
from robopatient.config import FaceConfig, SessionConfig, TrainingConfig
from robopatient.errors import RecordError
from robopatient.record.writer import RecordWriter
from robopatient.session import debrief, finish


@pytest.fixture
def session(tmp_path: Path) -> Path:
    config = SessionConfig(training=TrainingConfig(trainee="T1"), face=FaceConfig(identity="margaret"))
    with RecordWriter(tmp_path / "s", min_free_mb=1) as writer:
        text = msgspec.json.encode(config).decode()
        writer.put(m.SessionStart(0, "2026-03-14T09:00:00+00:00", "id", "0", "", 1, text, "{}", {}))
        for step in range(60):
            t_ns = step * 33_333_333
            newton = 20.0 if 10 < step < 40 else 0.0
            writer.put(m.ForceFrame(t_ns, t_ns, step, (newton,), (145.0, 145.0)))
            writer.put(m.PainState(t_ns, step, newton / 4, "", "hold"))
            writer.put(m.Seen(t_ns, step, step, t_ns, m.FacePose({"AU4": newton / 8}), newton / 4))
        writer.put(m.Press(333_333_330, 10, 600_000_000, 18, 1_333_333_320, 20.0, 60.0, 145.0, 145.0, "umbilical"))
        writer.put(m.SessionStop(2_000_000_000, "done"))
    return tmp_path / "s"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Neither a browser nor a renderer."""
    monkeypatch.setattr(debrief, "print_pdf", lambda *_: None)

    class Plain:
        kind = "plain"

        def draw(self, _pose: object):
            import numpy as np

            return np.zeros((64, 64, 3), np.uint8)

        def close(self) -> None:
            pass

    monkeypatch.setattr(debrief, "make_renderer", lambda *_: Plain())
    monkeypatch.setattr(finish, "make_renderer", lambda *_: Plain())


def test_the_debrief_is_written_before_the_film_is_begun(session, monkeypatch):
    there: list[list[str]] = []

    def film(path: Path, *_: object, **__: object) -> None:
        there.append(sorted(each.name for each in session.iterdir()))
        path.touch()

    monkeypatch.setattr(finish, "write_film", film)
    finish.finish(session, lambda _: None)
    assert len(there) == 1
    assert {"debrief.html", "debrief.json", "presses.csv"} <= set(there[0])
    assert "report.html" not in there[0], "the report shows the film, and comes after it"
    assert (session / "report.html").exists()


def test_a_film_that_fails_costs_neither_debrief_nor_report(session, monkeypatch):
    def film(*_: object, **__: object) -> None:
        raise RecordError("session.mp4: the film stopped after 0.1 s: no space left")

    told: list[str] = []
    monkeypatch.setattr(finish, "write_film", film)
    finish.finish(session, told.append)
    assert (session / "debrief.html").exists()
    assert (session / "report.html").exists()
    assert any("no space left" in line for line in told)
