import os

import pytest

from robopatient.console.display import why_no_display


def test_no_display_is_told_without_asking_qt():
    reason = why_no_display({}, platform="linux")
    assert "DISPLAY" in reason
    assert "--headless" in reason


@pytest.mark.qt
def test_qt_starts_on_the_offscreen_platform():
    assert why_no_display({**os.environ, "QT_QPA_PLATFORM": "offscreen"}) == ""


@pytest.mark.qt
def test_a_display_that_refuses_is_told_and_does_not_end_this_process():
    environment = {**os.environ, "DISPLAY": ":4093", "QT_QPA_PLATFORM": "xcb"}
    assert "Qt cannot open a display" in why_no_display(environment, platform="linux")
