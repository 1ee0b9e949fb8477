"""A patient of your own: a file that says who it is, and a class that says how pain is shown."""

from pathlib import Path

import robopatient as rp
from robopatient.messages import Expression, FaceAsk, PainState, VoiceAsk

PATIENT = """
name = "Sam Lee"
age_years = 45
sex = "male"
complaint = "Pain below the right ribs after meals"
history = "It comes an hour after fat food."
voice = "tomas"
face = "tomas"
[summation]          # a section switches an effect on: docs/reference/patient.md lists them all
[[sites]]
name = "gallbladder"
region = "right hypochondriac"
left_mm = -85.0      # from the navel, to the patient's left
head_mm = 75.0       # from the navel, towards the head
"""


class Groaner:
    """Shows all pain in the voice and half of it in the face."""

    def __init__(self, preset, character):
        self.name = "groaner"

    def step(self, pain: PainState) -> Expression:
        voice = VoiceAsk(level_db=-60 + 6 * pain.voice_nrs, f0_semitones=0.8 * pain.nrs, roughness=0.3, breathiness=0.1)
        return Expression(pain.t_ns, pain.cause_seq, self.name, voice, FaceAsk(nrs=0.5 * pain.face_nrs))


if __name__ == "__main__":
    Path("sam.toml").write_text(PATIENT)
    config = rp.load_session("demo", ["expression.kind=own_patient:Groaner"])  # "module:name"
    episode = rp.simulate("sam.toml", rp.press(newton=25, site="gallbladder"), config=config)
    print(episode.frame()[["nrs", "pspi", "level_dbfs"]].max().round(1))
