import re

import msgspec
import numpy as np
import pytest

from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.errors import RecordError
from robopatient.record.reader import Record
from robopatient.record.writer import RecordWriter
from robopatient.report.session import KeyFrame, write_report


@pytest.fixture
def page(recorded, tmp_path):
    """Write the report of a made-up session and return its text."""

    def make(key_frames=False, film=None, **options):
        with Record(recorded(**options)) as record:
            rgb = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
            frames = [KeyFrame(seen, rgb) for seen in record.messages("seen")[::100]] if key_frames else []
            write_report(record, frames, film, tmp_path / "report.html")
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return make


def test_the_first_sentence_says_how_often_how_hard_and_where_it_hurt_most(page):
    text = page()
    assert "Four presses in 10 s, the hardest with 27 N." in text
    assert "It hurt most in the right iliac region (press 3 at 5.2 s, 27 N): pain 8.9 of 10" in text


def test_the_page_needs_nothing_from_the_network(page):
    text = page(key_frames=True)
    assert not re.search(r"https?://|<link|@import|src=\"(?!data:)", text)
    assert text.count('src="data:image/png;base64,') == 3
    assert len(text) < 2_000_000


def test_the_film_is_linked_beside_the_page(page, tmp_path):
    text = page(film=tmp_path / "session of today.mp4")
    assert 'data-zero="0.000" src="session%20of%20today.mp4"' in text


def test_without_a_film_there_is_no_player(page):
    assert "<video" not in page()


def test_latencies_are_told_with_their_percentiles_and_definition(page):
    text = page()
    assert re.search(r"p50 1\d\.\d · p95 1\d\.\d · p99 [12]\d\.\d · max [12]\d\.\d ms · n \d{3,}", text)
    assert "from the moment its bytes reached this" in text


def test_every_press_is_in_table_curves_and_map(page):
    text = page()
    assert text.count('<tr data-t="') >= 4
    assert text.count("<title>Press ") == 2 * 4, "on the map and over time"


def test_how_to_repeat_it_and_what_it_is_not_are_said(page):
    text = page()
    assert "robopatient run --like " in text
    assert "robopatient replay " in text
    assert "The force came from a simulated board (SIM four cells)" in text


def test_without_voice_and_face_the_page_says_so(page):
    text = page(voice=False, face=False)
    assert text.count("nothing on the record") == 3
    assert text.count("Not measured: nothing answered.") == 2
    assert "pain 8.9 of 10." in text


def test_without_a_press_the_page_says_so(page):
    text = page(presses=False)
    assert "Nothing pressed the abdomen in 10 s." in text
    assert "<h2>Presses</h2>" not in text


def test_a_session_that_was_cut_off_is_marked(page):
    text = page(stop=False)
    assert "it was cut off, or it is still running. Everything up to 10.0 s is here." in text


def test_a_session_of_a_start_alone_makes_a_page(tmp_path):
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(m.SessionStart(1, "yesterday", "id", "0.1.0", "", 1, "not json", "{}", {}))
    with Record(tmp_path) as record:
        write_report(record, [], None, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nothing pressed the abdomen in 0 s." in text
    assert "yesterday" in text
    assert "No map: the phantom" in text


def test_words_from_outside_cannot_become_markup(tmp_path):
    config = msgspec.json.encode(SessionConfig(title="<script>alert(1)</script>")).decode()
    with RecordWriter(tmp_path, min_free_mb=1) as writer:
        writer.put(m.SessionStart(1, "", "id", "0.1.0", "", 1, config, "{}", {}))
        writer.put(m.Note(2, "error", "<b>", "</td><img src=x>"))
    with Record(tmp_path) as record:
        write_report(record, [], None, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img src=x>" not in text


def test_a_page_that_cannot_be_written_is_named(recorded, tmp_path):
    with Record(recorded()) as record, pytest.raises(RecordError, match=r"nowhere/report\.html: the report cannot"):
        write_report(record, [], None, tmp_path / "nowhere" / "report.html")
