from __future__ import annotations

import shutil

import msgspec

from robopatient.config import SessionConfig, StudyConfig, asset_path
from robopatient.session.provenance import changed, fingerprints


def test_every_file_behind_pain_and_expression_is_named():
    assert set(fingerprints(SessionConfig())) == {
        "patients/appendicitis",
        "phantoms/square-290",
        "calibration/virtual",
        "expressions/congruence",
        "checkpoints/congruence",
    }


def test_a_study_s_own_files_are_named():
    config = msgspec.structs.replace(SessionConfig(), study=StudyConfig(name="synchrony", participant="P01"))
    named = {name for name in fingerprints(config) if name.startswith("studies/")}
    assert named == {f"studies/synchrony/{file}" for file in ("study.toml", "study.py", "__init__.py")}


def test_an_edited_patient_is_told(tmp_path):
    mine = tmp_path / "mine.toml"
    shutil.copy(asset_path("patients", "appendicitis"), mine)
    config = msgspec.structs.replace(SessionConfig(), patient=str(mine))
    then = fingerprints(config)
    assert changed(then, config) == []
    mine.write_text(mine.read_text() + "\n# edited\n")
    assert changed(then, config) == [f"patients/{mine}"]
    mine.unlink()
    assert changed(then, config) == [f"patients/{mine}"]
