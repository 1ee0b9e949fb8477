import msgspec
import numpy as np
import pytest

from robopatient.levels import gain_to_db
from robopatient.voice.calls import CALLS
from robopatient.voice.identity import load_identity
from robopatient.voice.layouts import empty_command, write_command

BLOCK_S = 256 / 48000
REST_BLOCKS = 100


def after_rest(rest, then):
    return lambda block: rest(block) if block < REST_BLOCKS else then(block)


def test_at_rest_one_breathes_very_softly(rest, play) -> None:
    samples, blocks = play(rest, 10.0)
    level_dbfs = gain_to_db(float(samples.std()))
    assert -80.0 < level_dbfs < -55.0
    assert {block.call for block in blocks} == {"breath"}
    loudest = np.array([block.level_dbfs for block in blocks]).reshape(-1, 25).max(axis=1)
    assert np.ptp(loudest) > 10.0  # it comes and goes


@pytest.mark.parametrize("gasps", [0.0, 1.0])
def test_pain_is_heard_in_the_first_block_of_its_command(ask, rest, play, gasps) -> None:
    who = msgspec.structs.replace(load_identity("margaret"), gasps=gasps)
    felt, _ = play(after_rest(rest, lambda b: ask(b, nrs=3.0, level_db=-20.0)), 0.7, who)
    calm, _ = play(rest, 0.7, who)
    assert np.array_equal(felt[:REST_BLOCKS], calm[:REST_BLOCKS])
    first = felt[REST_BLOCKS]
    assert not np.array_equal(first, calm[REST_BLOCKS])
    assert gain_to_db(float(first.std())) > gain_to_db(float(calm[REST_BLOCKS].std())) + 6.0


def test_a_sudden_pain_takes_the_breath_before_it_takes_the_voice(ask, rest, play, plain) -> None:
    gasper = msgspec.structs.replace(plain, gasps=1.0)
    _, blocks = play(after_rest(rest, lambda b: ask(b, nrs=7.0)), 1.5, gasper)
    calls = [block.call for block in blocks[REST_BLOCKS:]]
    assert calls[0] == "gasp"
    assert 0.1 < calls.index("cry") * BLOCK_S < 0.3
    _, blocks = play(after_rest(rest, lambda b: ask(b, nrs=min(7.0, (b - REST_BLOCKS) * 0.03))), 1.5, gasper)
    assert "gasp" not in {block.call for block in blocks}


def test_the_call_grows_with_pain(ask, play, plain) -> None:
    for nrs, call in ((1.0, "mm"), (3.5, "moan"), (6.5, "cry"), (9.5, "scream")):
        _, blocks = play(lambda b, nrs=nrs: ask(b, nrs=nrs), 1.0, plain)
        assert blocks[60].call == call


def test_a_call_asked_for_by_name_is_the_one_that_is_made(ask, play, plain) -> None:
    for call in set(CALLS) - {"auto"}:
        _, blocks = play(lambda b, call=call: ask(b, nrs=2.0, call=call), 0.3, plain)
        assert blocks[20].call == call


def test_a_held_pain_runs_out_of_air_and_must_inhale(ask, play) -> None:
    _, blocks = play(lambda b: ask(b, nrs=8.0), 12.0)
    calls = [block.call for block in blocks]
    breaths = [i for i in range(1, len(calls)) if calls[i] == "inhale" and calls[i - 1] != "inhale"]
    assert len(breaths) >= 3
    assert max(np.diff(breaths)) * BLOCK_S < 5.0


def test_while_it_sounds_the_voice_follows_the_command_from_the_next_block_on(ask, play, plain) -> None:
    changed = 120

    def louder(block):
        return ask(block, nrs=5.0, level_db=-20.0 if block < changed else -6.0)

    loud, told = play(louder, 1.0, plain)
    same, _ = play(lambda b: ask(b, nrs=5.0, level_db=-20.0), 1.0, plain)
    assert np.array_equal(loud[:changed], same[:changed])
    assert loud[changed].std() > 1.04 * same[changed].std()
    assert loud[changed + 1].std() > 1.25 * same[changed + 1].std()
    after = [block.level_dbfs for block in told[changed + 12 : changed + 20]]  # 64 ms later
    assert np.mean(after) == pytest.approx(-18.0, abs=1.5)


def test_on_release_pitch_falls_and_the_voice_dies_away(ask, rest, play, plain) -> None:
    let_go = 150
    samples, blocks = play(lambda b: ask(b, nrs=5.0) if b < let_go else rest(b), 2.5, plain)
    voiced = [block.f0_hz for block in blocks[let_go:] if block.f0_hz > 0]
    assert 0.3 < len(voiced) * BLOCK_S < 0.8
    assert voiced[-1] / blocks[let_go - 1].f0_hz == pytest.approx(0.75, abs=0.05)
    assert blocks[-1].call == "breath"
    steps = np.abs(np.diff(samples.ravel()))
    assert steps[(let_go - 2) * 256 : (let_go + 2) * 256].max() < 2 * steps[: let_go * 256].max()


def test_a_strong_pain_ends_in_a_whimper_and_a_mild_one_does_not(ask, rest, play) -> None:
    for nrs, whimpers in ((3.0, False), (9.0, True)):
        _, blocks = play(lambda b, nrs=nrs: ask(b, nrs=nrs) if b < 150 else rest(b), 2.5)
        assert ("whimper" in {block.call for block in blocks[150:]}) is whimpers


def test_two_calls_to_the_same_pain_differ(ask, play) -> None:
    _, blocks = play(lambda b: ask(b, nrs=8.0), 8.0)
    f0 = np.array([block.f0_hz for block in blocks])
    begins = [i for i in range(1, len(f0)) if f0[i] > 0 and f0[i - 1] == 0]
    assert not np.allclose(f0[begins[0] : begins[0] + 100], f0[begins[1] : begins[1] + 100], rtol=0.005)


def test_numbers_that_no_voice_can_follow_are_limited(ask, play) -> None:
    slot = empty_command()
    write_command(slot, ask(0, nrs=float("nan"), level_db=99.0, semitones=float("inf"), roughness=-3.0))
    row = slot[0]
    assert (row["nrs"], row["level_db"], row["roughness"]) == (0.0, 0.0, 0.0)
    samples, _ = play(lambda b: ask(b, nrs=float("nan"), level_db=float("nan"), semitones=1e9), 0.5)
    assert np.isfinite(samples).all()


def test_a_stoic_suppresses_what_can_be_borne(ask, play, plain) -> None:
    stoic = msgspec.structs.replace(plain, stoicism=1.0)
    for nrs, call in ((5.0, "suppressed"), (9.5, "scream")):
        _, blocks = play(lambda b, nrs=nrs: ask(b, nrs=nrs), 0.5, stoic)
        assert blocks[60].call == call


def test_a_suppressed_pain_holds_the_breath_and_then_trembles_at_ten_hertz(ask, play, plain) -> None:
    _, blocks = play(lambda b: ask(b, nrs=5.0, call="suppressed"), 1.2, plain)
    level = np.array([block.level_dbfs for block in blocks])
    assert level[5:18].max() < level[80:120].max() - 15.0


def test_a_suppressed_pain_dies_away_and_is_not_cut_off(ask, rest, play, plain) -> None:
    """The breath is held before the sound, not again at its end; let go meanwhile, it comes softly."""
    let_go = 150
    _, blocks = play(lambda b: ask(b, nrs=5.0, call="suppressed") if b < let_go else rest(b), 1.4, plain)
    level = np.array([block.level_dbfs for block in blocks])
    assert np.diff(level[let_go : let_go + 30]).min() > -6.0
    samples, _ = play(lambda b: ask(b, nrs=5.0, call="suppressed") if b < 15 else rest(b), 0.6, plain)
    begun, _ = play(lambda b: ask(b, nrs=5.0, call="suppressed"), 0.6, plain)
    assert np.abs(np.diff(samples[14:18].ravel())).max() < 0.5 * np.abs(np.diff(begun[60:].ravel())).max()


def test_repeated_presses_move_a_habituating_voice_less(ask, rest, play, plain) -> None:
    who = msgspec.structs.replace(plain, habituation=1.0)
    _, blocks = play(lambda b: ask(b, nrs=4.0) if b % 300 < 100 else rest(b), 300 * 5 * BLOCK_S, who)
    level = [np.mean([block.level_dbfs for block in blocks[300 * i + 50 : 300 * i + 90]]) for i in range(5)]
    assert level[0] - level[4] > 3.0


def test_the_pitch_breaks_within_a_cycle_and_only_in_a_larynx_that_jumps(ask, play, plain) -> None:
    def jumps(readiness):
        who = msgspec.structs.replace(plain, jumps=readiness)
        _, blocks = play(lambda b: ask(b, nrs=10.0, semitones=24.0, roughness=1.0), 6.0, who)
        f0 = np.array([block.f0_hz for block in blocks])
        both = (f0[1:] > 0) & (f0[:-1] > 0)
        step = np.abs(12 * np.log2(np.where(both, f0[1:], 1.0) / np.where(both, f0[:-1], 1.0)))
        return int(np.sum((step > 2.9) & (step < 7.5)))

    assert jumps(0.0) == 0
    assert jumps(1.5) >= 2


def test_each_nonlinear_phenomenon_has_its_own_switch(ask, play, plain) -> None:
    off = dict.fromkeys(("subharmonics", "chaos", "modulation", "biphonation", "jumps"), 0.0)
    clean, _ = play(lambda b: ask(b, nrs=9.0, roughness=0.9), 0.8, msgspec.structs.replace(plain, **off))
    for name in off:
        who = msgspec.structs.replace(plain, **(off | {name: 1.0}))
        changed, _ = play(lambda b: ask(b, nrs=9.0, roughness=0.9), 0.8, who)
        if name != "jumps":
            assert not np.array_equal(clean, changed), name


def chest(per_min: float = 14.0, frame_hz: float = 250.0):
    """Excursion told in each block by a board of this rate, and the time of its force frame: a raised cosine."""

    def at(block: int) -> tuple[float, int]:
        frame = int((block + 1) * BLOCK_S * frame_hz)
        t_s = frame / frame_hz
        return 0.35 - 0.35 * np.cos(2.0 * np.pi * t_s * per_min / 60.0), round(t_s * 1e9)

    return at


def breathing(rest, at):
    def command(block: int):
        breath, t_ns = at(block)
        return msgspec.structs.replace(rest(block), t_ns=t_ns, breath=breath)

    return command


@pytest.mark.parametrize("frame_hz", [250.0, 80.0])
def test_the_breath_that_is_told_is_heard_while_the_chest_moves_louder_inward(rest, play, frame_hz) -> None:
    at = chest(frame_hz=frame_hz)
    samples, blocks = play(breathing(rest, at), 12.9)
    assert {block.call for block in blocks} == {"breath"}
    flow = np.sin(2.0 * np.pi * 14.0 / 60.0 * BLOCK_S * (np.arange(len(blocks)) + 0.5))
    level = np.sqrt(np.mean(samples.astype(float) ** 2, axis=1))
    smooth = np.convolve(level, np.ones(25) / 25.0, "same")  # noise: of a tenth of a second
    shape = np.where(flow > 0.0, flow, -0.7 * flow)
    assert np.corrcoef(smooth, shape)[0, 1] > 0.95
    assert gain_to_db(level[flow > 0.8 * flow.max()].mean() / level[flow < 0.8 * flow.min()].mean()) > 2.0


def test_a_chest_that_stands_still_is_silent(rest, play) -> None:
    moving, _ = play(breathing(rest, chest()), 6.0)
    still, _ = play(breathing(rest, lambda block: (0.9, block * 5_333_333)), 6.0)
    assert gain_to_db(float(still[400:].std())) < gain_to_db(float(moving[400:].std())) - 15.0


@pytest.mark.parametrize("per_min", [14.0, 24.0, 400.0])
def test_idle_breathing_never_exceeds_the_level_of_the_identity(rest, play, per_min) -> None:
    who = load_identity("margaret")
    samples, _ = play(breathing(rest, chest(per_min)), 6.0, who)
    level = np.sqrt(np.mean(samples.astype(float).reshape(-1, 25, 256) ** 2, axis=(1, 2)))
    assert gain_to_db(float(level.max())) < who.breath_dbfs + 1.0


def test_a_breath_that_is_told_no_more_goes_on_by_itself(rest, play) -> None:
    told = breathing(rest, chest())
    samples, blocks = play(lambda block: told(block) if block < 400 else rest(block), 10.0)
    assert {block.call for block in blocks} == {"breath"}
    loudest = np.array([block.level_dbfs for block in blocks[400:]])[: 58 * 25].reshape(-1, 25).max(axis=1)
    assert np.ptp(loudest) > 10.0
    assert np.array_equal(samples, play(lambda block: told(block) if block < 400 else rest(block), 10.0)[0])
