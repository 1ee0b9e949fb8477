"""When words are due: pure, on made-up time."""

import itertools

import msgspec
import pytest

from robopatient.errors import AssetError, ConfigError
from robopatient.messages import Said, VoiceAsk, VoiceCommand
from robopatient.voice.identity import load_identity
from robopatient.voice.spoken_words import HELD_NS, SpeechChoice, load_interjections

LINES = load_interjections()
WHO = msgspec.structs.replace(load_identity("margaret"), interjects_from_nrs=5.0, interjects_every_s=4.0)


def command(t_s: float, nrs: float, phase: str = "hold", hush: bool = False) -> VoiceCommand:
    t_ns = round(t_s * 1e9)
    return VoiceCommand(t_ns, 1, t_ns, nrs, phase, VoiceAsk(-10.0, 6.0, 0.2, 0.2), hush)


def play(talk: SpeechChoice, pains, step_s: float = 0.05) -> list[tuple[float, str, str]]:
    """Time, words and why of all that is said; ``pains`` are (seconds, nrs, phase)."""
    said, t_s = [], 0.0
    for seconds, nrs, phase in pains:
        for _ in range(round(seconds / step_s)):
            t_s += step_s
            talk.hear(command(t_s, nrs, phase))
            while (wish := talk.take()) is not None:
                said.append((t_s, wish.text, wish.why))
    return said


def test_bearable_pain_is_borne_in_silence() -> None:
    assert play(SpeechChoice(WHO, LINES, 1), [(60.0, 4.9, "hold")]) == []


def test_a_strong_pain_is_spoken_of_after_its_first_cry_and_not_all_the_time() -> None:
    said = play(SpeechChoice(WHO, LINES, 1), [(120.0, 7.0, "hold")])
    assert 8 <= len(said) <= 30
    assert all(text in LINES.hurts and why == "interjection" for _, text, why in said)
    assert said[0][0] * 1e9 >= HELD_NS
    gaps = [later[0] - sooner[0] for sooner, later in itertools.pairwise(said)]
    assert min(gaps) >= WHO.interjects_every_s
    assert all(sooner[1] != later[1] for sooner, later in itertools.pairwise(said))


def test_the_worst_pain_pleads_and_one_that_lets_go_is_told_of() -> None:
    said = [play(SpeechChoice(WHO, LINES, seed), [(3.0, 9.5, "hold"), (5.0, 1.0, "release")]) for seed in range(20)]
    words = {text for one in said for _, text, _ in one}
    assert words & set(LINES.worst)
    assert words <= set(LINES.worst) | set(LINES.after)
    quick = [play(SpeechChoice(WHO, LINES, seed), [(0.5, 9.5, "onset"), (5.0, 1.0, "release")]) for seed in range(20)]
    assert {text for one in quick for _, text, _ in one} == set(LINES.after)


def test_the_same_pain_brings_the_same_words() -> None:
    pains = [(20.0, 7.0, "hold"), (5.0, 1.0, "release"), (20.0, 9.0, "hold")]
    assert play(SpeechChoice(WHO, LINES, 3), pains) == play(SpeechChoice(WHO, LINES, 3), pains)


def test_who_never_interjects_still_answers() -> None:
    for who, interjects in ((msgspec.structs.replace(WHO, interjects_from_nrs=11.0), True), (WHO, False)):
        talk = SpeechChoice(who, LINES, 1, interjects=interjects)
        assert play(talk, [(30.0, 10.0, "hold")]) == []
        talk.hear(Said(round(31e9), 1, "nrs", "Ten!", 10))
        wish = talk.take()
        assert (wish.text, wish.why, wish.nrs) == ("Ten!", "answer", 10.0)
        assert talk.take() is None


def test_a_hush_forgets_what_was_to_be_said() -> None:
    talk = SpeechChoice(WHO, LINES, 1)
    talk.hear(command(1.0, 3.0))
    talk.hear(Said(round(1e9), 1, "nrs", "Three.", 3))
    talk.hear(command(1.1, 3.0, hush=True))
    talk.hear(Said(round(1.2e9), 1, "nrs", "Four.", 4))
    talk.hear(command(1.3, 3.0))
    assert talk.take() is None


def test_all_interjections_are_rehearsed_in_the_pains_in_which_they_may_come() -> None:
    talk = SpeechChoice(WHO, LINES, 1)
    ready = {(wish.text, wish.nrs) for wish in talk.rehearsal()}
    pains = [(10.0, nrs, "hold") for nrs in (5.0, 6.4, 7.5, 8.4, 9.9)] + [(3.0, 0.0, "release")]
    due = SpeechChoice(WHO, LINES, 1)
    for seconds, nrs, phase in pains:
        for index in range(round(seconds / 0.05)):
            due.hear(command(nrs * 100 + index * 0.05, nrs, phase))
            while (wish := due.take()) is not None:
                assert (wish.text, wish.nrs) in ready
    assert SpeechChoice(msgspec.structs.replace(WHO, interjects_from_nrs=11.0), LINES, 1).rehearsal() == []


def test_files_of_interjections_that_are_wrong_are_named(tmp_path) -> None:
    with pytest.raises(AssetError, match="english"):
        load_interjections("klingon")
    path = tmp_path / "mine.toml"
    path.write_text('hurts = []\nworst = ["No!"]\nafter = ["Oh."]\n')
    with pytest.raises(ConfigError, match="hurts"):
        load_interjections(str(path))
