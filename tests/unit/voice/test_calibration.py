import math

import numpy as np
import pytest

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError, ConfigError
from robopatient.voice.calibration import (
    LoudnessCalibration,
    Meter,
    capped,
    load_calibration,
    niosh_dose,
    pink_noise,
    write_calibration,
)

RATE = 48_000
RIG = LoudnessCalibration(device="desk", noise_dbfs=-20.0, reading_dba=68.0, full_scale_dba=88.0, author='A "B"')


def test_the_calibration_is_a_file_and_lowers_the_ceiling(tmp_path) -> None:
    path = tmp_path / "rig.toml"
    write_calibration(RIG, path)
    assert load_calibration(path) == RIG
    config, calibration = capped(VoiceConfig(calibration=str(path), max_dba=70.0))
    assert calibration == RIG
    assert config.max_dbfs == RIG.max_dbfs(70.0) < -18.0
    assert "88.0 dB(A)" in calibration.told(config)
    assert "70 dB(A)" in calibration.told(config)


def test_no_sound_below_the_ceiling_is_louder_than_the_cap() -> None:
    """A square wave at 2.5 kHz is the loudest that a peak allows."""
    peak = 10.0 ** (RIG.max_dbfs(70.0) / 20.0)
    square = peak * np.sign(np.sin(2 * np.pi * 2500.0 * np.arange(RATE) / RATE + 0.1))
    meter = Meter(VoiceConfig(), RIG)
    (second,) = meter.add(square.astype(np.float32))
    assert 66.0 < second.level_dba <= 70.0


def test_a_calibration_never_raises_the_ceiling(tmp_path) -> None:
    write_calibration(RIG, tmp_path / "rig.toml")
    config, _ = capped(VoiceConfig(calibration=str(tmp_path / "rig.toml"), max_dba=94.0, max_dbfs=-20.0))
    assert config.max_dbfs == -20.0


def test_without_a_calibration_nothing_is_known() -> None:
    config, calibration = capped(VoiceConfig())
    assert (config, calibration) == (VoiceConfig(), None)
    (second,) = Meter(config, calibration).add(np.full(RATE, 0.5, np.float32))
    assert second.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert math.isnan(second.level_dba)
    assert math.isnan(second.dose_percent)


def test_what_cannot_be_capped_does_not_play(tmp_path) -> None:
    with pytest.raises(AssetError, match="nowhere"):
        capped(VoiceConfig(calibration=str(tmp_path / "nowhere.toml")))
    (tmp_path / "bad.toml").write_text("noise_dbfs = -20.0\nreading_dba = 300.0\nfull_scale_dba = 1.0\n")
    with pytest.raises(ConfigError, match="reading_dba"):
        capped(VoiceConfig(calibration=str(tmp_path / "bad.toml")))
    loud = LoudnessCalibration(noise_dbfs=-60.0, reading_dba=90.0, full_scale_dba=150.0)
    write_calibration(loud, tmp_path / "loud.toml")
    with pytest.raises(ConfigError, match="turn the amplifier down"):
        capped(VoiceConfig(calibration=str(tmp_path / "loud.toml")))


def test_a_working_day_of_pink_noise_at_85_dba_is_a_dose_of_100_percent() -> None:
    minute = np.tile(pink_noise(10.0, -20.0), 6)
    dose = niosh_dose(minute, RATE, full_scale_dba=105.0)  # the meter would read 85
    assert dose * 8 * 60 == pytest.approx(100.0, rel=0.12)
    assert niosh_dose(minute, RATE, full_scale_dba=108.0) == pytest.approx(2 * dose, rel=0.01)
    assert niosh_dose(minute, RATE, full_scale_dba=60.0) == 0.0


def test_the_meter_of_a_session_counts_as_a_whole_does_however_it_is_cut() -> None:
    noise = pink_noise(5.0, -20.0)
    rig = LoudnessCalibration(noise_dbfs=-20.0, reading_dba=90.0, full_scale_dba=110.0)
    meter = Meter(VoiceConfig(), rig)
    told = [second for begin in range(0, len(noise), 4864) for second in meter.add(noise[begin : begin + 4864])]
    assert len(told) == 5
    assert told[2].level_dba == pytest.approx(90.0, abs=0.5)
    assert told[-1].dose_percent == pytest.approx(niosh_dose(noise, RATE, 110.0))
