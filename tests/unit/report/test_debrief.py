from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest

from robopatient import messages as m
from robopatient.config import SessionConfig, TrainingConfig
from robopatient.record.debrief_figures import Figures
from robopatient.record.debrief_session import load_debriefing
from robopatient.record.reader import Record
from robopatient.record.writer import RecordWriter
from robopatient.report.debrief import DebriefMoment, write_debrief
from robopatient.report.plots import calibration


class Tags(HTMLParser):
    """Every tag is closed, and nothing is fetched from elsewhere."""

    VOID = ("meta", "img", "br", "link", "line", "rect", "circle", "path", "ellipse")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href") and not value.startswith("data:")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def trained(recorded: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up session, held as a training session with ratings, marks, a scenario's steps and an answer."""
    source = Record(recorded())
    folder = tmp_path_factory.mktemp("trained")
    config = SessionConfig(
        scenario="first_examination", training=TrainingConfig(trainee="T01", instructor="<b>I</b>"[3:4])
    )
    start = msgspec.structs.replace(source.start, config_json=msgspec.json.encode(config).decode())

    def at(t_s: float) -> int:
        return start.t_ns + round(t_s * 1e9)

    with RecordWriter(folder, min_free_mb=1) as writer:
        writer.put(start)
        for topic in ("force", "pain", "press", "heard", "seen", "health", "stop"):
            for message in source.messages(topic):
                writer.put(message)
        writer.put(m.ScenarioChange(at(0), 0, "before", "", "start", "Waiting for the first touch."))
        writer.put(m.ScenarioChange(at(5), 0, "examined", "asked", "a press", "The patient <winces>."))
        writer.put(m.OperatorAction(at(0.5), "ask", "where"))
        writer.put(m.Said(at(0.6), 0, "where", "Down here on the right.", felt_nrs=0.0))
        writer.put(m.Rating(at(7.5), "trainee", "NRS", 5.0))
        writer.put(m.Rating(at(7.6), "trainee", "BPS.face", 2.0))
        writer.put(m.Rating(at(9.0), "instructor", "OSCE.consent", 1.0))
    return folder


def page(folder: Path, tmp_path: Path, moments=(), earlier=()) -> str:
    with Record(folder) as record:
        write_debrief(load_debriefing(record), moments, earlier, tmp_path / "debrief.html")
    return (tmp_path / "debrief.html").read_text(encoding="utf-8")


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(trained, tmp_path):
    face = np.zeros((64, 64, 3), np.uint8)
    html = page(trained, tmp_path, [DebriefMoment(3, 5_000_000_000_000, face, b"RIFF", 4.0)])
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    assert set(parser.links) <= {"#content"}
    assert "data:audio/wav;base64," in html
    assert "nan" not in re.sub(r"<[^>]*>", "", html).lower().split()


def test_it_says_who_was_examined_how_and_by_whom(trained, tmp_path):
    html = page(trained, tmp_path)
    for words in (
        "trainee T01",
        "First examination of a painful belly",
        "4 presses on 3 of 9 regions",
        "left hypochondriac",
    ):
        assert words in html
    assert "A simulated hand pressed" in html


def test_lines_from_the_record_and_marks_of_the_instructor_stand_apart(trained, tmp_path):
    html = page(trained, tmp_path)
    assert re.search(r"Asks about the pain before the first touch</td><td[^>]*>yes", html)
    assert re.search(r"obtains consent</td><td[^>]*>done", html)
    assert re.search(r"Cleans hands</td><td[^>]*>☐\xa0done", html)
    assert re.search(r"Light before deep, region by region</td><td[^>]*>0 of 2 deep regions", html)


def test_ratings_stand_beside_the_truth_and_never_become_a_total(trained, tmp_path):
    with Record(trained) as record:
        session = load_debriefing(record)
    nrs, face = session.pairs
    assert nrs.truth == pytest.approx(8.9, abs=0.2)  # 10 (1 - exp(-27 / 12)), the worst of the ten seconds before
    assert session.figures.rating_error == pytest.approx(5.0 - nrs.truth)
    assert face.scale == "BPS.face"
    html = page(trained, tmp_path)
    assert "1 of 3 items; no total" in html
    assert "not computable: the phantom has no limbs" in html


def test_words_from_the_record_cannot_break_the_page(trained, tmp_path):
    assert "The patient &lt;winces&gt;." in page(trained, tmp_path)


def test_earlier_sessions_are_listed_before_this_one(trained, tmp_path):
    before = Figures("x", "2026-03-01T10:00:00", "T01", "", "gastritis", "", 60.0, "done", presses=9, peak_newton=77.0)
    html = page(trained, tmp_path, earlier=[before])
    assert html.index("2026-03-01 10:00") < html.index("2026-03-14 09:26", html.index("Beside the earlier"))


@pytest.mark.parametrize("missing", [{"presses": False}, {"voice": False}, {"face": False}, {"stop": False}])
def test_what_is_not_on_the_record_is_said_or_left_out(recorded, tmp_path, missing):
    html = page(recorded(**missing), tmp_path)
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    words = {"presses": "Nobody pressed", "voice": "the record holds no sound", "stop": "it was cut off"}
    assert words.get(next(iter(missing)), "Debrief") in html


def test_a_line_is_fitted_only_to_enough_ratings():
    points = [(2.0, 1.0), (4.0, 2.0), (6.0, 3.0), (8.0, 4.0)]
    fitted = "stroke: var(--felt); stroke-width: 1.5"
    assert fitted in calibration(points[:1], points[1:])
    assert fitted not in calibration(points[:3], [])
    assert fitted not in calibration([(5.0, 5.0)] * 6, [])
