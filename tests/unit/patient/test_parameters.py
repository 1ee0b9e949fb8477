from __future__ import annotations

import re
from pathlib import Path

import pytest

from robopatient.patient.parameters import Parameter, parameters, to_markdown

DOCS = Path(__file__).parents[3] / "docs" / "patients.md"
ROWS = [(about, row) for _, about, rows in parameters() for row in rows]
SOURCED = re.compile(r"ssumption|ublished|doi |arXiv|eLife|facts sheet|textbook|\b(19|20)\d\d\b|in the record")


@pytest.mark.parametrize(("about", "row"), ROWS, ids=[f"{row.section}.{row.key}" for _, row in ROWS])
def test_every_parameter_has_a_source_or_is_called_an_assumption(about: str, row: Parameter) -> None:
    assert SOURCED.search(row.meaning) or SOURCED.search(about)


@pytest.mark.parametrize("row", [row for _, row in ROWS if row.default.replace(".", "").isdigit()], ids=str)
def test_every_number_has_a_range(row: Parameter) -> None:
    assert row.range


def test_the_page_on_patients_holds_the_tables_as_they_are() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for line in to_markdown().splitlines():
        assert line in page, "print them anew: robopatient patient parameters"
