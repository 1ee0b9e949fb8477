"""Words: how they are spoken, how they take the voice's place, and that a record has what makes them again."""

import time

import numpy as np
import pytest
import soundfile
from support.needs import ESPEAK

from robopatient.config import VoiceConfig
from robopatient.errors import AssetError, ConfigError, DeviceError
from robopatient.voice import words
from robopatient.voice.engine import VoiceEngine
from robopatient.voice.identity import load_identity
from robopatient.voice.loudness import loudness_lufs, true_peak_dbfs
from robopatient.voice.mixer import SAY, Mixer, Utterance
from robopatient.voice.rerender import rerender
from robopatient.voice.speaker import Speaker

RATE = 48_000
CONFIG = VoiceConfig(identity="margaret")


def tone(seconds: float = 0.4, nrs: float = 5.0, f0_hz: float = 200.0, text: str = "Stop!") -> Utterance:
    """Words that are easily told from a voice: a sine."""
    count = round(seconds * RATE)
    samples = 0.3 * np.sin(2 * np.pi * f0_hz * np.arange(count) / RATE)
    return Utterance(text, samples.astype(np.float32), np.full(-(-count // 480), f0_hz, np.float32), nrs, "x")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words.spoken.cache_clear()
    words.known_words.cache_clear()


def test_without_espeak_the_message_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(words.shutil, "which", lambda _: None)
    with pytest.raises(DeviceError, match="apt-get install espeak-ng"):
        words.speak("a word never said before", load_identity("margaret"), 3.0, CONFIG)


@pytest.mark.parametrize(
    ("text", "nrs", "says"),
    [(" ?! ", 3.0, "nothing to say"), ("word " * 300, 3.0, "at most 1000"), ("no", 11.0, "expected 0 to 10")],
)
def test_what_nobody_can_say_is_named(text, nrs, says) -> None:
    with pytest.raises(ConfigError, match=says):
        words.speak(text, load_identity("margaret"), nrs, CONFIG)


def test_words_that_nobody_can_say_leave_the_others_alone(monkeypatch, tmp_path) -> None:
    t_s = np.arange(round(0.5 * RATE)) / RATE
    soundfile.write(tmp_path / "no.wav", 0.2 * np.sin(2 * np.pi * 200.0 * t_s), RATE)
    (tmp_path / "no.toml").write_text('source = "me"\nlicence = "own"\nconsent = "own voice"\ntext = "No!"\n')
    person = (
        f'name = "Own"\nsex = "male"\nage_years = 40\nvocal_tract_cm = 17\nhabitual_f0_hz = 100\nwords = "{tmp_path}"\n'
    )
    (tmp_path / "own.txt").write_text(person)
    monkeypatch.setenv("PATH", str(tmp_path))  # no espeak-ng there
    speaker = Speaker(VoiceConfig(identity=str(tmp_path / "own.txt")))
    try:
        for text in ("…", "something else", "another thing", "No!"):
            speaker.ask(text, 5.0)
        for _ in range(6000):
            speaker.poll()
            if speaker.take("No!", 5.0):
                break
            time.sleep(0.01)
        assert isinstance(speaker.take("No!", 5.0), Utterance)
        assert "apt-get install espeak-ng" in str(speaker.take("something else", 5.0))
        assert len(speaker.reasons) == 2  # nothing to say; espeak-ng is missing, once for both
        assert not speaker.fault
    finally:
        speaker.close()
    speaker.ask("No!", 6.0)
    speaker.poll()
    assert speaker.take("No!", 6.0) == speaker.fault == speaker.reasons[-1] != ""


@ESPEAK
@pytest.mark.parametrize("text", ["痛い", "αχ", "xqzptk", "12 + 7 = 19?"])
def test_words_that_are_in_no_dictionary_are_spoken_or_named(text) -> None:
    try:
        said = words.speak(text, load_identity("margaret"), 4.0, CONFIG)
        told = said.text if said.samples.any() else ""
    except (AssetError, DeviceError) as error:
        told = str(error)
    assert text in told


@ESPEAK
def test_words_rise_in_pitch_and_level_with_pain_and_repeat_exactly() -> None:
    who = load_identity("margaret")
    mild, strong = (words.speak("it hurts", who, nrs, CONFIG) for nrs in (2.0, 9.0))
    assert loudness_lufs(strong.samples, RATE) > loudness_lufs(mild.samples, RATE) + 3.0
    pitches = [np.median(said.f0_hz[said.f0_hz > 0]) for said in (mild, strong)]
    assert 1.2 < pitches[1] / pitches[0] < 2.0
    again = words.speak("it hurts", who, 9.0, CONFIG)
    assert np.array_equal(strong.samples, again.samples)
    assert strong.sha256 == again.sha256 != mild.sha256
    assert true_peak_dbfs(strong.samples) < 0.0


@ESPEAK
def test_a_long_answer_is_said_sentence_by_sentence() -> None:
    who = load_identity("david")
    short = words.speak("It began yesterday.", who, 2.0, CONFIG)
    both = words.speak("It began yesterday. Then it moved to the right.", who, 2.0, CONFIG)
    assert np.corrcoef(both.samples[: len(short.samples)], short.samples)[0, 1] > 0.999
    assert abs(short.samples[0]) < 0.001
    pause = both.samples[len(short.samples) : len(short.samples) + 9600]
    assert not pause.any()
    assert len(both.f0_hz) == -(-len(both.samples) // 480)


@ESPEAK
def test_words_at_another_rate_keep_their_pitch() -> None:
    config = VoiceConfig(identity="margaret", sample_rate_hz=44100)
    said, usual = (words.speak("no", load_identity("margaret"), 5.0, c) for c in (config, CONFIG))
    assert len(said.samples) == pytest.approx(len(usual.samples) * 44100 / 48000, abs=2)
    assert np.median(said.f0_hz[said.f0_hz > 0]) == pytest.approx(np.median(usual.f0_hz[usual.f0_hz > 0]), rel=0.03)


def test_a_persons_own_words_are_used_where_there_are_some(monkeypatch, tmp_path) -> None:
    import msgspec

    t_s = np.arange(round(0.6 * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * 190.0 * k * t_s) / k for k in range(1, 9)) * np.hanning(len(t_s)) * 0.2
    soundfile.write(tmp_path / "hurts.wav", sound, RATE)
    (tmp_path / "hurts.toml").write_text(
        'source = "me"\nlicence = "own"\nconsent = "own voice"\nnrs = 3.0\ntext = "It hurts!"\n'
    )
    monkeypatch.setattr(words.shutil, "which", lambda _: None)
    who = msgspec.structs.replace(load_identity("margaret"), words=str(tmp_path), tremor=0.0)
    said = words.speak("it hurts", who, 3.0, CONFIG)
    assert np.median(said.f0_hz[said.f0_hz > 0]) == pytest.approx(190.0, rel=0.04)
    with pytest.raises(DeviceError, match="espeak-ng"):
        words.speak("something else", who, 3.0, CONFIG)
    (tmp_path / "hurts.toml").write_text('source = "me"\nlicence = "own"\nconsent = "own voice"\n')
    words.known_words.cache_clear()
    with pytest.raises(AssetError, match="text ="):
        words.speak("it hurts", who, 3.0, CONFIG)


def run(engine: VoiceEngine, ask, begin: dict[int, Utterance], blocks: int, nrs=lambda b: 5.0, **changes):
    out = np.zeros((blocks, 256), np.float32)
    told = []
    for index, row in enumerate(out):
        if index in begin:
            engine.begin(begin[index])
        told.append(engine.render(ask(index, nrs=nrs(index), **changes), row))
    return out, told


def test_words_take_the_voices_place_without_a_click_and_are_named(ask) -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    out, told = run(engine, ask, {60: tone()}, 260)
    spoken = np.array([block.call == SAY + "Stop!" for block in told])
    assert spoken[60]
    assert 70 <= spoken.sum() <= 84  # 0.4 s, and 30 ms in which the voice falls silent
    part = out[72:130].ravel().astype(float)
    power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
    f_hz = np.fft.rfftfreq(part.size, 1 / RATE)
    assert power[np.abs(f_hz - 200.0) < 10].sum() > 0.999 * power.sum()  # nothing but the words
    assert told[80].f0_hz == 200.0
    assert told[200].f0_hz > 0.0
    usual = np.abs(np.diff(out[:60].ravel())).max()
    assert np.abs(np.diff(out[58:150].ravel())).max() <= max(usual, 0.3 * 2 * np.pi * 200 / RATE * 1.1)


def test_a_sudden_pain_cuts_words_short(ask) -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    _, told = run(engine, ask, {60: tone(2.0)}, 200, nrs=lambda b: 9.0 if b >= 100 else 5.0)
    assert told[99].call.startswith(SAY)
    assert not told[104].call.startswith(SAY)
    assert told[120].f0_hz > 0.0


def test_new_words_break_off_the_old_ones(ask) -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    out, told = run(engine, ask, {60: tone(2.0), 100: tone(0.2, f0_hz=300.0, text="No!")}, 180)
    names = [block.call for block in told]
    assert names[99] == SAY + "Stop!"
    assert names[105] == SAY + "No!"
    assert np.abs(np.diff(out[98:110].ravel())).max() < 0.3 * 2 * np.pi * 300 / RATE * 1.2


def test_a_hush_silences_words_for_good(ask) -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    engine.begin(tone(1.0))
    out = np.zeros((120, 256), np.float32)
    for index, row in enumerate(out):
        engine.render(ask(index, nrs=0.0, level_db=-60.0, phase="rest", hush=40 <= index < 60), row)
    assert out[30:39].any()
    assert not out[42:60].any()
    assert np.abs(out[60:]).max() < 0.01  # breath, no words


def test_words_in_silence_before_any_command_are_dropped() -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    engine.begin(tone())
    out = np.ones(256, np.float32)
    engine.render(None, out)
    assert not out.any()


def test_words_are_rendered_again_sample_by_sample(ask) -> None:
    engine = VoiceEngine(load_identity("margaret"), CONFIG, 1)
    begin = {60: tone(), 150: tone(1.0, text="No!")}
    out, _ = run(engine, ask, begin, 240)
    commands = [ask(index, nrs=5.0) for index in range(240)]
    assert np.array_equal(rerender(commands, CONFIG, 1, 240, begin), out.ravel())


def test_a_mixer_without_words_leaves_the_voice_alone() -> None:
    mixer = Mixer(RATE)
    assert not mixer.active
    samples = np.linspace(-1, 1, 256)
    mixer.mix(samples, 5.0)
    assert np.array_equal(samples, np.linspace(-1, 1, 256))
