from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robopatient.levels import (
    FLAGS,
    QUIET_FLAGS,
    SILENCE_DB,
    Flag,
    db_to_gain,
    gain_to_db,
    hz_to_semitones,
    semitones_to_ratio,
)
from robopatient.messages import ForceFrame, Press
from robopatient.record.dictionary import meaning_of


def test_a_flag_is_the_plain_word_of_the_record_and_has_a_meaning():
    assert list(FLAGS) == [flag.name.lower() for flag in Flag]
    assert Flag.STALE == "stale"
    assert all(FLAGS[flag] is flag.meaning for flag in Flag)
    force = ForceFrame(0, 0, 0, (), flags=(Flag.STALE, Flag.DEAD_CELL))
    assert msgspec.json.decode(msgspec.json.encode(force), type=ForceFrame) == force
    assert b'"flags":["stale","dead_cell"]' in msgspec.json.encode(force)


def test_a_record_says_which_words_its_flags_may_be():
    for message in (ForceFrame, Press):
        assert all(flag in meaning_of(message, "flags") for flag in Flag)
    assert {"stale", "paused"} == QUIET_FLAGS


@given(st.floats(-100.0, 20.0))
def test_level_and_gain_are_inverse(level_db):
    assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db)


def test_silence_is_exactly_zero():
    assert db_to_gain(SILENCE_DB) == 0.0
    assert gain_to_db(0.0) == SILENCE_DB


def test_an_octave_is_twelve_semitones():
    assert semitones_to_ratio(12.0) == 2.0
    assert hz_to_semitones(440.0, 220.0) == pytest.approx(12.0)
