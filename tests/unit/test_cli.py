from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "scipy", "numba", "torch", "PySide6", "zmq", "matplotlib", "sounddevice", "serial", "moderngl")


def test_help_imports_nothing_heavy():
    code = f"import sys, robopatient.cli; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from robopatient.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_verb():
    done = run("--help")
    assert done.returncode == 0
    verbs = "run doctor board patient voice face replay report bench scenario sessions debrief"
    for verb in verbs.split():
        assert verb in done.stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("run", "--duration", "-3"), ("face", "still")])
def test_wrong_usage_exits_with_two(arguments):
    assert run(*arguments).returncode == 2


def test_a_folder_that_is_no_session_is_named():
    done = run("replay", "/nowhere")
    assert done.returncode == 1
    assert "/nowhere" in done.stderr
    assert "Traceback" not in done.stderr
