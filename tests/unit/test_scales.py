from __future__ import annotations

import pytest

from robopatient.scales import SCALES, parse_rating


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [("NRS 6", "NRS", 6.0), ("BPS.face 3", "BPS.face", 3.0), ("OSCE.consent 0.5", "OSCE.consent", 0.5)],
)
def test_a_rating_is_read_with_its_scale_and_item(text, scale, value):
    assert parse_rating(text) == (scale, value)


@pytest.mark.parametrize("text", ["NRS", "NRS 11", "BPS 3", "BPS.toes 3", "VAS 3", "OSCE.consent 2", "NRS nan", ""])
def test_a_rating_that_no_scale_allows_is_refused_with_its_text(text):
    with pytest.raises(ValueError, match="rating"):
        parse_rating(text)


def test_no_scale_that_needs_a_body_can_be_totalled():
    for name in ("BPS", "CPOT", "PAINAD", "Abbey"):
        assert any(item.missing for item in SCALES[name].items)
