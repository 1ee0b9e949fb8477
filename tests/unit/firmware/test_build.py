"""What the compiler makes of the firmware: it fits the chip, and nothing under the GPL is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import lockstep

DOC = lockstep.HERE.parents[1] / "docs" / "explanation" / "firmware.md"
FLASH_BYTES = 8 * 1024
RAM_BYTES = 1200
"""Static, buffers included; the ATmega328P has 2048, the rest is stack."""
BUILDS = [
    {},
    {"SENSOR": "hx717", "CELLS": 9},
    {"SENSOR": "amplifier", "CELLS": 6},
    {"SENSOR": "fsr"},
    {"DEVICE": "rater"},
    {"MCU": "atmega2560", "CELLS": 9},
    {"MCU": "atmega2560", "SENSOR": "amplifier", "CELLS": 9, "SPS": 500},
    {"MCU": "atmega2560", "DEVICE": "rater", "BAUD": 115200},
    {"F_CPU": 8000000, "BAUD": 250000},
]


def size(elf):
    """Bytes of text, data and bss."""
    return tuple(map(int, lockstep.run("avr-size", elf).splitlines()[1].split()[:3]))


@pytest.mark.parametrize("options", BUILDS, ids=lambda options: " ".join(map(str, options.values())) or "default")
def test_every_build_fits_its_budget(image, options):
    lockstep.need("avr-size")
    text, data, bss = size(image(**options))
    assert text + data <= FLASH_BYTES
    assert data + bss <= RAM_BYTES


def test_the_sizes_in_the_documentation_are_those_of_the_builds(image):
    lockstep.need("avr-size")
    rows = re.findall(r"^\| (\d?) ?(\w+), (ATmega\d+P?) \| ([\d ]+) \| ([\d ]+) \|$", DOC.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for cells, what, mcu, flash, ram in rows:
        sensor = {"HX711": "hx711", "HX717": "hx717", "amplifiers": "amplifier"}.get(what)
        options = {"SENSOR": sensor, "CELLS": int(cells)} if sensor else {"DEVICE": "rater"}
        text, data, bss = size(image(MCU=mcu.lower(), **options))
        assert int(flash.replace(" ", "")) == pytest.approx(text + data, rel=0.02)
        assert int(ram.replace(" ", "")) == pytest.approx(data + bss, rel=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"CELLS": 10}, "N_CELLS: 1 to 9"),
        ({"SENSOR": "amplifier", "CELLS": 9}, "more than this microcontroller has analogue inputs"),
        ({"SENSOR": "amplifier", "SPS": 4000}, "lower SPS, OVERSAMPLE or N_CELLS"),
        ({"SPS": 10}, "periods above 40 ms"),
        ({"F_CPU": 12000000}, "F_CPU: 16 or 8 MHz"),
        ({"EXTRA": "-DBUTTONS=0x10"}, "BUTTONS names a line"),
    ],
)
def test_options_that_cannot_be_are_refused_with_the_reason(tmp_path, options, words):
    lockstep.need("avr-gcc")
    with pytest.raises(AssertionError, match=words):
        lockstep.build_firmware(tmp_path, **options)


def test_no_file_of_the_wheel_knows_the_simulator_library():
    package = lockstep.FIRMWARE.parent
    sources = [path for path in package.rglob("*") if path.suffix in (".c", ".h", ".cpp", ".ino")]
    assert len(sources) > 20
    for path in sources:
        assert "sim_avr.h" not in path.read_text(), path
    for path in Path(lockstep.HERE).glob("*.[ch]"):
        assert "SPDX-License-Identifier: GPL-3.0-or-later" in path.read_text(), path


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_tool_skips_a_test_but_fails_it_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-compiler: not installed; type: apt-get install gcc-avr"):
        lockstep.need("no-such-compiler")
