"""The bridge's benchmark: names, baselines, and what it says when a baseline is absent."""

import sys

import numpy as np
import pytest

from experiments.benchmarks import bridge
from firmware_bridge.frames import RawFrame


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(bridge, "FRAMES", 50)
    monkeypatch.setattr(bridge, "ROUNDS", 2)


def test_decoding_is_named_as_the_page_of_figures_names_it(few, monkeypatch):
    for name in ("pymavlink", "pymavlink.dialects.v20.common", "construct"):
        monkeypatch.setitem(sys.modules, name, None)
    figures = {figure.name: figure for figure in bridge._decode_figures()}
    assert [name for name, figure in figures.items() if figure.value is not None] == [
        "decode_us",
        "decode_to_raw_frame_us",
    ]
    for name in ("pymavlink", "construct"):
        assert figures[f"decode_ratio_{name}"].remark == f"{name} is not installed; type: pip install {name}"


def test_both_baselines_decode_what_they_were_given(few):
    pytest.importorskip("pymavlink")
    pytest.importorskip("construct")
    assert {figure.name for figure in bridge._decode_figures() if figure.value is not None} >= {
        "decode_ratio_pymavlink",
        "decode_ratio_construct",
    }


def test_fuzzing_counts_no_false_frame():
    figure = bridge._fuzz_figure(1 << 21, seed=3)
    assert (figure.name, figure.value, figure.met) == ("fuzz_false_frames", 0, True)


def test_a_gap_that_the_link_has_not_counted_is_undetected(monkeypatch, tmp_path):
    class Health:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def table(self, _):
            ones = np.ones(1)
            return {"frames_lost": ones, "frames_bad": ones, "loop_missed": ones, "clock_residual_ms": ones}

    monkeypatch.setattr(bridge, "Record", Health)
    config = bridge.resolve(None, True, None, 1.0, 1, None, ["voice.enabled=false", "face.enabled=false"])
    times_us = [0, 1000, 2001, 5000, 6000]  # two samples are missing, one of them was counted
    frames = [RawFrame(t, t, t, n, 0, (0,) * 4, 0, 15, 0) for n, t in enumerate(times_us)]
    figures = {figure.name: figure.value for figure in bridge._soak_figures(config, tmp_path, [frames])}
    assert figures["soak_frames_lost"] == 1
    assert figures["soak_frames_undetected"] == 1


def test_the_plugs_of_the_bench_are_faults_that_the_board_knows():
    from firmware_bridge.faults import parse_fault

    plugs = [parse_fault(text) for text in bridge._plugs().strip('["]').split('", "')]
    assert all(plug.kind == "unplug" and plug.for_s == bridge.UNPLUGGED_S for plug in plugs)
