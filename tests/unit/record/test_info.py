"""Settings of a recorded session, whatever version wrote them."""

from __future__ import annotations

import msgspec
import pytest

from robopatient.config import FaceConfig, SessionConfig, StudyConfig, TrainingConfig
from robopatient.messages import SessionStart
from robopatient.record.info import SessionInfo, read_info


def start(config_json: str) -> SessionStart:
    return SessionStart(1, "2026-03-14T09:26:53+00:00", "id", "0.1.0", "", 1, config_json, "{}", {})


def test_every_setting_that_is_read_has_the_name_that_the_session_gives_it():
    sections = {name: kind for name, kind in SessionInfo.__annotations__.items() if "SectionInfo" in str(kind)}
    assert set(SessionInfo.__struct_fields__) <= set(SessionConfig.__struct_fields__)
    assert len(sections) == 7
    config = SessionConfig(
        title="T", patient="p", face=FaceConfig(identity="mei", enabled=False, engine="blend"),
        training=TrainingConfig(trainee="T07"), study=StudyConfig(participant="P01", resume="before"),
    )  # fmt: skip
    info = read_info(start(msgspec.json.encode(config).decode()))
    assert (info.title, info.patient, info.training.trainee) == ("T", "p", "T07")
    assert (info.face.identity, info.face.engine, info.face.enabled) == ("mei", "blend", False)
    assert (info.study.participant, info.study.resume) == ("P01", "before")
    assert info.board.driver == config.board.driver


def test_settings_of_another_version_are_read_as_far_as_they_go():
    info = read_info(start('{"patient": "p", "weather": {"rain": true}, "face": {"hat": 3}}'))
    assert (info.patient, info.face.enabled, info.scenario) == ("p", True, "")


def test_what_are_no_settings_is_refused():
    with pytest.raises(msgspec.DecodeError):
        read_info(start("no settings"))
