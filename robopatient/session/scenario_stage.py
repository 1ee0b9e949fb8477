"""The scenario as a stage of a session: made for the session's patient; can be previewed without hardware."""

from __future__ import annotations

from robopatient.config import SessionConfig
from robopatient.errors import ConfigError
from robopatient.scenario import Scenario, load_script
from robopatient.scenario.lint import check

__all__ = ["make_scenario"]


def make_scenario(config: SessionConfig) -> Scenario | None:
    """Scenario of a session, None for free palpation.

    Raises
    ------
    AssetError, ConfigError
        When it cannot be read, has a fault, or was written for another patient: naming file and key.
    """
    if not config.scenario:
        return None
    script, path = load_script(config.scenario)
    check(script, path)
    if script.patients and config.patient not in script.patients:
        raise ConfigError(
            f"{path}: patients: written for {', '.join(script.patients)}, but the session has patient "
            f'"{config.patient}"; choose one of them, for example --set patient={script.patients[0]}'
        )
    return Scenario(script)
