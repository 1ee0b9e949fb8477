"""What each trial presents."""

from robopatient.study.trials import Stimulus, VoiceStimulus


def stimulus(study, person, factors):
    """A voice that follows the force, rough or not, for a press of a given force."""
    newton = factors["force_newton"]
    voice = VoiceStimulus(mode="pressed", f0_semitones=8.0, roughness=factors["roughness"], full_newton=newton)
    return Stimulus(trigger_newton=2.0, target_low_newton=0.9 * newton, target_high_newton=1.3 * newton, voice=voice)
