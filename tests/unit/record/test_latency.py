import math

import numpy as np
import pytest

from robopatient.record import latency
from robopatient.record.reader import Record


def ms(*values):
    """Times in ms as ns."""
    return np.array(values, dtype=np.int64) * 1_000_000


def asked(received_ms, level_db):
    zeros = np.zeros(len(received_ms))
    return {
        "received_ns": ms(*received_ms),
        "ask_level_db": np.array(level_db, dtype=float),
        "ask_f0_semitones": zeros,
        "ask_roughness": zeros,
        "ask_breathiness": zeros,
    }


def blocks(t_ms, cause_ms, level_dbfs, f0_hz=None):
    return {
        "t_ns": ms(*t_ms),
        "cause_received_ns": ms(*cause_ms),
        "level_dbfs": np.array(level_dbfs, dtype=float),
        "f0_hz": np.zeros(len(t_ms)) if f0_hz is None else np.array(f0_hz, dtype=float),
    }


def pictures(t_ms, cause_ms, au4):
    return {"t_ns": ms(*t_ms), "cause_received_ns": ms(*cause_ms), "au.AU4": np.array(au4, dtype=float)}


def test_sound_latency_runs_to_the_first_block_made_from_the_frame_or_a_newer_one():
    voice = asked([0, 4, 8, 12, 16], [-60, -60, -50, -40, -30])
    heard = blocks([10, 15, 20, 25], [0, 0, 8, 16], [-30, -30, -29, -28])
    assert latency.touch_to_sound(voice, heard).latency_ms == pytest.approx([20 - 8, 25 - 12, 25 - 16])


def test_a_frame_that_changed_nothing_or_was_not_audible_has_no_latency():
    assert len(latency.touch_to_sound(asked([0, 4], [-30, -30]), blocks([10], [4], [-20])).latency_ms) == 0
    assert len(latency.touch_to_sound(asked([0, 4], [-60, -50]), blocks([10], [4], [-120])).latency_ms) == 0
    assert len(latency.touch_to_sound(asked([0, 4], [-60, -50]), blocks([10], [0], [-20])).latency_ms) == 0


def test_pain_that_decays_because_the_board_is_silent_is_no_touch():
    assert len(latency.touch_to_sound(asked([4, 4, 4], [-30, -40, -50]), blocks([10], [4], [-20])).latency_ms) == 0


def test_face_latency_runs_to_the_first_picture_that_moved():
    face = {"received_ns": ms(0, 4, 8), "ask_nrs": np.array([0.0, 1.0, 2.0]), "ask_expressiveness": np.ones(3)}
    seen = pictures([33, 66, 100], [0, 4, 8], [0.0, 0.4, 0.4])
    assert latency.touch_to_face(face, seen).latency_ms == pytest.approx([66 - 4])


def test_the_made_up_session_gives_back_its_delays(recorded):
    with Record(recorded()) as record:
        voice, heard, face, seen = (record.table(topic) for topic in ("voice", "heard", "face", "seen"))
    sound = latency.summary(latency.touch_to_sound(voice, heard).latency_ms)
    look = latency.summary(latency.touch_to_face(face, seen).latency_ms)
    # 14 and 60 ms, up to one block (5.3 ms) or picture (33 ms) of waiting, up to one tick (4 ms) of sampling
    assert 14.0 <= sound["p50"] <= sound["p95"] <= sound["max"] <= 14.0 + 5.4 + 4.0
    assert 60.0 <= look["p50"] <= look["p95"] <= look["max"] <= 60.0 + 33.4 + 4.0
    assert sound["n"] > 500
    assert look["n"] > 500


def test_the_voice_answers_when_it_sets_in():
    heard = blocks([-10, 0, 10, 20, 30], [-20, -10, 0, 10, 20], [-75, -75, -75, -40, -30], [0, 0, 0, 200, 200])
    assert latency.voice_answer_ms(0, int(1e9), heard) == pytest.approx(20.0)


def test_idle_breath_is_no_answer_but_a_gasp_is():
    breath = blocks([-10, 0, 10, 20], [-20, -10, 0, 10], [-60, -75, -60, -58])
    assert math.isnan(latency.voice_answer_ms(0, int(1e9), breath))
    gasp = blocks([-10, 0, 10, 20], [-20, -10, 0, 10], [-60, -75, -60, -50])
    assert latency.voice_answer_ms(0, int(1e9), gasp) == pytest.approx(20.0)


def test_sound_caused_before_the_press_is_no_answer():
    heard = blocks([-10, 5, 20], [-20, -5, 10], [-75, -30, -30], [0, 200, 200])
    assert latency.voice_answer_ms(0, int(1e9), heard) == pytest.approx(20.0)


def test_a_voice_still_fading_answers_when_it_swells_again():
    heard = blocks([-10, 10, 20, 30, 40], [-20, 0, 10, 20, 30], [-20, -26, -32, -30, -28], [200] * 5)
    assert latency.voice_answer_ms(0, int(1e9), heard) == pytest.approx(40.0)


def test_the_face_answers_when_a_unit_of_pain_rises_even_while_it_relaxes():
    seen = pictures([-30, 0, 33, 66, 100], [-60, -30, 10, 40, 70], [2.0, 1.6, 1.2, 1.3, 1.5])
    assert latency.face_answer_ms(0, int(1e9), seen) == pytest.approx(100.0)


def test_without_an_answer_there_is_no_latency():
    assert math.isnan(latency.face_answer_ms(0, int(1e9), pictures([10], [5], [0.0])))
    assert math.isnan(latency.face_answer_ms(0, int(1e9), pictures([], [], [])))
    assert math.isnan(latency.voice_answer_ms(0, int(1e9), blocks([], [], [])))


def test_a_summary_leaves_out_what_was_not_measured():
    figures = latency.summary(np.array([1.0, 2.0, 3.0, np.nan]))
    assert (figures["p50"], figures["max"], figures["n"]) == (2.0, 3.0, 3)
    assert latency.summary(np.array([np.nan])) == {"n": 0}
