"""Training scenarios: what happens when, in answer to which palpation, and what the instructor may bring about."""

from robopatient.scenario.play import Scenario, ScenarioStep
from robopatient.scenario.script import Script, load_script

__all__ = ["Scenario", "ScenarioStep", "Script", "load_script"]
