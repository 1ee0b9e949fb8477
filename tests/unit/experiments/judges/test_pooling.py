from __future__ import annotations

import csv

import numpy as np
import pytest

from experiments.judges.clip_sessions import PALPATIONS, RATER_SD_NRS, sessions_of
from experiments.judges.clips import UNITS, Clip
from experiments.judges.evaluator import score
from experiments.judges.judge import KINDS, JudgeCard, new_judge
from experiments.judges.pooling import Pool
from experiments.judges.sources import load_clips
from robopatient.errors import SessionError

FRAMES = 60
POOLS = [kind for kind in KINDS if kind.startswith("mil-")]


def made_up(people: int, each: int, lineage: str, seed: int) -> list[Clip]:
    """Clips whose frown and narrowed eyes are as strong as the pain."""
    rng = np.random.default_rng(seed)
    clips = []
    for person in range(people):
        for number in range(each):
            nrs = 0.0 if rng.random() < 0.4 else rng.uniform(1.0, 10.0)
            pain = np.zeros(FRAMES, np.float32)
            pain[20:45] = nrs
            au = np.abs(rng.normal(0.0, 0.1, (FRAMES, len(UNITS))))
            for unit in ("AU4", "AU7"):
                au[24:50, UNITS.index(unit)] += 0.4 * nrs
            au = np.clip(au, 0.0, 5.0).astype(np.float32)
            clips.append(Clip(f"p{person}", f"p{person}-{number}", (lineage,), au, pain))
    return clips


TAUGHT, OTHERS = made_up(10, 10, "one", 1), made_up(6, 8, "other", 2)


def test_a_session_is_rated_by_its_worst_and_its_last_palpation() -> None:
    sessions = sessions_of(TAUGHT, 1)
    expected = []
    for session in sessions:
        pains = [TAUGHT[number].nrs for number in session.clips]
        assert {TAUGHT[number].person for number in session.clips} == {session.person}
        expected.append((max(pains) + pains[-1]) / 2.0)
    off = np.array([session.rating for session in sessions]) - expected
    assert off.std() == pytest.approx(RATER_SD_NRS, rel=0.3)
    assert all(len(session.clips) == PALPATIONS for session in sessions)


@pytest.mark.parametrize("kind", POOLS)
def test_session_ratings_alone_teach_the_pain_of_single_palpations(kind: str) -> None:
    judge = new_judge(kind)
    judge.fit(TAUGHT, 1)
    card = JudgeCard(kind=kind, lineage=("one",), source="made up", clips=100, people=10, seed=1)
    report = score(judge, card, OTHERS)
    assert report["measures"]["spearman"]["value"] > 0.6
    assert report["sessions"]["measures"]["spearman"]["value"] > 0.4
    assert report["sessions"]["permutation_p"] < 0.05


def test_attention_that_is_dealt_out_anew_rates_worse_and_other_rules_know_none() -> None:
    sessions = sessions_of(OTHERS, 1)
    true = np.array([session.rating for session in sessions])
    for kind in ("mil-attention", "mil-max"):
        judge = new_judge(kind)
        assert isinstance(judge, Pool)
        judge.fit(TAUGHT, 1)
        error, shuffled = (np.abs(judge.rate(OTHERS, sessions, shuffle=s) - true).mean() for s in (None, 1))
        assert (shuffled > error) == (kind == "mil-attention")


def test_people_s_ratings_take_the_place_of_made_up_ones(tmp_path) -> None:
    path = tmp_path / "rated.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "clip", "pain", *UNITS, "session", "rating"])
        for number, clip in enumerate(OTHERS[:8]):
            session, rating = ("morning", 4) if number < 5 else ("evening", 7)
            for pain, row in zip(clip.pain, clip.au, strict=True):
                writer.writerow(["anna", clip.name, pain, *row, session, rating])
    found = sessions_of(load_clips(f"table:{path}"), 1)
    assert [(session.person, len(session.clips), session.rating) for session in found] == [
        ("anna", 5, 4.0), ("anna", 3, 7.0),
    ]  # fmt: skip


def test_too_few_clips_for_a_session_are_told() -> None:
    with pytest.raises(SessionError, match="judge mil-max: no person has enough clips for a session"):
        new_judge("mil-max").fit(made_up(3, PALPATIONS - 1, "one", 1), 1)
