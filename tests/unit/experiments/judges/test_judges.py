from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.judges.cli import score_clips, train_judge
from experiments.judges.clips import UNITS, Clip, pspi_of
from experiments.judges.closed_form import dynamics
from experiments.judges.controls import FACE_CONTROLS, control
from experiments.judges.evaluator import score
from experiments.judges.judge import KINDS, JudgeCard, load_judge, new_judge, save_judge
from experiments.judges.sources import load_clips
from robopatient.errors import AssetError, ConfigError, RecordError, SessionError
from robopatient.facs import pspi

FRAMES = 240


def made_up(people: int, each: int, lineage: tuple[str, ...], seed: int = 0) -> list[Clip]:
    """Faces whose frown, narrowed eyes and mouth follow the pain 0.4 s late, with noise."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(FRAMES) / 30.0
    clips = []
    for person in range(people):
        gain = rng.uniform(0.7, 1.3)
        for number in range(each):
            peak = 0.0 if rng.random() < 0.25 else rng.uniform(1.0, 10.0)
            course = np.clip(np.minimum((t_s - 2.0) * 2.0, (5.5 - t_s) * 2.0), 0.0, 1.0)
            au = np.abs(rng.normal(0.0, 0.1, (FRAMES, len(UNITS))))
            shown = np.interp(t_s - 0.4, t_s, course) * peak / 10.0 * gain
            for unit, weight in (("AU4", 3.5), ("AU6", 3.0), ("AU7", 4.0), ("AU10", 2.5), ("AU25", 3.0)):
                au[:, UNITS.index(unit)] += weight * shown
            pain = (course * peak).astype(np.float32)
            clips.append(Clip(f"p{person}", f"p{person}-{number}", lineage, np.clip(au, 0, 5).astype(np.float32), pain))
    return clips


TAUGHT, OTHERS = made_up(8, 6, ("one",)), made_up(6, 6, ("other",), seed=1)


OF_FACES = [kind for kind in KINDS if (new_judge(kind).sense, new_judge(kind).task) == ("face", "pain")]


@pytest.mark.parametrize("kind", OF_FACES)
def test_every_judge_ranks_faces_of_people_it_never_saw_and_survives_its_folder(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.judges.networks.EPOCHS", 60)
    judge = new_judge(kind)
    judge.fit(TAUGHT, 1)
    told = judge.predict(OTHERS)
    assert np.corrcoef(told, [clip.nrs for clip in OTHERS])[0, 1] > 0.8
    card = JudgeCard(kind=kind, lineage=("one",), source="made up", clips=100, people=10, seed=1)
    save_judge(tmp_path, judge, card)
    again, read = load_judge(tmp_path)
    assert read.lineage == ("one",)
    np.testing.assert_allclose(again.predict(OTHERS), told, atol=1e-5)


def test_a_judge_that_was_changed_after_it_was_frozen_is_refused(tmp_path: Path) -> None:
    judge = new_judge("ridge")
    judge.fit(TAUGHT, 1)
    save_judge(tmp_path, judge, JudgeCard(kind="ridge", lineage=("one",), source="s", clips=1, people=1, seed=1))
    with (tmp_path / "weights.npz").open("ab") as file:
        file.write(b"?")
    with pytest.raises(AssetError, match="changed after it was frozen"):
        load_judge(tmp_path)
    with pytest.raises(AssetError, match=r"nowhere/card\.toml: cannot be read"):
        load_judge(tmp_path / "nowhere")


def ridge() -> tuple[object, JudgeCard]:
    judge = new_judge("ridge")
    judge.fit(TAUGHT, 1)
    return judge, JudgeCard(kind="ridge", lineage=("one",), source="s", clips=100, people=10, seed=1, sha256="0" * 64)


def test_kin_are_refused_with_what_they_share() -> None:
    judge, card = ridge()
    with pytest.raises(SessionError, match="they share one"):
        score(judge, card, made_up(8, 8, ("three", "one")))
    with pytest.raises(SessionError, match="share an unknown source"):
        score(judge, card, made_up(8, 8, ("engine/mine", "unknown")))
    with pytest.raises(SessionError, match="too few to judge"):
        score(judge, card, OTHERS[:10])


def test_a_judge_of_size_is_reported_broken_as_a_judge_of_dynamics() -> None:
    judge, card = ridge()
    report = score(judge, card, OTHERS)
    assert report["measures"]["spearman"]["value"] > 0.8
    assert report["permutation_p"] < 0.05
    assert report["controls"]["mean face"]["spearman"]["value"] < 0.3
    assert report["controls"]["constant grimace"]["spearman"]["value"] < 0.3
    # The apex of shuffled frames is the apex: ridge cannot tell, and the report must say so.
    assert report["verdict"].startswith("BROKEN")
    assert report["coupling"]["as it is"]["lag_s"] == pytest.approx(0.4, abs=0.1)
    assert report["coupling"]["shuffled time"]["correlation"] < 0.5


def test_controls_spoil_what_they_say() -> None:
    clips = OTHERS[:6]
    shuffled = control("shuffled time", clips, 1)[0]
    assert sorted(shuffled.au[:, 0]) == sorted(clips[0].au[:, 0])
    assert not np.array_equal(shuffled.au, clips[0].au)
    for name in ("mean face", "constant grimace"):
        assert np.ptp(control(name, clips, 1)[0].au, axis=0).max() == 0.0
    amplitude = control("amplitude only", clips, 1)[0]
    np.testing.assert_allclose(amplitude.au.sum(axis=1), clips[0].au.sum(axis=1), rtol=1e-5)
    assert set(FACE_CONTROLS) == {"shuffled time", "mean face", "constant grimace", "amplitude only"}


def test_dynamics_are_those_of_the_face() -> None:
    clip = next(clip for clip in OTHERS if clip.nrs > 8.0)
    found = dynamics(clip)
    assert 0.4 <= found["AU7_onset_s"] <= 0.9
    assert np.isnan(found["AU2_onset_s"])
    assert found["peak_velocity_per_s"] > 1.0
    assert pspi_of(clip.au).max() > 6.0
    by_formula = [pspi(dict(zip(UNITS, row, strict=True))) for row in clip.au.tolist()]
    np.testing.assert_allclose(pspi_of(clip.au), by_formula, rtol=1e-5)


def test_the_shipped_engine_and_a_table_are_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.judges.sources.ENGINE_PEOPLE", 4)
    monkeypatch.setattr("experiments.judges.sources.ENGINE_CLIPS", 5)
    rows = [",".join(["person", "clip", "pain", *UNITS])]
    for clip in made_up(4, 8, ("x",)):
        rows += [",".join([clip.person, clip.name, f"{p:.3f}", *(f"{v:.3f}" for v in row)])
                 for p, row in zip(clip.pain, clip.au, strict=True)]  # fmt: skip
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(rows))
    train_judge("ridge", f"table:{table}", tmp_path / "judge")
    assert "learnt from 32 clips of 4 people (table/mine)" in capsys.readouterr().out
    with pytest.raises(SessionError, match="they share table/mine"):
        score_clips(tmp_path / "judge", f"table:{table}")
    clips = load_clips("engine:blend")
    assert clips[0].lineage == ("engine/blend",)
    assert max(pspi_of(clip.au).max() for clip in clips if clip.nrs > 7.0) > 6.0
    score_clips(tmp_path / "judge", "engine:blend")
    assert "coupling with the pain behind it" in capsys.readouterr().out


def test_wrong_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none of corpus, engine, dataset, session, table, voice"):
        load_clips("people")
    with pytest.raises(RecordError, match="holds no finished data set"):
        load_clips(f"dataset:{tmp_path}")
    bad = tmp_path / "bad.csv"
    bad.write_text("person,clip\np,c\n")
    with pytest.raises(RecordError, match="no column pain, AU4"):
        load_clips(f"table:{bad}")
    with pytest.raises(ConfigError, match="judge 'oracle' is none of"):
        new_judge("oracle")
