import pytest
from support.needs import module

from robopatient.errors import AssetError, ConfigError
from robopatient.study.duration import balance_of
from robopatient.study.questions import QUESTIONS, question
from robopatient.study.study import load_study, study_names
from robopatient.study.trials import Person


def person(code="P01", session=1, seed=1):
    return Person(code, session, seed)


def test_the_seven_studies_are_there():
    assert study_names() == [
        "congruence_corrected", "congruence_face", "congruence_multimodal", "congruence_replication", "psychophysics",
        "realism_2afc", "synchrony",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted({*study_names()} - {"congruence_replication"}))
def test_a_shipped_study_is_balanced_and_presents_every_trial(name):
    study = load_study(name)
    plan = study.plan(person(seed=study.file.seed))
    balance = balance_of(study, plan)
    assert balance.is_balanced
    assert 5.0 < balance.minutes < 45.0
    for trial in plan.trials:
        factors = {**trial.factors, "delay_ms": 100.0} if trial.staircase else trial.factors
        assert question(study.stimulus(plan.person, factors).question or study.file.question)


def test_a_block_of_the_corrected_study_holds_192_cells_and_no_three_equal_levels():
    study = load_study("congruence_corrected")
    for code, session in (("P01", 1), ("P01", 2), ("P02", 1)):
        balance = balance_of(study, study.plan(person(code, session, study.file.seed)))
        assert (balance.cells, balance.least, balance.most) == (192, 1, 1)
        assert max(run for name, run in balance.runs.items()) == 2
        assert balance.kinds == {"practice": 4, "main": 192, "repeat": 19, "catch": 4}


def test_blocks_of_the_replication_hold_118_to_132_cells_as_the_published_ones_do():
    module("soundfile", "audio")
    study = load_study("congruence_replication")
    from robopatient.study.study import general_blocks

    counts = []
    for number in range(1, 21):
        for session in (1, 2):
            (block,) = general_blocks(study.file, person(f"P{number:02d}", session, study.file.seed))
            assert len(block.trials) == 192
            counts.append(len({tuple(trial.factors.values()) for trial in block.trials}))
    assert 118 <= min(counts) <= max(counts) <= 132


def test_voices_are_counterbalanced_over_participants_and_sessions():
    study = load_study("congruence_corrected")
    orders = [
        [study.session(person(code, session))["voice"]["identity"] for session in (1, 2)] for code in ("P01", "P02")
    ]
    assert orders == [["rosa", "tomas"], ["tomas", "rosa"]]


def test_level_and_pitch_of_the_corrected_study_are_what_the_factors_ask_for():
    study = load_study("congruence_corrected")

    def made(**factors):
        base = {"sound": "ah", "amplitude": 1.0, "pitch": 0.9, "force_newton": 10.0}
        return study.stimulus(person(), {**base, **factors}).voice

    assert made(amplitude=1 / 3).level_db - made().level_db == pytest.approx(-9.54, abs=0.01)
    assert made(pitch=1.3).f0_semitones - made(pitch=0.7).f0_semitones == pytest.approx(10.72, abs=0.01)
    assert made(amplitude=0.0).level_db == -60.0
    assert made(sound="cry").level_db == -0.6  # as loud as the others
    assert made(force_newton=20.0).full_newton == 20.0


def test_unknown_levels_are_named_with_those_that_are_known():
    with pytest.raises(ConfigError, match="sound shout: is none of moan, ah, cry"):
        load_study("congruence_corrected").stimulus(
            person(), {"sound": "shout", "amplitude": 1.0, "pitch": 1.0, "force_newton": 5.0}
        )
    with pytest.raises(ConfigError, match="channel smell: is none of voice, face"):
        load_study("synchrony").stimulus(person(), {"channel": "smell", "delay_ms": 0.0})
    with pytest.raises(ConfigError, match=r"study.py: trial modality voice, intensity 9 cannot be presented.*level_db"):
        load_study("psychophysics").stimulus(person(), {"modality": "voice", "intensity": 9.0})
    with pytest.raises(ConfigError, match="no factor or level 'pain'"):
        load_study("congruence_face").stimulus(person(), {"force_newton": 5.0})


def test_a_study_that_cannot_be_balanced_is_refused(lab, tmp_path):
    odd = lab.write_study(tmp_path / "odd", lab.TOML.replace("[design]", "[design]\ntrials = 6"))
    with pytest.raises(
        ConfigError, match=r"6 trials cannot hold the 4 cells of 2 sound x 2 force_newton .* use 4 or 8"
    ):
        odd.plan(person())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('question = "agree"', 'question = "colour"', "question: no question 'colour'; choose one of signed"),
        ('["ah", "moan"]', '["ah", "ah"]', "factors.sound: give each level once"),
        ('["ah", "moan"]', '["ah", 2.0]', "factors.sound: mixes numbers and words"),
        ("break_every = 3", 'break_every = 3\nblocks_by = "taste"', "design.blocks_by: no factor taste"),
        ("break_every = 3", "break_every = 3\nmax_run = { taste = 2 }", "design.max_run: no factor taste"),
        ("replays = 1", "replay = 1", "unknown field `replay`"),
        ('version = "1"', "", "missing required field `version`"),
        ("[factors]", "[factors", "is not TOML"),
    ],
)
def test_a_fault_in_study_toml_is_named_with_its_file_and_key(lab, tmp_path, old, new, told):
    with pytest.raises(ConfigError, match=r"study\.toml") as caught:
        lab.write_study(tmp_path / "bad", lab.TOML.replace(old, new))
    assert told in str(caught.value)


def test_a_study_that_is_not_there_or_has_no_stimulus_is_named(lab, tmp_path):
    with pytest.raises(AssetError, match=r'study "congruence": no study\.toml there; choose one of'):
        load_study("congruence")
    with pytest.raises(AssetError, match=r"has no function stimulus"):
        lab.write_study(tmp_path / "empty", python="")
    with pytest.raises(AssetError, match=r"cannot be loaded: SyntaxError"):
        lab.write_study(tmp_path / "broken", python="def stimulus(:")


def test_a_code_needs_a_number_and_a_session_must_exist():
    with pytest.raises(ConfigError, match='participant "Anna": a code needs a number'):
        _ = person("Anna").number
    with pytest.raises(ConfigError, match="session 3 of 2 does not exist"):
        load_study("congruence_corrected").plan(person(session=3))


def test_the_hash_changes_with_whatever_would_change_a_trial(lab, tmp_path):
    base = lab.write_study(tmp_path / "a" / "s").plan(person())
    again = lab.write_study(tmp_path / "b" / "s").plan(person())
    other = lab.write_study(tmp_path / "c" / "s", python=lab.PYTHON.replace("-10.0", "-11.0")).plan(person())
    later = lab.write_study(tmp_path / "d" / "s", lab.TOML.replace('version = "1"', 'version = "2"')).plan(person())
    assert base.sha256 == again.sha256
    assert len({base.sha256, other.sha256, later.sha256, load_hash(tmp_path / "a" / "s")}) == 4


def test_the_hash_is_of_films_and_not_of_where_they_lie(lab, tmp_path):
    python = "from pathlib import Path\nfrom robopatient.study.trials import Stimulus\n" + (
        "def stimulus(study, person, factors):\n"
        "    return Stimulus(trigger='begin', media=(str(Path(study.constants['films']) / 'a.mp4'),))\n"
    )
    hashes = []
    for place, film in (("here", b"film"), ("there", b"film"), ("elsewhere", b"another")):
        films = tmp_path / place / "films"
        films.mkdir(parents=True)
        (films / "a.mp4").write_bytes(film)
        toml = f'{lab.TOML}\n[constants]\nfilms = "{films}"\n'
        hashes.append(lab.write_study(tmp_path / place / "s", toml, python).plan(person()).sha256)
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def load_hash(folder):
    return load_study(str(folder)).plan(person(seed=2)).sha256


def test_films_that_are_missing_are_told_before_a_participant_comes():
    study = load_study("realism_2afc")
    with pytest.raises(AssetError, match=r"no such film .* are missing"):
        study.ready(person())
    assert study.session(person())  # simulated people need no films


@pytest.mark.parametrize("row", QUESTIONS.values(), ids=str)
def test_answers_are_read_by_number_and_by_label(row):
    for value, label in zip(row.values, row.labels, strict=True):
        assert row.read(str(value)) == (label, float(value))
        if not label.lstrip("-").isdigit():
            assert row.read(label) == (label, float(value))
    if not row.labels:
        assert row.read("12.5") == ("12.5", 12.5)
    for wrong in ("", "perhaps", "99999", "nan", "-7"):
        with pytest.raises(ConfigError, match=f"to question {row.name}: expected"):
            row.read(wrong)
