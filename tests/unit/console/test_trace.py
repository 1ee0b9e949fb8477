import math

import numpy as np

from robopatient.console.trace import Trace

SECOND = 1_000_000_000


def test_window_holds_the_newest_samples_in_order_after_the_buffer_has_wrapped():
    trace = Trace(capacity=8)
    for index in range(21):
        trace.append(index * SECOND // 10, float(index))
    age_s, values = trace.window(now_ns=2 * SECOND)
    assert values.tolist() == [13, 14, 15, 16, 17, 18, 19, 20]
    assert np.allclose(age_s, np.arange(-0.7, 0.01, 0.1))


def test_window_cuts_off_what_is_older_than_the_span():
    trace = Trace()
    for index in range(100):
        trace.append(index * SECOND // 10, float(index))
    age_s, values = trace.window(now_ns=10 * SECOND, span_s=2.0)
    assert age_s.min() >= -2.0
    assert values[0] == 80


def test_samples_that_are_not_newer_are_dropped():
    trace = Trace()
    trace.append(SECOND, 1.0)
    trace.append(SECOND, 2.0)
    trace.append(SECOND // 2, 3.0)
    assert trace.latest == 1.0
    assert trace.latest_ns == SECOND


def test_a_silence_is_not_bridged_by_a_line():
    trace = Trace()
    trace.append(SECOND, 1.0)
    trace.append(3 * SECOND, 2.0)
    assert np.isnan(trace.window(3 * SECOND)[1]).sum() == 1


def test_an_empty_trace_has_no_peak_and_no_latest_value():
    trace = Trace()
    assert trace.latest_ns is None
    assert math.isnan(trace.latest)
    assert trace.peak(SECOND) == 0.0


def test_peak_looks_only_at_its_span_and_over_gaps():
    trace = Trace()
    for t_s, value in ((0, 9.0), (5, 2.0), (6, math.nan), (7, 4.0)):
        trace.append(t_s * SECOND, value)
    assert trace.peak(7 * SECOND, span_s=3.0) == 4.0
    assert trace.peak(7 * SECOND, span_s=10.0) == 9.0
