"""What 0.1 left on the disk is read by this version, and computed again: golden/README.md says how each was made."""

from __future__ import annotations

import json
import math
import tarfile
from pathlib import Path
from typing import Any

import pytest

from replay import reading
from replay.expected import READINGS, inside

pytestmark = pytest.mark.timeout(240)

EXPECTED: dict[str, Any] = json.loads((reading.GOLDEN / "expected.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-6
"""Of numbers; what must be exact is a hash, or is compared bit for bit by ``replay``."""
SINGLE_TOLERANCE = 1e-5
"""Of networks in single precision, whose sums another processor takes in another order."""
SINGLE = ("output of", "judgement of")


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """The golden folder unpacked, and the place to work in: sessions name their files relative to it."""
    folder = reading.unpack(tmp_path_factory.mktemp("golden"))
    with inside(folder):
        yield folder


def differences(expected: Any, found: Any, at: str = "", tolerance: float = TOLERANCE) -> list[str]:
    """Where what was expected is not there; what a later version adds is no difference."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{at}: {expected} became {found}"]
        wrong = [f"{at}.{key}: is gone" for key in expected if key not in found]
        both = [key for key in expected if key in found]
        return wrong + [x for k in both for x in differences(expected[k], found[k], f"{at}.{k}", tolerance)]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(expected) != len(found):
            return [f"{at}: {len(expected)} items became {found}"]
        return [x for i, one in enumerate(expected) for x in differences(one, found[i], f"{at}[{i}]", tolerance)]
    if isinstance(expected, float) and isinstance(found, int | float) and not isinstance(found, bool):
        near = math.isclose(expected, found, rel_tol=tolerance, abs_tol=tolerance)
        return [] if near or (math.isnan(expected) and math.isnan(found)) else [f"{at}: {expected} became {found}"]
    return [] if expected == found else [f"{at}: {expected!r} became {found!r}"]


@pytest.mark.parametrize("name", list(READINGS))
def test_what_0_1_wrote_is_read_with_the_same_numbers(golden, name):
    tolerance = SINGLE_TOLERANCE if name.startswith(SINGLE) else TOLERANCE
    assert not differences(EXPECTED[name], json.loads(json.dumps(READINGS[name]())), name, tolerance)


def test_the_zip_of_stable_baselines3_and_the_weights_beside_it_act_alike(golden):
    zipped, portable = reading.sb3_actions("inputs/policy")
    assert not differences(portable, zipped, "action", SINGLE_TOLERANCE)


def test_a_data_set_of_0_1_passes_every_check(golden):
    told = json.loads(reading.command("dataset", "verify", "dataset", "--json"))
    assert {check["name"] for check in told["checks"] if not check["passed"]} == set()
    assert sum(check["total"] for check in told["checks"]) >= 40


def test_a_killed_session_has_no_end_and_its_successor_asks_only_what_was_left(golden):
    rows = reading.trials("studies", Path("studies-parts"))
    done = [row for row in rows if row["status"] == "done"]
    assert len({row["trial"] for row in done}) == len(done) == 10
    assert reading.recorded("studies/study_P01_s1")["stop"] == 0
    assert reading.recorded("studies/study_P01_s1_2")["stop"] == 1


def test_the_golden_files_are_small():
    size = sum(path.stat().st_size for path in reading.GOLDEN.rglob("*") if path.is_file())
    assert size < 3_000_000


def test_the_data_set_holds_forty_pictures():
    with tarfile.open(reading.GOLDEN / "dataset.tar.xz", "r:xz") as archive:
        assert sum(name.endswith(".jpg") for name in archive.getnames()) == 40
