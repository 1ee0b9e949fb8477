from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robopatient.config import SplitConfig
from robopatient.expression.split import NO_FRAME, Split
from robopatient.levels import INAUDIBLE_DB, UNTOLD
from robopatient.messages import Expression, FaceAsk, FaceCommand, ForceFrame, PainState, VoiceAsk, VoiceCommand
from robopatient.phantom import load_phantom

PHANTOM = load_phantom("square-290")


def step(
    split: Split,
    t_ms: float,
    nrs: float = 5.0,
    hush: bool = False,
    flags: tuple[str, ...] = (),
    breath: float = 0.4,
    **skin: float,
) -> tuple[VoiceCommand, FaceCommand]:
    t_ns = round(t_ms * 1e6)
    seq = round(t_ms)
    force = ForceFrame(t_ns, t_ns + 700_000, seq, (10.0,), (1.0, 2.0), 0.0, flags)
    pain = PainState(t_ns, seq, nrs, "", "hold", breath=breath)
    ask = VoiceAsk(-20.0 + nrs, 10.0, 0.3, 0.2)
    return split.step(Expression(t_ns, seq, "test", ask, FaceAsk(nrs, 1.5, **skin)), pain, force, hush)


def test_without_a_split_both_channels_show_this_very_frame() -> None:
    voice, face = step(Split(SplitConfig(), PHANTOM), 40.0)
    for command in (voice, face):
        assert (command.t_ns, command.cause_seq, command.received_ns) == (40_000_000, 40, 40_700_000)
        assert (command.nrs, command.phase, command.hush) == (5.0, "hold", False)
    assert voice.ask == VoiceAsk(-15.0, 10.0, 0.3, 0.2)
    assert face.ask == FaceAsk(5.0, 1.5)
    assert face.contact


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_each_channel_is_late_by_exactly_its_delay(voice_ms: int, face_ms: int) -> None:
    split = Split(SplitConfig(voice_delay_ms=voice_ms, face_delay_ms=face_ms), PHANTOM)
    for t_ms in range(0, 600, 4):
        commands = step(split, t_ms, nrs=(t_ms % 100) / 10)
        for command, delay_ms in zip(commands, (voice_ms, face_ms), strict=True):
            due_ms = (t_ms - delay_ms) // 4 * 4
            assert command.t_ns == t_ms * 1_000_000
            if due_ms < 0:
                assert (command.cause_seq, command.nrs) == (NO_FRAME, 0.0)
            else:
                assert command.cause_seq == due_ms
                assert command.received_ns == due_ms * 1_000_000 + 700_000
                assert command.nrs == (due_ms % 100) / 10


def test_before_the_delay_has_passed_the_patient_is_at_rest() -> None:
    voice, face = step(Split(SplitConfig(voice_delay_ms=100, face_delay_ms=100), PHANTOM), 0.0)
    assert voice.ask.level_db == INAUDIBLE_DB
    assert (face.ask.nrs, face.phase, face.contact) == (0.0, "rest", False)


def test_gains_scale_each_channel_alone_and_stay_on_the_scale() -> None:
    voice, face = step(Split(SplitConfig(voice_gain=1 / 3, face_gain=3.0), PHANTOM), 0.0, nrs=6.0)
    assert voice.nrs == pytest.approx(2.0)
    assert voice.ask.level_db == pytest.approx(-14.0 - 9.542, abs=0.001)
    assert (face.nrs, face.ask.nrs) == (10.0, 10.0)


def test_a_gain_of_zero_silences_the_voice_and_leaves_the_face() -> None:
    voice, face = step(Split(SplitConfig(voice_gain=0.0), PHANTOM), 0.0)
    assert (voice.ask.level_db, voice.nrs) == (INAUDIBLE_DB, 0.0)
    assert face.ask.nrs == 5.0


def test_a_louder_voice_never_passes_its_loudest_cry() -> None:
    assert step(Split(SplitConfig(voice_gain=4.0), PHANTOM), 0.0, nrs=10.0)[0].ask.level_db == 0.0


@pytest.mark.parametrize("delay_ms", [0.0, 500.0])
def test_hush_acts_at_once_whatever_the_delay(delay_ms: float) -> None:
    split = Split(SplitConfig(voice_delay_ms=delay_ms, face_delay_ms=delay_ms), PHANTOM)
    for t_ms in range(0, 1000, 4):
        step(split, t_ms)
    voice, face = step(split, 1000, hush=True)
    assert voice.hush
    assert face.hush
    assert (voice.ask.level_db, voice.nrs) == (INAUDIBLE_DB, 0.0)
    assert (face.ask.nrs, face.nrs) == (0.0, 0.0)


def test_after_hush_nothing_from_before_it_is_shown() -> None:
    split = Split(SplitConfig(voice_delay_ms=100), PHANTOM)
    for t_ms in range(0, 200, 4):
        step(split, t_ms)
    step(split, 200, hush=True)
    assert {step(split, t_ms)[0].nrs for t_ms in range(204, 300, 4)} == {0.0}
    assert step(split, 304)[0].cause_seq == 204


def test_a_stale_board_quiets_a_delayed_channel_at_once_and_lets_the_other_fade() -> None:
    split = Split(SplitConfig(voice_delay_ms=500), PHANTOM)
    for t_ms in range(0, 1000, 4):
        step(split, t_ms)
    voice, face = step(split, 1000, nrs=4.5, flags=("stale",))
    assert (voice.nrs, voice.ask.level_db, voice.hush) == (0.0, INAUDIBLE_DB, False)
    assert face.nrs == 4.5


def test_a_frame_told_twice_is_delayed_once() -> None:
    split = Split(SplitConfig(voice_delay_ms=10), PHANTOM)
    causes = [step(split, t_ms)[0].cause_seq for t_ms in (0, 0, 0, 10, 10, 20)]
    assert causes == [NO_FRAME, NO_FRAME, NO_FRAME, 0, 0, 10]


def test_the_face_is_told_the_place_from_the_navel_and_how_loud_the_voice_is() -> None:
    _, face = step(Split(SplitConfig(voice_gain=0.5), PHANTOM), 0.0, nrs=10.0)
    assert face.site_mm == PHANTOM.body_mm(1.0, 2.0)
    assert face.loudness == pytest.approx(2.0 ** ((-10.0 - 6.0206) / 10.0), rel=1e-4)  # it doubles every 10 dB
    _, hushed = step(Split(SplitConfig(), PHANTOM), 0.0, nrs=10.0, hush=True)
    assert hushed.loudness == 0.0
    late = Split(SplitConfig(face_delay_ms=100), PHANTOM)
    _, waiting = step(late, 0.0)
    assert (waiting.site_mm, waiting.loudness) == (None, 0.0)


def test_what_is_asked_of_the_skin_reaches_the_face_late_with_its_pain_and_not_when_hushed() -> None:
    skin = {"flush": -0.5, "sweat": 0.4, "tears": 0.3}
    asked = FaceAsk(10.0, 1.5, **skin)
    assert step(Split(SplitConfig(face_gain=2.0), PHANTOM), 0.0, **skin)[1].ask == asked
    late = Split(SplitConfig(face_delay_ms=100), PHANTOM)
    assert step(late, 0.0, **skin)[1].ask == FaceAsk(0.0, 1.5)
    assert step(late, 100.0)[1].ask == FaceAsk(5.0, 1.5, **skin)
    assert step(late, 104.0, hush=True, **skin)[1].ask == FaceAsk(0.0, 1.5)


def breaths(commands: tuple[VoiceCommand, FaceCommand]) -> tuple[float, float]:
    return commands[0].breath, commands[1].breath


def test_voice_and_face_are_told_one_breath_each_as_late_as_its_channel() -> None:
    assert breaths(step(Split(SplitConfig(), PHANTOM), 0.0, breath=0.7)) == (0.7, 0.7)
    late = Split(SplitConfig(face_delay_ms=8), PHANTOM)
    told = [breaths(step(late, t_ms, breath=t_ms / 100)) for t_ms in (0, 4, 8, 12)]
    assert told == [(0.0, UNTOLD), (0.04, UNTOLD), (0.08, 0.0), (0.12, 0.04)]


def test_a_channel_that_shows_another_pain_than_the_patient_s_breathes_by_itself() -> None:
    assert breaths(step(Split(SplitConfig(voice_gain=0.5), PHANTOM), 0.0)) == (UNTOLD, 0.4)
    assert breaths(step(Split(SplitConfig(face_gain=0.0), PHANTOM), 0.0)) == (0.4, UNTOLD)
    assert breaths(step(Split(SplitConfig(), PHANTOM), 0.0, hush=True)) == (UNTOLD, UNTOLD)
