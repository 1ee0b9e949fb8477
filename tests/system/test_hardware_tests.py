"""The tests of a board on the bench, proved on the virtual board: its port is opened as a real one's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plate():
    """The virtual board as a process of its own, with nobody's hand on it; lines typed are weights and faults."""
    command = [sys.executable, "-m", "firmware_bridge.virtual_process", '{"rate_hz": 250}']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("load 0 145 145\n")
        yield json.loads(process.stdout.readline())["port"], process.stdin
        process.stdin.close()


def bench_tests(port: str, words: str):
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-m", "hardware", "-k", words]
    settings = {"ROBOPATIENT_BOARD": port, "ROBOPATIENT_CALIBRATION": "virtual", "ROBOPATIENT_HAND": "1"}
    return subprocess.Popen(
        [*command, "tests/hardware/test_board.py"],
        cwd=ROOT,
        env=os.environ | settings,
        text=True,
        stdout=subprocess.PIPE,
    )


def test_they_pass_on_a_board_that_is_well_and_see_the_weight_that_is_laid_on_it(plate):
    port, typed = plate
    said = ""
    with bench_tests(port, "") as tests:
        assert tests.stdout is not None
        for line in tests.stdout:
            said += line
            if "press the abdomen now" in line:
                typed.write("load 20 100 180\n")
                time.sleep(1.0)
                typed.write("load 0 145 145\n")
    assert tests.returncode == 0, said
    assert "3 passed" in said
    assert "20.0 N at (100, 180) mm" in said


@pytest.mark.parametrize(("fault", "words"), [("dropped", "rate"), ("stuck:2", "tare")])
def test_they_fail_on_a_board_that_is_not(plate, fault, words):
    port, typed = plate
    typed.write(f"{fault}\n")
    with bench_tests(port, words) as tests:
        assert tests.stdout is not None
        said = tests.stdout.read()
    assert tests.returncode == 1, said
    assert "1 failed" in said
