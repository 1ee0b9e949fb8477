"""What the report says about the level in the room."""

import math

import pytest

from robopatient import messages as m
from robopatient.record.health import findings
from robopatient.record.reader import Record
from robopatient.record.writer import RecordWriter


@pytest.fixture
def judge(tmp_path):
    """The finding on a record of these seconds: (level, dose)."""

    def told(*seconds: tuple[float, float]):
        with RecordWriter(tmp_path, min_free_mb=1) as writer:
            for index, (level_dba, dose_percent) in enumerate(seconds):
                full_scale = math.nan if math.isnan(level_dba) else 100.0
                writer.put(m.Loudness(index, index, -10.0, -14.2, full_scale, level_dba, dose_percent))
        with Record(tmp_path) as record:
            return next((found for found in findings(record) if found.subject == "Level in the room"), None)

    return told


def test_without_calibration_the_level_is_not_known(judge) -> None:
    found = judge((math.nan, math.nan), (math.nan, math.nan))
    assert found.verdict == "good"
    assert found.text == "not known without calibration (voice.calibration); no sample above -14.2 dBFS"


def test_a_calibrated_rig_tells_its_loudest_second_and_the_dose_of_all_runs(judge) -> None:
    found = judge((70.0, 0.0), (92.0, 0.02), (91.0, 0.03), (80.0, 0.0), (95.0, 0.04))
    assert found.verdict == "good"
    assert "loudest second 95 dB(A) at 1 m, dose 0.07 %" in found.text


def test_a_dose_beyond_a_days_allowance_is_bad(judge) -> None:
    assert judge((110.0, 101.0)).verdict == "bad"


def test_an_old_record_says_nothing_of_it(judge) -> None:
    assert judge() is None
