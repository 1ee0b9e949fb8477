from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware_bridge.errors import OutputError
from robopatient.patient import cli as patients
from robopatient.patient import load_patient


def test_list_names_every_patient_and_the_complaint(capsys) -> None:
    assert patients.list_patients() == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) >= 12
    assert "renal-colic" in text
    assert "Waves of pain" in text


def test_list_as_json_is_one_object(capsys) -> None:
    patients.list_patients(json=True)
    rows = json.loads(capsys.readouterr().out)
    assert rows["troubles"] == []
    assert {"name", "complaint", "sites"} <= set(rows["patients"][0])


def test_a_patient_that_cannot_be_read_does_not_hide_the_others(capsys, monkeypatch, tmp_path: Path) -> None:
    folder = tmp_path / "patients"
    folder.mkdir()
    good = Path(patients.__file__).parents[2] / "assets" / "patients" / "healthy.toml"
    (folder / "good.toml").write_text(good.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "odd.toml").write_text("name = 3", encoding="utf-8")
    monkeypatch.setattr("robopatient.config.ASSETS", tmp_path)
    assert patients.list_patients() == 1
    text = capsys.readouterr().out
    assert "Tomas" in text
    assert "odd.toml" in text


def test_show_tells_what_presses_do(capsys) -> None:
    patients.show_patient("appendicitis", json=True)
    told = json.loads(capsys.readouterr().out)
    row = told["nrs"]["McBurney's point"]
    assert row == sorted(row)
    assert told["profile"]["name"] == "Mei Tanaka"


def test_fit_writes_a_file_once(capsys, tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    patients.fit("NRS 5 at 20 N on the right iliac", out)
    assert load_patient(str(out)).sites[0].region == "right iliac"
    assert f"--set patient={out}" in capsys.readouterr().out
    with pytest.raises(OutputError, match="exists; choose another --out"):
        patients.fit("NRS 5 at 20 N on the right iliac", out)
    with pytest.raises(OutputError, match="cannot be written"):
        patients.fit("NRS 5 at 20 N on the right iliac", tmp_path / "nowhere" / "mine.toml")
