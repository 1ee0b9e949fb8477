"""Every page is whole for those who do not see it: headings in order, names for figures, heads for tables."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from robopatient.record.reader import Record
from robopatient.report.numbers import duration, largest, number, percent, signed
from robopatient.report.page import columns, render
from robopatient.report.session import write_report


class Outline(HTMLParser):
    """Headings, figures without a name, tables without a caption or a head."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.nameless: list[str] = []
        self.tables: list[set[str]] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        if (tag == "svg" and not given.get("aria-label")) or (tag == "img" and not given.get("alt")):
            self.nameless.append(tag)
        if tag == "table":
            self.tables.append(set())
        if tag == "caption" or (tag == "th" and given.get("scope")):
            self.tables[-1].add(tag)


def test_a_report_can_be_heard(recorded, tmp_path):
    with Record(recorded()) as record:
        write_report(record, [], None, tmp_path / "report.html")
    outline = Outline()
    outline.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.nameless == []
    assert len(outline.tables) >= 2
    assert all(parts == {"caption", "th"} for parts in outline.tables)


def test_words_are_escaped_and_markup_is_not(tmp_path):
    (tmp_path / "__init__.py").touch()
    text = render("base.html", title="A <b> & C")
    assert "<title>A &lt;b&gt; &amp; C</title>" in text
    assert Markup("<i>") == "<i>"


def test_columns_know_what_stands_in_them():
    assert [tuple(column) for column in columns(":Press", "peak|N", "::note")] == [
        ("Press", "", "word"), ("peak", "N", "number"), ("note", "", "text"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-3.14159, 2), "−3.14"),
        (number(float("nan")), "–"),
        (number(None, missing=""), ""),
        (signed(0.25, 2), "+0.25"),
        (signed(-0.25, 2), "−0.25"),
        (percent(0.123, 1), "12.3 %"),
        (percent(None), "–"),
        (largest([1.0, float("nan"), 3.0], 1), "3.0"),
        (largest([]), "–"),
        (duration(9.87), "9.9 s"),
        (duration(135.0), "2 min 15 s"),
    ],
)
def test_numbers_are_written_one_way(text, expected):
    assert text == expected


def test_pages_are_made_in_one_place():
    """One HTML builder and one way to draw: no module writes a page, a table or an SVG of its own."""
    root = Path(__file__).parents[3]
    wrong = [
        f"{path.relative_to(root)}: {text}"
        for package in ("robopatient", "firmware_bridge", "policies", "experiments")
        for path in (root / package).rglob("*.py")
        for text in ("<!doctype", "<table", "<svg viewBox", 'format="svg"')
        if text in path.read_text(encoding="utf-8")
    ]
    assert wrong == ['robopatient/report/figures.py: format="svg"']
