import msgspec

from robopatient.messages import VoiceAsk, VoiceCommand
from robopatient.study.trials import VoiceStimulus
from robopatient.voice.layouts import COMMAND, empty_command, write_command


def names(kind: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(kind)}


def test_a_command_in_the_layout_has_every_field_of_the_messages():
    assert set(COMMAND.names) == names(VoiceCommand) - {"ask"} | names(VoiceAsk)


def test_every_value_of_a_command_lands_in_its_own_field():
    ask = VoiceAsk(-7.0, 3.0, 0.25, 0.5, "gasp", 1.5, 1.25)
    slot = empty_command()
    write_command(slot, VoiceCommand(1, 2, 3, 4.5, "hold", ask, True, 0.6))
    told = {name: slot[0][name] for name in COMMAND.names}
    assert told == {
        "t_ns": 1, "cause_seq": 2, "received_ns": 3, "nrs": 4.5, "phase": 2, "level_db": -7.0, "f0_semitones": 3.0,
        "roughness": 0.25, "breathiness": 0.5, "call": 3, "duration_ratio": 1.5, "formant_ratio": 1.25, "hush": 1,
        "breath": 0.6,
    }  # fmt: skip


def test_a_word_that_the_voice_does_not_know_is_left_to_its_pain():
    slot = empty_command()
    write_command(slot, VoiceCommand(1, 2, 3, 4.5, "hold", VoiceAsk(-7.0, 3.0, 0.25, 0.5, "yodel")))
    assert slot[0]["call"] == -1


def test_the_stimulus_of_a_trial_is_a_wish_to_the_voice_field_by_field():
    stimulus = VoiceStimulus(mode="once", level_db=-9.0, f0_semitones=2.0, roughness=0.1, breathiness=0.3, call="ow")
    assert stimulus.ask() == VoiceAsk(-9.0, 2.0, 0.1, 0.3, "ow")
