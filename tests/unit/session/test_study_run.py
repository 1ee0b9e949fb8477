import fcntl
import gzip
import json
import sqlite3

import msgspec
import pytest

from firmware_bridge.boards import make_board
from firmware_bridge.frames import RawFrame
from firmware_bridge.phantom import OFFSET_COUNTS
from robopatient import messages as m
from robopatient.bus import make_endpoints
from robopatient.clock import FakeClock
from robopatient.config import SensingConfig, SessionConfig, StudyConfig, load_session
from robopatient.errors import AssetError, ConfigError, RecordError, SessionError
from robopatient.locks import RUNNING_FILE, hold_shared
from robopatient.presence import Presence
from robopatient.record.participants import delete_participant
from robopatient.record.reader import Record
from robopatient.record.schema import FILE_NAME
from robopatient.record.writer import RecordWriter
from robopatient.session import study_run
from robopatient.session.control import Control
from robopatient.session.journal import Action, read_journal
from robopatient.session.pipeline import Outputs
from robopatient.session.study_desk import TrialRowWriter
from robopatient.session.study_stage import earlier_rows, make_study
from robopatient.study.presented import Draft
from robopatient.study.study import load_study
from robopatient.study.trials import Person

TOML = """
title = "Small"
version = "1"
question = "agree"
sessions = 2
[factors]
force_newton = [5.0, 10.0]
[session]
patient = "healthy"
[session.voice]
enabled = false
[session.face]
enabled = false
"""
PYTHON = """
from robopatient.study.trials import Stimulus
def stimulus(study, person, factors):
    return Stimulus(trigger_newton=factors["force_newton"])
"""


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "studies" / "small"
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(TOML)
    (folder / "study.py").write_text(PYTHON)
    return load_study(str(folder))


def row(study, trial=0, status="done", code="P01", session=1, **changes):
    plan = study.plan(Person(code, session, study.file.seed))
    base = m.TrialRecord(
        t_ns=1, study=study.name, design_sha256=plan.sha256, participant=code, session=session, block=0, trial=trial,
        attempt=0, kind="main", repeat_of=-1, factors=plan.trials[trial].factors, status=status, question="agree",
        response="agree", response_value=3.0, response_time_s=1.0, response_ns=1, trigger_ns=0, command_ns=0,
        sound_ns=0, frame_ns=0, force_at_trigger_newton=0.0, peak_newton=0.0, f0_hz=0.0, level_dbfs=-120.0, au={},
        pspi=0.0, replays=0, flags=(), seed=1,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def write_session(study, folder, rows, code="P01", session=1, resume=""):
    config = SessionConfig(
        study=StudyConfig(name=study.reference, participant=code, session=session, resume=str(resume))
    )
    with RecordWriter(folder, min_free_mb=1) as writer:
        writer.put(m.SessionStart(1, "2026-01-01", "id", "0", "", 1, msgspec.json.encode(config).decode(), "{}", {}))
        for one in rows:
            writer.put(one)


@pytest.fixture
def ran(monkeypatch):
    """Configurations that would have been run, by folder."""
    started = {}

    def run_session(config, folder):
        started[folder.name] = config
        return 0

    monkeypatch.setattr(study_run, "run_session", run_session)
    return started


def run(study, folder, participant="P01", session=1, resume=False, demographics="", overrides=()):
    return study_run.run_study(
        study.reference, participant, session, folder, None, True, "english", resume, demographics, list(overrides)
    )


def test_a_session_runs_with_the_study_s_configuration_under_what_is_given(study, ran, tmp_path):
    assert run(study, tmp_path / "out", overrides=["voice.level_dbfs=-20"]) == 0
    config = ran["small_P01_s1"]
    assert (config.patient, config.voice.enabled, config.voice.level_dbfs) == ("healthy", False, -20.0)
    assert (config.study.participant, config.study.session, config.study.resume) == ("P01", 1, "")
    assert config.record.min_free_mb >= 200
    assert config.voice.words == "off"


def test_a_participant_who_exists_is_refused_and_goes_on_only_when_asked(study, ran, tmp_path):
    out = tmp_path / "out"
    write_session(study, out / "small_P01_s1", [row(study, 0)])
    with pytest.raises(SessionError, match=r"participant P01, session 1 of small: exists already with 1 of 2 trials"):
        run(study, out)
    run(study, out, resume=True)
    assert ran["small_P01_s1_2"].study.resume == "small_P01_s1"
    run(study, out, participant="P02")
    assert ran["small_P02_s1"].study.resume == ""


def test_a_session_that_is_complete_is_refused_with_what_to_do(study, ran, tmp_path):
    out = tmp_path / "out"
    write_session(study, out / "small_P01_s1", [row(study, 0), row(study, 1)])
    for resume in (False, True):
        with pytest.raises(SessionError, match=r"is complete .*; take --session 2, or another code"):
            run(study, out, resume=resume)
    assert not ran


def test_there_must_be_something_to_go_on_with(study, ran, tmp_path):
    with pytest.raises(SessionError, match="no trial of it is recorded; begin it without --resume"):
        run(study, tmp_path / "out", resume=True)
    write_session(study, tmp_path / "out" / "small_P01_s1", [])  # killed before its first answer
    run(study, tmp_path / "out")
    assert list(ran) == ["small_P01_s1_2"]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("damage", ["overwritten", "cut", "forbidden"])
def test_a_part_that_cannot_be_read_is_an_error_with_its_name_and_never_nothing(study, ran, tmp_path, damage, resume):
    part = tmp_path / "out" / "small_P01_s1"
    write_session(study, part, [row(study, 0)])
    record = part / "record.sqlite"
    match damage:
        case "overwritten":
            record.write_bytes(bytes(40) + record.read_bytes()[40:])
        case "cut":
            record.write_bytes(record.read_bytes()[:5000])
        case "forbidden":
            record.unlink()
            record.mkdir()
    with pytest.raises(SessionError, match=r"small_P01_s1: this part of the session cannot be read"):
        run(study, tmp_path / "out", resume=resume)
    assert not ran
    assert [path.name for path in (tmp_path / "out").glob("small*")] == ["small_P01_s1"]


def test_a_part_that_was_killed_before_its_record_was_laid_out_does_not_count(study, ran, tmp_path):
    for number, lay in enumerate((lambda path: path.touch(), lambda path: sqlite3.connect(path).close())):
        part = tmp_path / str(number) / "small_P01_s1"
        part.mkdir(parents=True)
        lay(part / "record.sqlite")
        run(study, tmp_path / str(number))
    assert list(ran) == ["small_P01_s1_2"]


def test_two_consoles_cannot_run_the_same_session_at_once(study, ran, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with (out / ".small_P01_s1.lock").open("w") as held:
        held.write("4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SessionError, match=r"small_P01_s1: is being run already \(process 4711\); end that"):
            run(study, out)
    run(study, out)
    assert ran


def test_rows_are_followed_back_through_every_part_of_a_session(study, tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    write_session(study, first, [row(study, 0)])
    write_session(study, second, [row(study, 1)], resume=first)
    assert [one.trial for one in earlier_rows(second)] == [0, 1]
    write_session(study, tmp_path / "three", [], resume=tmp_path / "three")
    with pytest.raises(RecordError, match="goes on with itself"):
        earlier_rows(tmp_path / "three")


def test_a_record_of_another_design_is_not_gone_on_with(study, ran, tmp_path):
    out = tmp_path / "out"
    write_session(study, out / "small_P01_s1", [row(study, 0, design_sha256="0" * 64)])
    with pytest.raises(ConfigError, match="has another design"):
        run(study, out, resume=True)


def test_a_session_needs_a_participant_a_study_and_no_scenario(study):
    def stage(**changes):
        return make_study(msgspec.structs.replace(SessionConfig(), **changes))

    assert stage() is None
    with pytest.raises(ConfigError, match="whose session is it"):
        stage(study=StudyConfig(name=study.reference))
    with pytest.raises(ConfigError, match="a session runs one of them"):
        stage(study=StudyConfig(name=study.reference, participant="P01"), scenario="murphy")
    with pytest.raises(AssetError, match='study "none"'):
        stage(study=StudyConfig(name="none", participant="P01"))
    with pytest.raises(ConfigError, match="participant"):
        load_session(None, ['study.participant="Anna Smith"'])


def test_a_missing_calibration_fails_before_anything_starts(study, ran, tmp_path):
    with pytest.raises(AssetError, match="calibration"):
        run(study, tmp_path / "out", overrides=["sensing.calibration=nowhere"])
    assert not ran


def test_strings_that_cannot_be_read_fail_before_anything_starts(study, ran, tmp_path):
    broken = tmp_path / "klingon.toml"
    broken.write_text("buttons = [")
    for language, error, told in (
        ("klingon", AssetError, "assets/strings/klingon.toml does not exist; choose one of english"),
        (str(broken), ConfigError, "klingon.toml: is not TOML"),
        (str(tmp_path / "none.toml"), AssetError, "none.toml: no such file"),
    ):
        with pytest.raises(error) as caught:
            study_run.run_study(study.reference, "P01", 1, tmp_path / "out", None, True, language, False, "", [])
        assert told in str(caught.value)
    assert not ran


def test_after_a_stop_the_study_and_the_patient_go_on_together(study):
    from robopatient.patient import load_patient
    from robopatient.session.pipeline import Pipeline

    config = msgspec.structs.replace(
        SessionConfig(), patient="healthy", study=StudyConfig(name=study.reference, participant="P01")
    )
    pipeline = Pipeline(config, make_board("virtual"), load_patient("healthy"))
    for action in ("stop", "hush"):
        pipeline.act(m.OperatorAction(1, action))
    assert (pipeline.running, pipeline.hushed) == (False, True)
    pipeline.act(m.OperatorAction(2, "resume"))
    assert (pipeline.running, pipeline.hushed) == (True, False)


def test_demographics_lie_apart_and_deletion_takes_both(study, ran, tmp_path, capsys):
    out = tmp_path / "out"
    run(study, out, demographics="age=34, sex=f")
    told = out / "demographics" / "P01.json"
    assert json.loads(told.read_text()) == {"age": "34", "sex": "f"}
    with pytest.raises(ConfigError, match="write key=value"):
        run(study, out, participant="P03", demographics="thirty")
    write_session(study, out / "small_P01_s1", [row(study, 0)])
    write_session(study, out / "small_P02_s1", [row(study, 0, code="P02")], code="P02")
    with pytest.raises(
        ConfigError,
        match=r"demographics/P01.json, .* would be removed for good; add --yes",
    ):
        delete_participant("P01", out, yes=False)
    delete_participant("P01", out, yes=True)
    assert not told.exists()
    assert not (out / "small_P01_s1").exists()
    assert (out / "small_P02_s1").exists()
    with pytest.raises(RecordError, match="holds no session of participant P01"):
        delete_participant("P01", out, yes=True)


def test_a_deletion_reaches_every_copy_and_names_what_was_made_of_several_people(study, tmp_path):
    out = tmp_path / "out"
    for place in (out / "small_P01_s1", out / "small_P01_s1_2", out / "backup" / "monday" / "small_P01_s1"):
        write_session(study, place, [row(study, 0)])
    write_session(study, out / "small_P02_s1", [row(study, 0, code="P02")], code="P02")
    write_session(study, out / "small_P011_s1", [row(study, 0, code="P011")], code="P011")
    (out / "small_P01_s1_2" / FILE_NAME).write_bytes(b"damaged")
    (out / "strange" / FILE_NAME).parent.mkdir()
    (out / "strange" / FILE_NAME).write_bytes(b"nobody knows whose")
    (out / ".small_P01_s1.lock").touch()
    (out / "analysis").mkdir()
    (out / "analysis" / "people.csv").write_text("participant,slope\nP01,3\n")
    (out / "analysis" / "others.csv").write_text("participant,slope\nP011,3\n")
    with gzip.open(out / "analysis" / "rows.tsv.gz", "wt") as file:
        file.write("P02\tP01\n")
    done = delete_participant("P01", out, yes=True)
    assert done.removed == [
        "backup/monday/small_P01_s1", "small_P01_s1", "small_P01_s1_2", ".small_P01_s1.lock",
    ]  # fmt: skip
    assert done.remains[0].startswith("strange/record.sqlite (cannot be read")
    assert done.remains[1:] == ["analysis/people.csv", "analysis/rows.tsv.gz"]
    assert sorted(path.name for path in out.glob("small_*")) == ["small_P011_s1", "small_P02_s1"]
    log = (out / "deletions.log").read_text()
    assert "3 sessions of one participant were removed" in log
    assert "P01" not in log


def test_nothing_of_a_participant_is_deleted_while_their_session_runs(study, tmp_path):
    out = tmp_path / "out"
    write_session(study, out / "small_P01_s1", [row(study, 0)])
    with hold_shared(out / "small_P01_s1" / RUNNING_FILE):
        with pytest.raises(SessionError, match=r"small_P01_s1: a session of participant P01 is running; end it first"):
            delete_participant("P01", out, yes=True)
        with pytest.raises(SessionError, match=r"small_P01_s1: processes of it still run"):
            run(study, out, resume=True)
    assert delete_participant("P01", out, yes=True).removed == ["small_P01_s1", ".small_P01_s1.lock"]


def test_a_session_that_was_moved_with_its_parts_is_gone_on_with(study, ran, tmp_path):
    before, after = tmp_path / "here", tmp_path / "there" / "deeper"
    write_session(study, before / "small_P01_s1", [row(study, 0)])
    write_session(study, before / "small_P01_s1_2", [], resume=before / "small_P01_s1")  # as 0.1 wrote it: absolute
    after.parent.mkdir()
    before.rename(after)
    assert [one.trial for one in earlier_rows(after / "small_P01_s1_2")] == [0]
    run(study, after, resume=True)
    assert ran["small_P01_s1_3"].study.resume == "small_P01_s1"


def outputs(**changes):
    force = m.ForceFrame(0, 0, 0, ())
    ask, face = m.VoiceAsk(-60.0, 0.0, 0.0, 0.0), m.FaceAsk(0.0)
    base = Outputs(
        force, m.PainState(0, 0, 0.0, "", "rest"), m.Expression(0, 0, "p", ask, face),
        m.VoiceCommand(0, 0, 0, 0.0, "rest", ask), m.FaceCommand(0, 0, 0, 0.0, "rest", face), [],
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def test_the_desk_fills_in_what_was_presented_and_says_when_it_is_saved(study, tmp_path):
    with RecordWriter(tmp_path / "desk", min_free_mb=1) as record:
        desk = TrialRowWriter(record, 1, Presence(SessionConfig()))
        for t_ns, seq, level, f0, call in (
            (5, 9, -20.0, 200.0, "moan"),  # before the trigger
            (11, 10, -62.0, 0.0, "breath"),
            (16, 10, -30.0, 300.0, "ah"),
            (21, 11, -25.0, 320.0, "ah"),
            (90, 12, -10.0, 500.0, "ah"),  # after the reaction
        ):
            desk.presented(m.Heard(t_ns, 0, seq, 0, f0, level, 0.0, call, 0))
        for t_ns, seq, au in ((9, 9, {"AU4": 5.0}), (30, 10, {"AU4": 1.0}), (60, 11, {"AU4": 2.0, "AU6": 1.0})):
            desk.presented(m.Seen(t_ns, 0, seq, 0, m.FacePose(au), sum(au.values())))
        (told,) = desk.take(outputs(drafts=(Draft(1, row(study), 10, 10, 80),)))
        assert (told.sound_ns, told.level_dbfs, told.f0_hz) == (16, -25.0, 310.0)
        assert (told.frame_ns, told.au, told.pspi) == (30, {"AU4": 2.0, "AU6": 1.0}, 3.0)
        assert desk.wait(10.0)
        (saved,) = desk.actions(7)
        assert (saved.action, saved.argument, saved.source) == ("saved", "1", "record")


def test_the_desk_asks_for_a_pause_when_the_disk_is_nearly_full(tmp_path):
    with RecordWriter(tmp_path / "desk", min_free_mb=1) as record:
        desk = TrialRowWriter(record, 10**9, Presence(SessionConfig()))
        (asked,) = desk.actions(7)
        assert (asked.action, asked.argument, asked.source) == ("pause", "disk nearly full", "record")
        assert desk.actions(8) == []  # once


def test_a_study_in_a_session_is_run_again_bit_for_bit(study):
    from robopatient.patient import load_patient
    from robopatient.session.pipeline import Pipeline

    def session():
        config = msgspec.structs.replace(
            SessionConfig(), patient="healthy", study=StudyConfig(name=study.reference, participant="P01")
        )
        pipeline = Pipeline(config, make_board("virtual"), load_patient("healthy"))
        said = []
        for turn in range(200):
            if turn % 50 == 0:
                pipeline.act(m.OperatorAction(turn, "next"))
            made = pipeline.tick(turn * 4_000_000)
            said.append((made.voice, made.face, made.pain, made.study))
        return said

    first, second = session(), session()
    assert first == second
    assert first[-1][2].site == ""
    assert {state.phase for *_, state in first if state} >= {"consent", "instructions", "ready"}


def test_a_trial_with_gains_of_its_own_still_tells_the_face_where_it_is_pressed(study):
    from robopatient.patient import load_patient
    from robopatient.session.pipeline import Pipeline

    (study.folder / "study.py").write_text(PYTHON.replace('force_newton"]', 'force_newton"], face_gain=0.5'))
    config = msgspec.structs.replace(
        SessionConfig(),
        patient="healthy",
        study=StudyConfig(name=study.reference, participant="P01"),
        sensing=SensingConfig(tare_at_start=False),
    )
    pipeline = Pipeline(config, make_board("virtual"), load_patient("healthy"))
    phase, where = "", set()
    for turn in range(600):
        if turn % 50 == 0:
            pipeline.act(m.OperatorAction(turn, "next"))
        t_ns = turn * 4_000_000
        counts = tuple(
            int(offset) + (42_000 if turn > 500 else 0) for offset in OFFSET_COUNTS
        )  # 1 N on each, after a while
        pipeline.take(RawFrame(t_ns, t_ns, 0, turn, 0, counts, 0, 15, 0))
        made = pipeline.tick(t_ns)
        phase = made.study.phase if made.study else phase
        if phase == "press":
            where.add(made.face.site_mm)
    assert where == {None, pipeline.sensing.phantom.body_mm(145.0, 145.0)}


def test_a_face_that_freezes_in_a_trial_pauses_the_study_until_the_operator_goes_on(study, tmp_path):
    """The loop's own parts on a simulated clock: its journal runs the same pause again."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    (tmp_path / "session").mkdir()
    clock = FakeClock(10**12)
    config = msgspec.structs.replace(
        SessionConfig(), patient="healthy", study=StudyConfig(name=study.reference, participant="P01")
    )
    control = Control(config, make_endpoints(sockets), tmp_path / "session", clock)
    machine, desk = control.pipeline.study.machine, control.desk
    machine._used = frozenset(["face"])
    control.presence.begin(clock.now_ns())

    def turn(seconds: float, face: bool, *said: m.OperatorAction) -> None:
        for action in said:
            control._act(action)
        for _ in range(round(seconds * 250)):
            clock.advance_s(0.004)
            now_ns = clock.now_ns()
            if face:
                seen = m.Seen(now_ns, 0, 0, 0, m.FacePose(), 0.0)
                control.presence.feed(seen)
            outputs = control.pipeline.tick(now_ns)
            control.journal.tick(now_ns)
            control._publish(outputs)
            control._attend(desk, outputs, now_ns)

    def say(name: str, source: str) -> m.OperatorAction:
        return m.OperatorAction(clock.now_ns(), name, "", source)

    def flags() -> tuple[str, ...]:
        return desk._shown.flags

    turn(2.0, False)
    assert machine.phase == "setup", "nothing is needed yet"
    for _ in range(3):
        turn(0.1, True, say("next", "participant"))
    assert machine.phase == "ready"
    turn(0.9, False)
    assert machine.phase == "ready", "not yet a second"
    turn(0.3, False)
    assert machine.phase == "paused"
    assert "face not shown" in flags()
    turn(0.5, True, say("resume", "participant"))
    assert machine.phase == "paused", "the participant cannot know that the face works"
    turn(2.0, True)
    assert machine.phase == "paused", "it never goes on by itself"
    turn(0.5, True, say("resume", "console"))
    assert machine.phase == "ready"
    assert "face not shown" not in flags()
    turn(1.1, False)
    turn(0.1, False, say("resume", "console"))
    assert machine.phase == "paused", "resumed too early: it waits again"
    control._say(m.SessionStop(clock.now_ns(), "done"))
    for part in (control.record, control.journal, control.hub):
        part.close()
    paused = [
        (entry.action.argument, entry.action.source)
        for entry in read_journal(tmp_path / "session")
        if isinstance(entry, Action) and entry.action.action == "pause"
    ]
    assert paused == [("face not shown", "control")] * 3
    with Record(tmp_path / "session") as record:
        assert any("face not shown: the study pauses" in note.text for note in record.messages("note"))
