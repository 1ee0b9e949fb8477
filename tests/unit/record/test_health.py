import pytest

from robopatient import messages as m
from robopatient.record.health import findings
from robopatient.record.reader import Record
from robopatient.record.writer import RecordWriter


def verdicts(folder):
    with Record(folder) as record:
        return {found.subject: (found.verdict, found.text) for found in findings(record)}


@pytest.fixture
def health(tmp_path):
    """Verdicts on a record of the messages given."""

    def judge(*messages):
        with RecordWriter(tmp_path, min_free_mb=1) as writer:
            for message in messages:
                writer.put(message)
        return verdicts(tmp_path)

    return judge


def test_a_sound_session_is_good_all_over_but_for_its_missed_pictures(recorded):
    found = verdicts(recorded())
    assert {subject for subject, (verdict, _) in found.items() if verdict != "good"} == {"Face"}
    assert found["Face"] == ("look", "300 pictures shown, 30.0 a second, 2 display periods missed")
    assert found["Voice"][1] == "1875 blocks played, 0 underruns, 0 blocks not reported"


def test_lost_frames_are_bad(health):
    rows = [
        m.Health(t_ns, link, "uno", 80.0, 100, lost, 1, 0.1, 7, 900.0, True, False)
        for t_ns, (link, lost) in enumerate([("disconnected", 0), ("streaming", 0), ("stale", 3), ("streaming", 3)])
    ]
    found = health(*rows, m.SessionStop(9, "operator"))
    assert found["Sensor board"] == ("bad", "uno: 100 frames received, 3 lost, 1 damaged; at times stale")
    assert found["Control loop"] == ("look", "7 ticks skipped; 99 % woke within 0.9 ms of their time")
    assert found["End"] == ("good", "by the operator")


def test_a_cut_session_says_so(health):
    assert health()["End"] == ("bad", "not on the record: the session was cut off, or still runs")


def test_underruns_missing_blocks_and_a_second_stream_are_counted(health):
    blocks = [m.Heard(i, block, 0, 0, 0.0, -120.0, 0.0, "", 2) for i, block in enumerate([0, 1, 4, 0, 1])]
    text = "5 blocks played, 2 underruns, 2 blocks not reported, the stream began again once"
    assert health(*blocks)["Voice"] == ("look", text)


def test_a_process_that_was_killed_and_started_again_is_told(health):
    states = [
        m.ActorState(1, "voice", "ready", pid=10),
        m.ActorState(2, "voice", "starting", pid=11),
        m.ActorState(3, "voice", "degraded", "no audio device", pid=11),
        m.ActorState(4, "face", "ready", pid=12),
    ]
    found = health(*states)
    assert found["Process voice"] == ("look", "started again once; degraded: no audio device")
    assert "Process face" not in found


def test_marked_force_is_told_by_share(health):
    frames = [m.ForceFrame(i * 10**6, 0, i, (1.0,), None, 0.0, ("dead_cell",) if i < 2 else ()) for i in range(8)]
    assert health(*frames)["Force"] == ("look", "8 values, longest gap 1 ms; marked dead cell 25 %")
