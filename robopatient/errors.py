"""Every error a user may meet; each message names the thing, the place, the value and the next command.

::

    RobopatientError
    ├── ConfigError          a TOML file: unknown key, wrong type, out of range
    ├── AssetError           a patient, voice, face, phantom or calibration that cannot be found or read
    ├── MissingPackageError  an optional package that this action needs
    ├── DeviceError          a sound, screen or GL device that cannot be opened
    ├── RecordError          a session record that cannot be written or read
    └── SessionError         a session that cannot start or had to stop
"""

from __future__ import annotations

import importlib
from types import ModuleType

from robopatient.folders import place_numba_cache

__all__ = [
    "AssetError",
    "ConfigError",
    "DeviceError",
    "MissingPackageError",
    "RecordError",
    "RobopatientError",
    "SessionError",
    "require",
]


class RobopatientError(Exception):
    """Base of all errors that end a command with one line and exit status 1; the line ends in the next command.

    Examples
    --------
    >>> import robopatient as rp
    >>> try:
    ...     rp.press(newton=-3)
    ... except rp.RobopatientError as error:
    ...     print(type(error).__name__)
    ConfigError
    """


class ConfigError(RobopatientError):
    """A configuration value is unknown, of the wrong type or out of range."""


class AssetError(RobopatientError):
    """A file under ``assets/`` (or one that the user names) is absent, unreadable or of the wrong shape."""


class MissingPackageError(RobopatientError):
    """An optional package is not installed."""


class DeviceError(RobopatientError):
    """A sound device, display or GL context cannot be opened."""


class RecordError(RobopatientError):
    """A session record cannot be written or read."""


class SessionError(RobopatientError):
    """A session cannot start or had to stop."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package where it acts, or say which extra to install.

    Parameters
    ----------
    module
        Import name, for example ``"sounddevice"``.
    extra
        The extra of ``pyproject.toml`` that brings it, for example ``"audio"``.

    Raises
    ------
    MissingPackageError
        Ending with the very command to type.
    """
    if module == "numba":
        place_numba_cache()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"{module} cannot be imported ({error}); type: pip install 'robopatient[{extra}]'"
        ) from error
