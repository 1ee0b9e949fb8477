from robopatient.display import why_no_display


def test_no_display_is_told_without_asking_qt():
    reason = why_no_display({}, platform="linux")
    assert "DISPLAY" in reason
    assert "--headless" in reason
