"""The laboratory without people: whole sessions through bytes, sensing, trial machine and record, and one that dies."""

import os
import signal
import time
from collections import Counter

import numpy as np
import pytest
from support.needs import module

from experiments.benchmarks.study import ratings_lost
from experiments.studies.lab import SimulatedSession
from experiments.studies.simulate import simulate
from experiments.studies.simulated_people import people_of
from robopatient.errors import ConfigError, RecordError
from robopatient.record.reader import Record
from robopatient.session.study_run import config_of
from robopatient.study.log import Log
from robopatient.study.questions import question
from robopatient.study.study import load_study
from robopatient.study.trials import Person, Stimulus, VoiceStimulus

QUIET = ["voice.enabled=false", "face.enabled=false", "board.rate_hz=100", "record.min_free_mb=1"]


def lab_of(name, folder, listeners="psychophysical", seed=1, overrides=(), **options):
    study = load_study(name)
    person = Person("P01", 1, study.file.seed)
    config = config_of(study, person, [*QUIET, *overrides])
    return study, SimulatedSession(config, folder, people_of(listeners, 1, seed)[0], **options)


@pytest.fixture(scope="module")
def synchrony(tmp_path_factory):
    """One whole session, heard by nobody."""
    folder = tmp_path_factory.mktemp("lab") / "session"
    study, lab = lab_of("synchrony", folder)
    answered = lab.run()
    with Record(folder) as record:
        return study, lab, answered, record.messages("trial"), record.stop


def test_a_session_without_people_answers_every_trial_and_ends(synchrony):
    _, lab, answered, rows, stop = synchrony
    assert answered == 88
    assert Counter(row.kind for row in rows if row.status == "done") == {"main": 80, "practice": 4, "catch": 4}
    assert rows == lab.rows
    assert stop.reason == "done"


def test_forces_come_through_the_bytes_of_a_board_and_trigger_where_they_should(synchrony):
    study, _, _, rows, _ = synchrony
    done = [row for row in rows if row.status == "done"]
    assert all(row.force_at_trigger_newton >= study.file.constants["trigger_newton"] for row in done)
    assert all(row.peak_newton >= row.force_at_trigger_newton for row in done)
    assert 8.0 < np.median([row.force_at_trigger_newton for row in done]) < 11.0


def test_the_staircase_finds_the_simulated_person_s_threshold(synchrony):
    study, lab, _, rows, _ = synchrony
    plan = study.plan(Person("P01", 1, study.file.seed))
    for mean, sd in Log(study, plan, rows).estimates().values():
        assert abs(mean - lab.person._delay_ms) < 4.0 * sd + 10.0
        assert sd < 60.0


def test_what_was_presented_is_what_the_voice_rendered(tmp_path):
    module("numba", "audio")
    folder = tmp_path / "s"
    _, lab = lab_of("psychophysics", folder, overrides=["voice.enabled=true"])
    while len(lab.rows) < 35:
        lab._turn()
    lab._record.close()
    voiced = [r for r in lab.rows if r.status == "done" and r.factors["modality"] == "voice"]
    silent = [r for r in lab.rows if r.status == "done" and r.factors["modality"] != "voice"]
    level = np.array([row.level_dbfs for row in voiced])
    asked = 20.0 * np.log10([row.factors["intensity"] for row in voiced])
    assert np.corrcoef(level, asked)[0, 1] > 0.98
    assert np.polyfit(asked, level, 1)[0] == pytest.approx(1.0, abs=0.1)
    assert all(0 < row.sound_ns - row.trigger_ns < 60_000_000 for row in voiced)
    assert all(row.sound_ns == 0 for row in silent)


def test_the_same_seed_gives_the_same_session(tmp_path):
    def answers(number):
        _, lab = lab_of("psychophysics", tmp_path / str(number))
        for _ in range(4000):
            lab._turn()
        lab._record.close()
        return [(row.trial, row.response_value, row.peak_newton) for row in lab.rows]

    first = answers(1)
    assert len(first) > 5
    assert first == answers(2)


def test_ten_sessions_killed_at_random_moments_lose_no_answer():
    lost, confirmed = ratings_lost(10, seed=3)
    assert lost == 0
    assert confirmed >= 10


def test_a_killed_session_goes_on_where_it_stopped(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    pid = os.fork()
    if pid == 0:
        lab_of("psychophysics", first)[1].run()
        os._exit(0)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and not _rows(first):
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    before = {row.trial for row in _rows(first) if row.status == "done"}
    _, lab = lab_of("psychophysics", second, overrides=[f'study.resume="{first}"'])
    lab.run()
    after = {row.trial for row in lab.rows if row.status == "done"}
    assert before
    assert not before & after
    assert len(before | after) == 93


def _rows(folder):
    try:
        with Record(folder) as record:
            return record.messages("trial")
    except RecordError:
        return []


SMALL = """
title = "Small"
version = "1"
question = "agree"
[factors]
force_newton = [5.0, 10.0]
[session.voice]
enabled = false
[session.face]
enabled = false
[session.record]
min_free_mb = 1
"""
STIMULUS = """
from robopatient.study.trials import Stimulus
def stimulus(study, person, factors):
    return Stimulus(trigger_newton=factors["force_newton"])
"""


def test_simulate_runs_people_in_processes_and_never_overwrites(tmp_path, capsys):
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "study.toml").write_text(SMALL)
    (folder / "study.py").write_text(STIMULUS)

    def run():
        return simulate(str(folder), "psychophysical", 1, tmp_path / "out", 1, 1, 1, False, "max", [])

    run()
    assert "2 trials of 1 participants" in capsys.readouterr().out
    with Record(tmp_path / "out" / "small_S01_s1") as record:
        assert len([row for row in record.messages("trial") if row.status == "done"]) == 2
        assert record.start.machine["simulated"] == "psychophysical:0"
    with pytest.raises(RecordError, match="is there already"):
        run()


def test_listeners_and_speeds_that_do_not_exist_are_named(tmp_path):
    with pytest.raises(ConfigError, match='--listeners "martians": give a CSV of rated trials or one of congruence'):
        people_of("martians", 1, 1)
    with pytest.raises(ConfigError, match='--speed "warp": write max'):
        simulate("psychophysics", "psychophysical", 1, tmp_path, 1, 1, 1, False, "warp", [])


def test_people_of_the_population_prefer_louder_sounds_for_stronger_presses():
    asked = question("agree")
    matched, mismatched = [], []
    for person in people_of("congruence", 300, 5):
        for newton, fits_db, clashes_db in ((5.0, -19.0, 0.0), (20.0, 0.0, -28.6)):
            for level_db, answers in ((fits_db, matched), (clashes_db, mismatched)):
                stimulus = Stimulus(voice=VoiceStimulus(mode="pressed", level_db=level_db))
                factors = {"force_newton": newton, "pitch": 0.9}
                answers.append(float(person.answer(asked, factors, stimulus)))
    assert np.mean(matched) > np.mean(mismatched) + 0.2


OWN_STUDY = """
title = "Faces"
version = "1"
question = "QUESTION"
[factors]
look = ["left", "middle", "right"]
[design]
trials = 6
break_every = 0
[press]
ready_s = 0.02
window_s = 1.0
pause_s = 0.01
[session.face]
enabled = false
[session.voice]
enabled = false
"""


def own_study(folder, asked):
    folder.mkdir()
    (folder / "study.toml").write_text(OWN_STUDY.replace("QUESTION", asked))
    (folder / "study.py").write_text(
        "from robopatient.study.trials import Stimulus\n"
        "def stimulus(study, person, factors):\n    return Stimulus(trigger='begin', react_s=0.03)\n"
    )
    return folder


def simulated(study, out, people=1, **options):
    simulate(str(study), "psychophysical", people, out, 0, 1, 1, False, "max", QUIET, **options)


@pytest.mark.parametrize("asked", ["magnitude", "nrs"])
def test_a_study_of_one_s_own_is_simulated_and_its_unknown_factor_named(asked, tmp_path, capsys):
    simulated(own_study(tmp_path / "mine", asked), tmp_path / "out")
    told = capsys.readouterr()
    assert "6 done" in told.out
    assert "look: simulated people do not know" in told.err
    assert "--effects look=1.5" in told.err


def test_a_declared_effect_moves_the_answers(tmp_path, capsys):
    simulated(own_study(tmp_path / "mine", "magnitude"), tmp_path / "out", effects="look=20")
    assert "do not know" not in capsys.readouterr().err
    with Record(tmp_path / "out" / "mine_S01_s1") as record:
        rows = [row for row in record.messages("trial") if row.status == "done"]
    mean = {look: np.mean([row.response_value for row in rows if row.factors["look"] == look]) for look in
            ("left", "middle", "right")}  # fmt: skip
    assert mean["left"] < 0.5 * mean["middle"] < 0.25 * mean["right"]


@pytest.mark.parametrize("effects", ["loudness=1", "look=much"])
def test_an_effect_that_cannot_be_is_refused_by_name(effects, tmp_path):
    with pytest.raises(ConfigError, match=r"--effects"):
        simulated(own_study(tmp_path / "mine", "nrs"), tmp_path / "out", effects=effects)


def test_a_broken_simulation_goes_on_where_it_ended(tmp_path, capsys):
    study = own_study(tmp_path / "mine", "nrs")
    simulated(study, tmp_path / "out")
    kept = (tmp_path / "out" / "mine_S01_s1" / "record.sqlite").stat().st_mtime_ns
    with pytest.raises(RecordError, match="--resume"):
        simulated(study, tmp_path / "out", people=2)
    simulated(study, tmp_path / "out", people=2, resume=True)
    assert (tmp_path / "out" / "mine_S01_s1" / "record.sqlite").stat().st_mtime_ns == kept
    assert (tmp_path / "out" / "mine_S02_s1" / "record.sqlite").exists()
    capsys.readouterr()
    simulated(study, tmp_path / "out", people=2, resume=True)
    assert "all sessions are there" in capsys.readouterr().out
