"""A film from a trace of pain: every frame has its picture and its row, and pain shows in both."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from support.needs import HEAD, module

from firmware_bridge.errors import OutputError
from robopatient.errors import ConfigError, RecordError
from robopatient.facs import ACTION_UNITS, by_side, pspi
from robopatient.simulation.generate import generate


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "pain.csv"
    path.write_text("t_s,nrs\n0,0\n0.2,0\n0.4,8\n1.2,8\n1.4,0\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@HEAD
@pytest.mark.parametrize(("engine", "least"), [("blend", 6.0), ("diffusion", 3.0)])
def test_frames_and_table_show_the_pain_of_the_trace(trace: Path, tmp_path: Path, engine: str, least: float) -> None:
    out = tmp_path / "frames"
    generate(str(trace), out, face="tomas", fps=8.0, size_px=128, frames="jpg", renderer="numba", engine=engine)
    rows = rows_of(out / "frames.csv")
    assert len(rows) == len(list(out.glob("*.jpg"))) == 24  # 2.9 s, the last one begun
    pain, shown = (np.array([float(row[name]) for row in rows]) for name in ("nrs", "pspi"))
    assert pain.max() == pytest.approx(8.0)
    assert shown[pain > 7.9].max() > least
    assert shown[0] < 0.5
    for row in rows:
        au = {name: float(row[name]) for name in by_side({}, ACTION_UNITS)}
        assert all(au[unit] == max(au[f"{unit}L"], au[f"{unit}R"]) for unit in ACTION_UNITS)
        assert float(row["pspi"]) == pytest.approx(pspi(au), abs=1e-3)
    assert max(float(row["AU6L"]) for row in rows) > 0.1


@HEAD
def test_the_recording_beside_a_film_of_its_name_is_kept(trace: Path, tmp_path: Path) -> None:
    before = trace.read_bytes()
    out = trace.with_suffix(".mp4")
    generate(str(trace), out, fps=5.0, size_px=128, renderer="numba", engine="blend")
    assert trace.read_bytes() == before
    assert out.exists()
    assert len(rows_of(tmp_path / "pain_frames.csv")) > 10
    with pytest.raises(OutputError, match="exists"):
        generate(str(trace), out, fps=5.0, size_px=128, renderer="numba", engine="blend")


@HEAD
def test_a_film_has_both_views_side_by_side_and_sound(trace: Path, tmp_path: Path) -> None:
    av = module("av", "face")
    out = tmp_path / "film.mp4"
    generate(str(trace), out, fps=6.0, size_px=128, views="frontal,three-quarter", renderer="numba")
    with av.open(str(out)) as film:
        [video] = film.streams.video
        [audio] = film.streams.audio
        assert (video.width, video.height, video.frames) == (256, 128, 18)
        samples = np.concatenate([frame.to_ndarray().ravel() for frame in film.decode(audio)])
    assert np.abs(samples).max() > 0.01


@HEAD
def test_recorded_palpation_hurts(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "felt"
    generate(
        f"{shared_data / 'palpation_four_cell.npz'}#IP1_B1_T1",
        out,
        fps=5.0,
        size_px=128,
        frames="jpg",
        renderer="numba",
    )
    pain = [float(row["nrs"]) for row in rows_of(out / "frames.csv")]
    assert max(pain) > 1.0
    assert pain[0] == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t_s,nrs\n0,0\n1,11\n", "nrs is 0 to 11; pain is a number from 0 to 10"),
        ("t_s,nrs\n0,0\n0,1\n", "line 3: t_s does not increase"),
        ("t_s,nrs\n0,zero\n", "line 2: nrs is 'zero', expected a number"),
    ],
)
def test_a_bad_trace_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        generate(str(path), tmp_path / "out")


def test_an_unknown_ending_is_refused(trace: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"NAME.mp4"):
        generate(str(trace), tmp_path / "x.avi")
