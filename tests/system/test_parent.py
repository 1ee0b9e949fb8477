"""A process whose parent was killed: grandchildren of this one, so that a parent can be killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from robopatient.parent import leave_with_parent, parent_is_gone

SPAWN = multiprocessing.get_context("spawn")


def parent(how: str, pipe: Connection) -> None:
    """Start the child and wait to be killed."""
    child = SPAWN.Process(target=CHILDREN[how], args=(pipe,))
    child.start()
    pipe.close()
    time.sleep(60)


def obedient(pipe: Connection) -> None:
    leave_with_parent(30.0)
    pipe.send(os.getpid())
    time.sleep(60)


def orderly(pipe: Connection) -> None:
    """Leaves by its own SIGTERM handler, and knows why."""
    leave_with_parent(30.0)

    def leave(*_: object) -> None:
        pipe.send(parent_is_gone())
        raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    pipe.send(os.getpid())
    time.sleep(60)


def deaf(pipe: Connection) -> None:
    """Never comes back to its handler."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    leave_with_parent(0.2)
    pipe.send(os.getpid())
    time.sleep(60)


def late(pipe: Connection) -> None:
    """Looks for its parent long after that one has died."""
    pipe.send(os.getpid())
    while not parent_is_gone():
        time.sleep(0.01)
    time.sleep(0.1)
    leave_with_parent(30.0)
    time.sleep(60)


CHILDREN = {"obedient": obedient, "orderly": orderly, "deaf": deaf, "late": late}


@pytest.mark.parametrize("how", CHILDREN)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_when_its_parent_is_killed(how, number):
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=parent, args=(how, theirs))
    process.start()
    theirs.close()
    assert ours.poll(30)
    ours.recv()
    os.kill(process.pid, number)
    process.join(10)
    if how == "orderly":
        assert ours.poll(20)
        assert ours.recv() is True
    assert ours.poll(20), "the child is still there, and holds the other end"
    with pytest.raises(EOFError):
        ours.recv()


def test_what_a_terminal_sends_to_all_is_left_to_the_parent():
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=obedient, args=(theirs,))
    process.start()
    theirs.close()
    assert ours.poll(30)
    ours.recv()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        os.kill(process.pid, number)
    process.terminate()
    process.join(20)
    assert process.exitcode == -signal.SIGTERM


def test_the_virtual_board_leaves_when_its_parent_is_killed():
    code = (
        "import time; from firmware_bridge.boards import make_board; b = make_board('virtual'); b.open(); "
        "print(b._process.pid, b.link.port, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid, path = parent.stdout.readline().split()
        os.kill(parent.pid, signal.SIGKILL)
    end_s = time.monotonic() + 30.0
    while Path(path).is_symlink() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not Path(path).is_symlink(), f"process {pid} is still there"


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can be somebody whom passwd lacks")
def test_a_user_without_home_and_passwd_entry_gets_a_cache_and_no_folder_called_tilde() -> None:
    become = "os.setgroups([]); os.setgid(12345); os.setuid(12345)"
    code = "print(f.home(), f.user_cache(), f.user_settings())"
    done = subprocess.run(
        [sys.executable, "-c", f"import os, pwd, robopatient.folders as f; {become}; {code}"],
        cwd=Path(__file__).resolve().parents[2], env={"TMPDIR": "/tmp", "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "~" not in done.stdout
    assert "/robopatient-12345" in done.stdout
