from __future__ import annotations

import re

import pytest

from robopatient.patient.parameters import Parameter, parameters, to_markdown

ROWS = [(about, row) for _, about, rows in parameters() for row in rows]
SOURCED = re.compile(r"ssumption|ublished|doi |arXiv|eLife|facts sheet|textbook|\b(19|20)\d\d\b|in the record")


@pytest.mark.parametrize(("about", "row"), ROWS, ids=[f"{row.section}.{row.key}" for _, row in ROWS])
def test_every_parameter_has_a_source_or_is_called_an_assumption(about: str, row: Parameter) -> None:
    assert SOURCED.search(row.meaning) or SOURCED.search(about)


@pytest.mark.parametrize("row", [row for _, row in ROWS if row.default.replace(".", "").isdigit()], ids=str)
def test_every_number_has_a_range(row: Parameter) -> None:
    assert row.range


def test_the_tables_hold_every_parameter_once() -> None:
    lines = to_markdown().splitlines()
    for _, row in ROWS:
        assert sum(line.startswith(f"| `{row.key}` | {row.default} | {row.unit} |") for line in lines) >= 1
    assert sum(line.startswith("| `") for line in lines) == len(ROWS)
