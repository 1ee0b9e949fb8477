"""Training scenarios: what happens when, in answer to which palpation, and what the instructor may bring about."""

from robopatient.scenario.play import Scenario, Step
from robopatient.scenario.script import Script, load_script

__all__ = ["Scenario", "Script", "Step", "load_script"]
