from __future__ import annotations

import msgspec
import numpy as np
import pytest
from support.needs import module

from experiments.judges.clips import NO_FACE, Clip, course_of
from experiments.judges.controls import VOICE_CONTROLS, control
from experiments.judges.evaluator import refuse_senseless, score
from experiments.judges.judge import JudgeCard, load_judge, new_judge, save_judge
from experiments.judges.sources import load_clips
from experiments.judges.voice import FEATURES, describe
from robopatient.errors import ConfigError, SessionError

module("librosa", "study")

RATE_HZ = 16_000
T_S = np.arange(3 * RATE_HZ) / RATE_HZ


def cry(f0_hz: float, level: float, seed: int = 0) -> np.ndarray:
    """A call of a second from 1 s on: five harmonics and a little noise."""
    tone = sum(np.sin(2 * np.pi * k * f0_hz * T_S) / k for k in range(1, 6))
    envelope = np.clip(np.minimum((T_S - 1.0) / 0.1, (2.0 - T_S) / 0.3), 0.0, 1.0)
    noise = 0.01 * np.random.default_rng(seed).standard_normal(len(T_S))
    return (level * envelope * (0.3 * tone + noise)).astype(np.float32)


def made_up(people: int, each: int, lineage: str, seed: int) -> list[Clip]:
    """Voices that get louder and higher with pain."""
    rng = np.random.default_rng(seed)
    clips = []
    for person in range(people):
        own_hz = rng.uniform(150.0, 250.0)
        for number in range(each):
            nrs = 0.0 if rng.random() < 0.25 else rng.uniform(1.0, 10.0)
            pain = np.where((np.arange(90) >= 24) & (np.arange(90) < 60), nrs, 0.0).astype(np.float32)
            sound = cry(own_hz * (1 + 0.1 * nrs), 0.02 * 1.4**nrs * (nrs > 0), seed + number)
            clips.append(Clip(f"p{person}", f"p{person}-{number}", (lineage,), NO_FACE, pain, sound, RATE_HZ))
    return clips


TAUGHT, OTHERS = made_up(5, 8, "one", 1), made_up(4, 7, "other", 2)


def test_features_are_those_of_the_sound() -> None:
    found = dict(zip(FEATURES, describe(msgspec.structs.replace(OTHERS[0], sound=cry(320.0, 0.5))), strict=True))
    assert 2.0 ** found["f0_octaves_median"] == pytest.approx(320.0, rel=0.02)
    assert found["active_s"] == pytest.approx(1.0, abs=0.15)
    assert found["calls"] == 1.0
    assert found["attack_s"] < found["decay_s"]
    assert not describe(msgspec.structs.replace(OTHERS[0], sound=np.zeros(RATE_HZ, np.float32))).any()


def test_the_voice_judge_ranks_people_it_never_heard_and_survives_its_folder(tmp_path) -> None:
    judge = new_judge("voice")
    judge.fit(TAUGHT, 1)
    told = judge.predict(OTHERS)
    card = JudgeCard(kind="voice", lineage=("one",), source="made up", clips=len(TAUGHT), people=5, seed=1)
    card = save_judge(tmp_path, judge, card)
    again, read = load_judge(tmp_path)
    np.testing.assert_allclose(again.predict(OTHERS), told)
    report = score(again, read, OTHERS)
    assert report["measures"]["spearman"]["value"] > 0.9
    assert set(report["controls"]) == {"shuffled time", "constant moan", "level only"}
    assert report["controls"]["constant moan"]["spearman"]["value"] < 0.3
    assert report["coupling"]["as it is"]["correlation"] > report["coupling"]["constant moan"]["correlation"]
    with pytest.raises(SessionError, match="they share one"):
        score(again, read, TAUGHT)


def test_controls_of_the_voice_spoil_what_they_say() -> None:
    clips = [clip for clip in OTHERS if clip.nrs > 4.0]
    shuffled, moan, level = (control(name, clips, 1, "voice") for name in VOICE_CONTROLS)
    for clip, one, other, noise in zip(clips, shuffled, moan, level, strict=True):
        assert len(one.sound) == len(other.sound) == len(noise.sound) == len(clip.sound)
        assert np.corrcoef(course_of(clip, "voice"), course_of(noise, "voice"))[0, 1] > 0.9
        assert np.corrcoef(course_of(clip, "voice"), course_of(one, "voice"))[0, 1] < 0.8
    first = describe(moan[0])
    assert all(np.allclose(describe(clip), first) for clip in moan)


def test_who_needs_a_voice_says_so() -> None:
    mute = [msgspec.structs.replace(clip, sound=np.zeros(0, np.float32)) for clip in OTHERS]
    with pytest.raises(SessionError, match="judge voice needs a voice, and clip p0-0 of other has none"):
        refuse_senseless(new_judge("voice"), mute)
    with pytest.raises(SessionError, match="judge forest needs a face"):
        refuse_senseless(new_judge("forest"), OTHERS)
    with pytest.raises(ConfigError, match="give voice:synth or voice:plain"):
        load_clips("voice:choir")


def test_the_plain_voice_and_the_synthesiser_are_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.judges.voices.SPEAKERS", 1)
    monkeypatch.setattr("experiments.judges.voices.PRESSES", 3)
    for name in ("plain", "synth"):
        clips = load_clips(f"voice:{name}")
        assert {clip.lineage for clip in clips} == {(f"voice/{name}",)}
        strongest = max(clips, key=lambda clip: clip.nrs)
        assert len(strongest.sound) == pytest.approx(len(strongest.pain) / 30.0 * strongest.rate_hz, rel=0.02)
        assert course_of(strongest, "voice").max() > 20.0
