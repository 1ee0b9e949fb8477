from __future__ import annotations

import numpy as np
import pytest

from experiments.judges.clips import UNITS, Clip, pspi_of
from experiments.judges.course import KEEP_SIZE, SPOILT, shown, spoilt
from experiments.judges.evaluator import score
from experiments.judges.judge import JudgeCard, load_judge, new_judge, save_judge
from robopatient.errors import SessionError

T_S = np.arange(240) / 30.0


def made_up(people: int, each: int, lineage: str, seed: int) -> list[Clip]:
    """Faces that rise in 0.4 s, half a second after the pain, and decay over two."""
    rng = np.random.default_rng(seed)
    clips = []
    for person in range(people):
        for number in range(each):
            start, hold, nrs = rng.uniform(1.0, 2.5), rng.uniform(1.0, 2.0), rng.uniform(3.0, 10.0)
            pain = np.clip(np.minimum((T_S - start) / 0.3, (start + hold + 0.3 - T_S) / 0.3), 0.0, 1.0)
            up = np.clip((T_S - start - 0.5) / 0.4, 0.0, 1.0)
            face = up * np.exp(-np.clip(T_S - start - hold - 0.5, 0.0, None) / 1.2)
            au = np.abs(rng.normal(0.0, 0.05, (240, len(UNITS))))
            for unit in ("AU4", "AU7", "AU10"):
                au[:, UNITS.index(unit)] += 0.45 * nrs * face
            au = np.clip(au, 0, 5).astype(np.float32)
            clips.append(Clip(f"p{person}", f"p{person}-{number}", (lineage,), au, (nrs * pain).astype(np.float32)))
    return clips


TAUGHT, OTHERS = made_up(5, 6, "one", 1), made_up(5, 5, "other", 2)


def scored(kind: str, tmp_path) -> dict:
    judge = new_judge(kind)
    judge.fit(TAUGHT, 1)
    save_judge(tmp_path, judge, JudgeCard(kind=kind, lineage=("one",), source="s", clips=30, people=5, seed=1))
    return score(*load_judge(tmp_path), OTHERS)


def test_a_network_that_reads_time_tells_what_differs_in_time_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("experiments.judges.networks.EPOCHS", 45)
    report = scored("course-gru", tmp_path)
    assert all(report["course"]["auc"][name]["low"] > 0.6 for name in KEEP_SIZE)
    assert report["course"]["auc"]["reversed"]["p"] < 0.05
    assert report["verdict"].startswith("reads the course")


def test_statistics_without_order_are_reported_broken(tmp_path) -> None:
    report = scored("course-forest", tmp_path)
    assert report["course"]["auc"]["reversed"]["value"] == pytest.approx(0.5, abs=0.05)
    assert report["course"]["auc"]["constant"]["value"] > 0.8
    assert report["verdict"].startswith("BROKEN as a judge of dynamics: takes for genuine what is reversed")


def test_coupling_alone_sees_what_is_late_and_what_is_held(tmp_path) -> None:
    report = scored("course-coupling", tmp_path)
    assert report["course"]["auc"]["late"]["value"] > 0.9
    assert report["course"]["auc"]["constant"]["value"] > 0.9


def test_spoilt_faces_keep_their_size() -> None:
    rng = np.random.default_rng(0)
    clips = shown(OTHERS)
    for name in KEEP_SIZE:
        for clip, other in zip(clips, spoilt(name, clips, rng), strict=True):
            np.testing.assert_allclose(np.sort(other.au, axis=0), np.sort(clip.au, axis=0))
            assert not np.array_equal(other.au, clip.au)
    for clip, other in zip(clips, spoilt("reversed", clips, rng), strict=True):
        assert abs(int(pspi_of(other.au).argmax()) - int(pspi_of(clip.au).argmax())) <= 1
    assert set(KEEP_SIZE) < set(SPOILT)


def test_too_few_with_pain_are_not_judged(tmp_path) -> None:
    judge = new_judge("course-coupling")
    card = JudgeCard(kind="course-coupling", lineage=(), source="s", clips=0, people=0, seed=1)
    with pytest.raises(SessionError, match="6 clips of 1 people show pain of 2 and more: too few"):
        score(judge, card, made_up(1, 6, "other", 3))
