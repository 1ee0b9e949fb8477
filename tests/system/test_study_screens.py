"""As a lab would: an operator's console and a participant's screen, ten trials by keys and mouse, killed in the middle,
gone on with, finished. The presses are simulated; every key and every click goes through the X server.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support.desk import LIFE_S, Desk, virtual_display
from support.whole_session import COMMAND

from robopatient import messages as m
from robopatient.bus import ActorPort, make_endpoints
from robopatient.record.reader import Record

pytestmark = [pytest.mark.system, pytest.mark.qt, pytest.mark.timeout(280)]

CONSOLE, SCREEN = (0, 0, 1280, 800), (1300, 20, 1280, 800)
ANSWER_PLACES = {1: (0.13, 0.40), 2: (0.38, 0.40), 3: (0.62, 0.40), 4: (0.87, 0.40)}
"""Where the four answers are on the participant's screen, as shares of its size."""


class Lab:
    """A session on a display of its own, watched by its bus, worked by keys, mouse and a hand on the plate."""

    def __init__(self, folder: Path, display: str, *arguments: str) -> None:
        self.folder = folder
        self._hand = folder / "hand"
        self._hand.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "TMPDIR": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        for socket_folder in folder.glob("robopatient-*"):
            shutil.rmtree(socket_folder)
        self.log = (folder / "log.txt").open("a")
        self.process = subprocess.Popen(
            [
                "timeout", "--foreground", "--kill-after=5", str(LIFE_S), *COMMAND, "study", "run",
                "congruence_corrected", "--participant", "P01", "--folder", str(folder / "out"),
                "--board", "support.pressing_board:PressingBoard", "--set", f'board.options.hand="{self._hand}"',
                "--set", "voice.enabled=false", "--set", "record.report=false", "--set", "participant.full_screen=no",
                *arguments,
            ],
            env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.desk = Desk(display)
        sockets = self._wait(lambda: next(iter(folder.glob("robopatient-*/control-pub")), None), "the session's bus")
        self._port = ActorPort(make_endpoints(sockets.parent), ("study", "trial", "presented", "actor"))
        self.state: m.StudyState | None = None
        self.rows: list[m.TrialRecord] = []
        self.starts: list[m.TrialStart] = []
        self.pids: dict[str, int] = {}
        self.console = self.desk.window("robopatient: …")
        self.screen = self.desk.window("robopatient (participant)")
        self.desk.place(self.console, *CONSOLE)
        self.desk.place(self.screen, *SCREEN)

    def listen(self) -> None:
        for message in self._port.receive(20):
            match message:
                case m.StudyState():
                    self.state = message
                case m.TrialRecord():
                    self.rows.append(message)
                case m.TrialStart():
                    self.starts.append(message)
                case m.ActorState():
                    self.pids[message.actor] = message.pid

    def _wait(self, ask, what: str, timeout_s: float = 90.0):
        end_s = time.monotonic() + timeout_s
        while True:
            found = ask()
            if found:
                return found
            assert self.process.poll() is None, f"the session has ended: {(self.folder / 'log.txt').read_text()}"
            assert time.monotonic() < end_s, f"waited in vain for {what}; state {self.state}"
            time.sleep(0.02)

    def until(self, *phases: str, timeout_s: float = 60.0) -> str:
        def met() -> bool:
            self.listen()
            return self.state is not None and self.state.phase in phases

        self._wait(met, f"phase {phases}", timeout_s)
        return self.state.phase

    def operator(self, *keys: str) -> None:
        self.desk.turn_to(self.console)
        self.desk.press(*keys)

    def participant(self, *keys: str) -> None:
        self.desk.turn_to(self.screen)
        self.desk.press(*keys)

    def click_answer(self, number: int) -> None:
        x, y = ANSWER_PLACES[number]
        self.desk.click(SCREEN[0] + round(x * SCREEN[2]), SCREEN[1] + round(y * SCREEN[3]))

    def press_plate(self, newton: float) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hand:
            for force in (newton, 0.0):
                hand.sendto(f"{force}".encode(), str(self._hand))
                time.sleep(0.45)

    def begin(self) -> None:
        """Operator: go on; participant: agree, read three pages."""
        self.until("setup")
        while self.state.phase == "setup":
            self.operator("g")
            self.settle()
        for phase in ("consent", "instructions"):
            while self.state.phase == phase:
                self.participant("Return")
                self.settle()

    def settle(self, seconds: float = 0.4) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.listen()

    def trial(self, number: int) -> m.TrialRecord:
        """One trial: wait for the window, press into the band, answer; every third answer by mouse, every fourth by
        the operator's rating keys.
        """
        before = len(self.rows)
        for _ in range(5):
            if self.until("press", "question", timeout_s=90.0) == "press":
                self.settle(0.3)  # nobody reacts within a tenth of a second; the machine would not believe it
                self.press_plate(0.5 * (self.state.target_low_newton + self.state.target_high_newton))
            if self.until("question", "press", "ready", "feedback") == "question":
                break
        assert self.state.phase == "question", [(row.status, row.flags) for row in self.rows]
        self.settle(0.2)
        answer = 1 + number % 4
        if number % 3 == 0:
            self.click_answer(answer)
        elif number % 4 == 1:
            self.operator(str(answer))
        else:
            self.participant(str(answer))
        self._wait(lambda: (self.listen(), len(self.rows) > before and self.rows[-1].status == "done")[1], "the row")
        assert self.rows[-1].response_value == float(answer)
        return self.rows[-1]

    def kill(self) -> None:
        """Everything at once, as when the plug is pulled."""
        self._port.close()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


@pytest.fixture
def folder():
    place = Path(tempfile.mkdtemp(prefix="rp-"))  # a socket's path holds 107 letters: pytest's folders are too deep
    yield place
    shutil.rmtree(place, ignore_errors=True)


def test_ten_trials_by_keys_and_mouse_killed_in_the_middle_and_gone_on_with(folder):
    with virtual_display() as display:
        lab = Lab(folder, display)
        try:
            lab.begin()
            first = [lab.trial(number) for number in range(5)]
            assert {start.trial for start in lab.starts} >= {row.trial for row in first}
            lab.until("ready", "press")
        finally:
            lab.kill()
        lab = Lab(folder, display, "--resume")
        try:
            lab.until("setup")
            while lab.state.phase == "setup":
                lab.operator("g")
                lab.settle()
            second = [lab.trial(number) for number in range(5, 9)]
            lab.operator("BackSpace")  # undo: the ninth is asked again
            lab.until("question")
            lab.participant("2")
            lab.settle(1.0)
            lab.trial(9)
            lab.operator("e")
            lab.operator("e")
            lab.until("aborted")
            lab.settle(0.5)
            if lab.process.poll() is None:
                lab.desk.turn_to(lab.console)
                lab.desk.press("Control", "q")
                lab.desk.press("Control", "q")
            assert lab.process.wait(timeout=60) == 0, (folder / "log.txt").read_text()
        finally:
            lab.close()
    parts = sorted((folder / "out").glob("congruence_corrected_P01_s1*/record.sqlite"))
    rows = []
    for part in parts:
        with Record(part.parent) as record:
            rows += record.messages("trial")
    done = [row for row in rows if row.status == "done"]
    assert [row.trial for row in done[:5]] == [row.trial for row in first], "nothing confirmed was lost"
    assert len({row.trial for row in done}) == 10
    assert {row.trial for row in first}.isdisjoint({row.trial for row in second}), (
        "what was answered is not asked again"
    )
    undone = [row for row in done if row.corrects >= 0]
    assert [row.response_value for row in undone] == [2.0]
    assert all(row.trigger_ns and row.response_ns > row.trigger_ns for row in done)
