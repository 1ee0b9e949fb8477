"""Every fault that a board, its line or its host can have: each row is made to happen, seen, and told in words.

The rows are those of docs/reference/faults.md; what needs a real port (unplugged, flooded, forbidden, killed)
follows the table.
"""

import errno
import os
import re
import signal
import time
from pathlib import Path

import pytest
import serial
from support.simulated_bench import Bench

from firmware_bridge import discovery, faults, link, wire
from firmware_bridge.boards import make_board
from firmware_bridge.boards.serial import SerialBoard
from firmware_bridge.boards.virtual import VirtualBoard
from firmware_bridge.errors import BoardError, PortError
from firmware_bridge.frames import Status
from firmware_bridge.virtual_device import Load, VirtualDevice

TABLE = [
    # fault            how the host tells                                        state at the end
    ("silent", r"no sample for 250 ms: check the cable", "silent"),
    ("silent+1", r"no sample for 250 ms", "streaming"),
    ("reboot", r"", "streaming"),
    ("brownout", r"last reset was a brown-out: check its supply", "streaming"),
    ("garbage", r"\d+ % of the frames are damaged: check cable", "streaming"),
    ("truncated", r"\d+ % of the frames are damaged", "streaming"),
    ("flipped", r"\d+ % of the frames are damaged", "streaming"),
    ("dropped", r"\d+ % of the frames are lost", "streaming"),
    ("duplicate", r"", "streaming"),
    ("reordered", r"\d+ % of the frames are lost", "streaming"),
    ("dead:2", r"cell 2 does not convert", "streaming"),
    ("stuck:3", r"cell 3 has not changed by one count", "streaming"),
    ("saturated:1", r"cell 1 is at full scale: overloaded, or a wire", "streaming"),
    ("ones:4", r"cell 4 reads all ones \(-1\): check its clock", "streaming"),
    ("zeros:2", r"cell 2 reads all zeros: check its clock", "streaming"),
    ("slow", r"the board takes 4\d\d ms to answer: its clock cannot be mapped", "streaming"),
    ("text", r"no sample for 250 ms", "silent"),
    ("version", r"no sample for 250 ms", "silent"),
]
ELSEWHERE = {"unplug", "flood", "eeprom"}
"""Kinds with tests of their own below."""


@pytest.mark.parametrize(("fault", "words", "state"), TABLE, ids=[row[0] for row in TABLE])
def test_a_fault_that_befalls_a_running_board_is_seen_and_told(fault, words, state):
    bench = Bench()
    bench.run(1.0)
    assert bench.details == []
    bench.fault(fault)
    bench.run(5.0)
    assert any(re.search(words, detail) for detail in bench.details) or not words, bench.details
    assert bench.board.health().state == state, bench.states


def test_the_table_has_a_row_for_every_fault_that_the_virtual_board_knows():
    assert {row[0].split("+")[0].split(":")[0] for row in TABLE} | ELSEWHERE == set(faults.KINDS)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("text", r'bytes arrive but none is a frame at 500000 baud \(text: ".*"\): .*is it a board\?'),
        ("version", r"the board speaks protocol 2, this program protocol 1: flash its firmware anew .*flash-help"),
        ("silent", r"the board does not answer: check its power"),
        ("slow", r"the board takes 4\d\d ms to answer"),
    ],
)
def test_a_fault_that_is_there_from_the_start_is_told_instead_of_waiting_for_ever(fault, words):
    bench = Bench()
    bench.fault(fault)
    bench.run(6.0)
    assert any(re.search(words, detail) for detail in bench.details), bench.details
    if fault == "slow":
        assert bench.board.health().clock == "unsynced"
        assert all(frame.status & Status.CLOCK_UNSYNCED for frame in bench.samples)
        assert len(bench.samples) > 500
    else:
        assert not bench.samples


def test_duplicates_and_strays_and_losses_are_counted_apart():
    counts = {}
    for fault in ("duplicate", "reordered", "dropped"):
        bench = Bench()
        bench.run(1.0)
        bench.fault(fault)
        bench.run(4.0)
        health = bench.board.health()
        counts[fault] = (health.lost, health.duplicate, health.stray)
        seqs = [frame.seq for frame in bench.samples]
        assert seqs == sorted(set(seqs))
    assert counts["duplicate"][0] == counts["duplicate"][2] == 0 < counts["duplicate"][1]
    assert counts["reordered"][1] == 0 < counts["reordered"][2] <= counts["reordered"][0]
    assert counts["dropped"][1] == counts["dropped"][2] == 0 < counts["dropped"][0]


def test_a_reboot_begins_a_new_epoch_and_a_new_clock_mapping():
    bench = Bench()
    bench.run(2.0)
    bench.fault("reboot")
    bench.run(2.0)
    assert [frame.epoch for frame in bench.samples] == sorted(frame.epoch for frame in bench.samples)
    assert bench.board.health().epoch == 1
    assert bench.board.health().clock == "synced"


def test_frames_say_whether_their_time_is_mapped():
    bench = Bench()
    bench.run(3.0)
    unsynced = [bool(frame.status & Status.CLOCK_UNSYNCED) for frame in bench.samples]
    assert unsynced[0]
    assert not any(unsynced[250:])


def test_a_damaged_note_in_the_eeprom_is_told_by_the_self_test_after_the_start():
    bench = Bench()
    bench.fault("eeprom")
    bench.run(4.0)
    assert "the note in the board's EEPROM is damaged" in bench.board.health().detail


def test_a_host_that_hangs_finds_the_board_stopped_and_starts_it_again():
    bench = Bench()
    bench.run(1.0)
    n = len(bench.samples)
    bench.run(3.0, deaf=True)
    bench.run(1.0)
    assert bench.board.health().state == "streaming"
    assert len(bench.samples) > n + 100
    assert not bench.board.health().status & Status.WATCHDOG


def test_a_host_that_was_suspended_takes_the_jump_for_a_new_epoch_and_dates_no_frame_in_the_future():
    """Its monotonic clock stands still in a suspend; the board's goes on."""
    bench = Bench()
    bench.run(2.0)
    bench.device._boot_ns -= 20_000_000_000
    bench.run(2.0)
    assert bench.board.health().epoch == 1
    assert all(frame.t_ns <= frame.received_ns for frame in bench.samples)


@pytest.mark.parametrize("device_baud", [500_000, 1_000_000, 250_000, 115_200])
def test_a_board_of_any_known_rate_is_found_when_baud_is_0(device_baud):
    bench = Bench(baud=0, device_baud=device_baud)
    bench.run(6.0)
    assert bench.board.health().state == "streaming", bench.details
    assert bench.board.link.baud == device_baud


def test_a_board_of_an_unknown_rate_is_told_with_all_that_was_tried():
    bench = Bench(baud=0, device_baud=38_400)
    bench.fault("garbage")
    bench.run(6.0)
    assert "none is a frame at 500000, 1000000, 250000, 115200 baud" in bench.board.health().detail


def test_a_wrong_rate_is_told_with_the_key_to_change():
    bench = Bench(baud=115_200)
    bench.run(1.0)
    bench.cable.device_baud = 500_000
    again = SerialBoard("simulated", 115_200, 250.0)
    again.link = bench.cable
    for _ in range(500):
        bench.cable.now_ns += 4_000_000
        again.frames(bench.cable.now_ns, bench.cable.read())
        again.poll(bench.cable.now_ns)
    assert re.search(
        r"bytes arrive but none is a frame at 115200 baud .* set board\.baud .* or to 0", again.health().detail
    )


def test_a_rate_that_no_adapter_has_is_refused():
    with pytest.raises(BoardError, match=r"board\.baud is 300"):
        SerialBoard("/dev/ttyS0", 300, 1000.0)


def test_a_rater_in_the_place_of_a_board_is_named_and_never_started():
    bench = Bench(device_class=wire.DeviceClass.RATER)
    bench.run(3.0)
    assert "SIM is an abdomen board, not a rater" in bench.board.health().detail
    assert not bench.samples


def test_a_board_that_streams_faster_than_asked_is_told():
    device = VirtualDevice(Load(0.0), now_ns=0, rate_hz=250.0)
    bench = Bench(device=device)
    bench.run(1.0)
    device._period_us //= 2
    device._start_ns, device._index = bench.cable.now_ns, 0
    bench.run(2.0)
    assert re.search(r"50\d samples come a second, 250 were asked for", bench.board.health().detail)


def test_full_scale_counts_arrive_exactly_and_are_flagged():
    device = VirtualDevice(Load(2_000.0, 0.0, 0.0), now_ns=0, rate_hz=250.0)
    bench = Bench(device=device)
    bench.run(1.0)
    assert bench.samples[-1].counts[2] == 0x7FFFFF
    assert bench.samples[-1].saturated_mask == 0b100
    assert bench.board.health().detail.startswith("cell 3 is at full scale")


def opened(board: VirtualBoard | SerialBoard, seconds: float = 20.0, until=lambda health: False) -> list[str]:
    """Details told while the board is used for a while, or until its health is so."""
    told = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        data = board.read(0.005)
        now_ns = time.monotonic_ns()
        board.frames(now_ns, data)
        board.poll(now_ns)
        health = board.health()
        told.append(health.detail)
        if until(health):
            return told
    raise AssertionError(board.health())


@pytest.fixture
def live():
    board = make_board("virtual", rate_hz=250.0)
    board.open()
    yield board
    board.close()


def test_a_device_that_floods_the_line_is_shut_out(live):
    opened(live, until=lambda health: health.samples > 10)
    live.inject("flood")
    told = opened(live, until=lambda health: health.state == "down")
    assert re.search(r"floods the line with more than 100 kB/s", told[-1])


def test_a_killed_simulator_is_an_unplugged_board(live):
    opened(live, until=lambda health: health.samples > 10)
    os.kill(live._process.pid, signal.SIGKILL)
    opened(live, until=lambda health: health.state == "down")


def test_a_wrong_rate_on_a_real_terminal_is_found():
    board = make_board("virtual", rate_hz=80.0, options={"baud": 115_200, "host_baud": 0})
    board.open()
    try:
        opened(board, until=lambda health: health.samples > 10)
        assert board.link.baud == 115_200
    finally:
        board.close()


def test_a_tty_that_says_nothing_is_told_to_be_silent():
    master, slave = os.openpty()
    board = SerialBoard(os.ttyname(slave), 500_000, 250.0)
    board.open()
    try:
        now_ns = time.monotonic_ns()
        for step in range(400):
            board.poll(now_ns + step * 10_000_000)
        assert "the board does not answer" in board.health().detail
    finally:
        board.close()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("mode", "left_at", "note"), [(0o644, "1", ""), (0o444, "16", "the adapter holds bytes back for up to 16 ms")]
)
def test_an_ftdi_adapter_is_asked_for_1_ms_or_the_command_is_told(monkeypatch, tmp_path, mode, left_at, note):
    master, slave = os.openpty()
    path = os.ttyname(slave)
    timer = tmp_path / Path(path).name / "latency_timer"
    timer.parent.mkdir()
    timer.write_text("16")
    monkeypatch.setattr(link, "USB_SERIAL", tmp_path)
    if mode == 0o444:  # root may write what is read-only
        monkeypatch.setattr(Path, "write_text", lambda *_: (_ for _ in ()).throw(PermissionError()))
    opened = link.Link(path, 500_000)
    opened.open()
    opened.close()
    os.close(master)
    os.close(slave)
    assert timer.read_text() == left_at
    assert opened.note.startswith(note)
    assert (f"tee {timer}" in opened.note) == bool(note)


def test_no_permission_is_told_with_the_group_and_the_udev_rule_of_this_very_adapter(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    master, slave = os.openpty()
    path = os.ttyname(slave)
    uno = discovery.Port(path=path, vid="2341", pid="0043", serial="", description="")
    monkeypatch.setattr(discovery, "ports", lambda: [uno])
    with pytest.raises(PortError, match=r"usermod -aG dialout .*ATTRS\{idVendor\}==\"2341\""):
        SerialBoard(path, 500_000, 250.0).open()
    os.close(master)
    os.close(slave)


def test_the_page_on_faults_names_every_fault_of_the_virtual_board():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")
    assert [kind for kind in faults.KINDS if f"`{kind}" not in page] == []


@pytest.mark.parametrize("note", ["", "plate-a 2026-03-01 0badcafe"])
def test_the_note_in_the_eeprom_is_read_after_the_start(note):
    bench = Bench(device=VirtualDevice(Load(0.0), now_ns=0, rate_hz=250.0, note=note))
    bench.run(1.0)
    assert bench.board.health().note is None, "not told yet"
    bench.run(3.0)
    assert bench.board.health().note == note


def test_a_note_that_is_written_is_the_note():
    bench = Bench()
    bench.run(3.0)
    bench.board.conversation.ask(wire.Command.CAL_SET, b"plate-b 2026-04-01")
    bench.run(1.0)
    assert bench.board.health().note == "plate-b 2026-04-01"
