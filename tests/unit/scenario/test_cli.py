from __future__ import annotations

import pytest

from robopatient.errors import ConfigError
from robopatient.scenario.cli import check_scenarios, preview_scenario


def test_check_names_file_and_key_of_every_fault(tmp_path, capsys):
    path = tmp_path / "faulty.toml"
    path.write_text(
        'title = "t"\nbrief = "b"\nstart = "moon"\n[[states]]\nname = "a"\nrules = [{ press = {}, event = "x" }]\n'
    )
    assert check_scenarios([str(path)]) == 1
    told = capsys.readouterr().out
    assert f"{path}: start: " in told
    assert f"{path}: states.a.rules[0].event: " in told


def test_a_trigger_that_the_scenario_does_not_know_is_refused_with_those_that_it_knows():
    with pytest.raises(ConfigError, match='--trigger "cough@3": write NAME@SECONDS; names are history taken'):
        preview_scenario("first_examination", trigger=["cough@3"])
