"""Teach a policy, from pain to voice, by ratings in a loop; the rater is simulated. Needs robopatient[train]."""

import sys
from pathlib import Path

import numpy as np

import robopatient as rp
from policies.simulated_raters import simulated_rater
from policies.spaces import TASKS
from policies.training_session import TrainingSession

RATINGS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
task = TASKS["pain-to-voice"]
rater = simulated_rater("psychophysical:7", task).rater
training = TrainingSession(Path("lesson"), task.name)  # the same folder again goes on where it stopped
rng = np.random.default_rng(1)
presses = np.linspace(-1.0, 1.0, 9)[:, None]
untaught = training.learner.act(presses)

while len(training.learner.answers) < RATINGS:
    pain = rng.uniform(-1.0, 1.0, task.n_observation)  # how much a press hurt, -1 to 1 over the range of the task
    trial = training.suggest(pain)  # which sound to play for it
    # In place of this line a person listens and answers trial.question.
    rating = rater.answer(trial.question, pain[None], trial.action[None], rng, trial.index)[0]
    training.answer(trial, int(rating))  # on the disk first; every ten answers the policy is trained anew

training.save(rater="psychophysical:7")
training.close()

for name, sounds in (("untaught", untaught), ("taught", training.learner.act(presses))):
    print(f"worth of the {name} policy to this rater, 0 to 1: {rater.listener.merit(presses, sounds).mean():.2f}")

config = rp.load_session("demo", ["expression.preset=lesson/policy"])
episode = rp.simulate("appendicitis", rp.press(newton=20), config=config)
print(f"loudest sample of a press of 20 N: {np.abs(episode.sound).max():.2f} of full scale")
