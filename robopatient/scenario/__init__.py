"""Training scenarios: events, their causes (palpation, time) and the triggers of the instructor."""

from robopatient.scenario.play import Scenario, ScenarioStep
from robopatient.scenario.script import Script, load_script

__all__ = ["Scenario", "ScenarioStep", "Script", "load_script"]
