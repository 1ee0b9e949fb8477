"""A study of your own: a folder with study.toml and study.py (here rough_voice); one simulated participant answers it.

With people: robopatient study run rough_voice --participant P01 --board /dev/ttyUSB0
"""

from pathlib import Path

import robopatient as rp
from experiments.studies.lab import SimulatedSession
from experiments.studies.simulated_people import people_of
from robopatient.session.study_run import config_of
from robopatient.study.study import load_study
from robopatient.study.trials import Person

study = load_study(str(Path(__file__).with_name("rough_voice")))
participant = Person("P01", session=1, seed=study.file.seed)  # the number chooses the order of the trials
for trial in study.plan(participant).blocks[0].trials:
    print(trial.factors)

# The same rig as in a session, on a simulated clock: minutes of presses and answers take seconds.
config = config_of(study, participant, ["voice.device=none", "board.rate_hz=100"])
SimulatedSession(config, Path("rough_voice_P01"), people_of("psychophysical", 1, seed=1)[0]).run()

trials = rp.read_session("rough_voice_P01").trials()
counted = trials[trials["counts"] == 1]
print(counted.groupby(["factor.roughness", "factor.force_newton"])["response_value"].mean())
