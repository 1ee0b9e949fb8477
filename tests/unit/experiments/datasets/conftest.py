"""One tiny set that most tests look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from experiments.datasets.generate import generate

DESIGN = """
title = "Tiny: a test"
seed = 3
[balance]
people = 2
sex = ["female", "male"]
[show]
pain_nrs = [7.0]
archetypes = ["furrowed"]
other = ["happy"]
[picture]
views = ["frontal", "left"]
size_px = 96
label_px = 24
renderer = "numba"
[extra]
webdataset = true
bids = true
"""


@pytest.fixture(scope="session")
def design_text() -> str:
    return DESIGN


@pytest.fixture(scope="session")
def design(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("design") / "tiny.toml"
    path.write_text(DESIGN)
    return str(path)


@pytest.fixture(scope="session")
def made(design, tmp_path_factory) -> Path:
    """A finished set; look, do not touch."""
    out = tmp_path_factory.mktemp("made") / "set"
    generate(design, out, workers=1, say=lambda text: None)
    return out


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """A finished set to spoil."""
    return Path(shutil.copytree(made, tmp_path / "copy"))
