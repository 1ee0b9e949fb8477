"""A face that nobody saw answers nothing: gaps in the rows of ``seen``, and all that is read from the record."""

from __future__ import annotations

import csv
import math
import re

import msgspec
import numpy as np
import pytest

from robopatient import messages as m
from robopatient.config import FaceConfig, SessionConfig
from robopatient.record import latency
from robopatient.record.debrief_scales import grade_items, pair_ratings
from robopatient.record.debrief_session import load_debriefing
from robopatient.record.health import findings
from robopatient.record.presses import press_rows, write_presses
from robopatient.record.reader import Record
from robopatient.record.visibility import GAP_S, load_visibility, row_gaps
from robopatient.record.writer import RecordWriter
from robopatient.report.debrief import write_debrief
from robopatient.report.session import write_report

TOLD = "The face was not visible from 0:03 to 0:07: lines about the face are empty for that time."


@pytest.fixture(params=["unseen", "undrawn"])
def folder(request):
    """A record of now and one of version 0.1."""
    return request.getfixturevalue(request.param)


def curve_runs(page: str, kind: str) -> int:
    """Of how many pieces a curve over time is."""
    [path] = re.findall(rf'-curve-{kind}">\s*<path d="([^"]*)"', page)
    return path.count("M")


def test_a_gap_lies_where_no_picture_came_for_longer_than_the_limit(folder):
    with Record(folder) as record:
        seen = load_visibility(record)
    [gap] = seen.gaps
    assert (gap.begin_ns - seen.begin_ns) * 1e-9 == pytest.approx(3.1, abs=0.04)
    assert (gap.end_ns - seen.begin_ns) * 1e-9 == pytest.approx(7.0, abs=0.04)
    assert gap.why.startswith(("no picture", "drawing failed"))
    assert seen.told(seen.begin_ns) == TOLD
    assert seen.unseen_s == pytest.approx(3.9, abs=0.07)


def test_a_face_that_was_shown_all_the_time_has_no_gap(recorded):
    with Record(recorded()) as record:
        seen = load_visibility(record)
        assert seen.gaps == ()
        assert seen.told(0) == ""
        assert len(seen.table("t_ns")["t_ns"]) == len(seen.messages()) == 300


def test_a_face_that_never_came_was_not_visible_in_the_whole_session(recorded):
    with Record(recorded(face=False)) as record:
        seen = load_visibility(record)
    assert seen.never
    assert "in the whole session" in seen.told(0)


def test_a_session_without_a_face_misses_none(tmp_path):
    config = msgspec.structs.replace(SessionConfig(), face=FaceConfig(enabled=False))
    with RecordWriter(tmp_path / "s", min_free_mb=1) as writer:
        writer.put(m.SessionStart(0, "", "s", "0", "", 1, msgspec.json.encode(config).decode(), "{}", {}))
        writer.put(m.ForceFrame(1, 1, 1, (0.0,)))
        writer.put(m.SessionStop(10**10, "done"))
    with Record(tmp_path / "s") as record:
        assert load_visibility(record).gaps == ()


def test_gaps_at_both_ends_and_pictures_just_within_the_limit():
    step_ns = round(GAP_S * 1e9)
    times = np.array([2, 3, 4, 7], np.int64) * step_ns
    assert row_gaps(times, 0, 9 * step_ns) == [
        (0, 2 * step_ns), (4 * step_ns, 7 * step_ns), (7 * step_ns, 9 * step_ns)
    ]  # fmt: skip
    assert row_gaps(times[:0], 0, 9 * step_ns) == [(0, 9 * step_ns)]


def test_a_press_whose_face_was_not_shown_has_neither_pspi_nor_latency_of_the_face(folder, tmp_path):
    with Record(folder) as record:
        rows = press_rows(record)
    assert [row.face_shown for row in rows] == [True, False, False, True]
    assert [math.isnan(row.peak_pspi) for row in rows] == [False, True, True, False]
    assert [math.isnan(row.face_latency_ms) for row in rows][1:3] == [True, True]
    assert not any(math.isnan(row.peak_nrs) or math.isnan(row.voice_latency_ms) for row in rows)
    write_presses(rows, tmp_path / "presses.csv")
    table = list(csv.DictReader((tmp_path / "presses.csv").open()))
    assert [row["face_shown"] for row in table] == ["1", "0", "0", "1"]
    assert [row["peak_pspi"] == "" for row in table] == [False, True, True, False]


def test_no_latency_is_counted_across_a_gap(folder, recorded):
    with Record(folder) as record, Record(recorded()) as whole:
        seen = load_visibility(record)
        answers = latency.touch_to_face(record.table("face"), seen.table())
        all_ms = latency.touch_to_face(whole.table("face"), whole.table("seen")).latency_ms
    assert 0 < len(answers.latency_ms) < len(all_ms)
    assert answers.latency_ms.max() <= all_ms.max()
    assert not any(seen.lacks(int(a), int(b)) for a, b in zip(answers.received_ns, answers.answered_ns, strict=True))


def test_scales_of_the_face_are_open_when_it_was_not_shown(folder):
    with Record(folder) as record:
        seen, heard, pain = load_visibility(record), record.table("heard"), record.table("pain")
        table, zero_ns = seen.table(), seen.begin_ns
    in_the_gap = grade_items(table, heard, zero_ns + 4 * 10**9, zero_ns + 6 * 10**9)
    faces = [each for each in in_the_gap if each.item == "face"]
    assert faces
    assert all(math.isnan(each.value) and each.why == "the face was not shown" for each in faces)
    assert any(math.isfinite(each.value) for each in in_the_gap), "the voice was heard"
    whole = [each for each in grade_items(table, heard, zero_ns, zero_ns + 10**10) if each.item == "face"]
    assert all(math.isfinite(each.value) and "not shown for 4 s" in each.why for each in whole)
    ratings = [m.Rating(zero_ns + 6 * 10**9, "T01", scale, 2.0) for scale in ("NRS", "PSPI", "BPS.face")]
    truths = [pair.truth for pair in pair_ratings(ratings, pain, table, heard, zero_ns)]
    assert math.isfinite(truths[0])
    assert all(math.isnan(truth) for truth in truths[1:])


def test_lines_of_the_examination_leave_presses_out_that_had_no_face(folder):
    with Record(folder) as record:
        session = load_debriefing(record)
    assert session.examination.unseen_presses == 2
    assert {response.press for response in session.examination.responses} <= {1, 4}
    assert session.figures.unseen_presses == 2
    assert session.figures.face_unseen_s == pytest.approx(3.9, abs=0.07)


def test_the_debrief_says_on_top_when_the_face_was_not_visible_and_breaks_its_curve(folder, tmp_path):
    with Record(folder) as record:
        write_debrief(load_debriefing(record), [], [], tmp_path / "debrief.html")
    page = (tmp_path / "debrief.html").read_text(encoding="utf-8")
    assert f'<p class="banner bad">{TOLD}</p>' in page
    assert page.index(TOLD) < page.index('class="tiles"')
    assert "2 of 4 presses: the face was not shown" in page
    assert curve_runs(page, "seen") == 2


def test_a_debrief_without_any_face_claims_nothing_about_it(recorded, tmp_path):
    with Record(recorded(face=False)) as record:
        write_debrief(load_debriefing(record), [], [], tmp_path / "debrief.html")
    page = (tmp_path / "debrief.html").read_text(encoding="utf-8")
    assert "in the whole session" in page
    assert "0 presses began while it still showed pain" not in page
    assert "not known: the face was not shown" in page


def test_the_report_says_on_top_when_the_face_was_not_visible_and_breaks_its_curve(folder, tmp_path):
    with Record(folder) as record:
        write_report(record, [], None, tmp_path / "report.html")
        health = {finding.subject: finding for finding in findings(record)}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f'<p class="banner bad">{TOLD}</p>' in page
    assert page.index(TOLD) < page.index('class="tiles"')
    assert curve_runs(page, "seen") == 2
    assert page.count("not shown</td>") == 2
    assert health["Face"].verdict == "bad"
    assert "not visible for 4 s" in health["Face"].text
