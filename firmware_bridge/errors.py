"""Every error of the bridge; each message names the thing, the place, the value and the next command.

::

    BridgeError
    ├── PortError            a serial port: absent, forbidden, busy, not a serial device
    ├── BoardError           a driver: unknown, wrong options, a virtual board that does not start
    ├── RecordingError       a recording of forces: unreadable, wrong shape, no such name
    ├── InputError           a file of the user's: encoding, table, a cell that is no number
    ├── OutputError          a file to write: exists, is an input, cannot be written
    └── MissingPackageError  pyserial or cobs is not installed
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "BoardError",
    "BridgeError",
    "BridgePackageError",
    "InputError",
    "OutputError",
    "PortError",
    "RecordingError",
    "require",
]


class BridgeError(Exception):
    """Base of all errors of the bridge; ends a command with one line and exit status 1."""


class PortError(BridgeError):
    """A serial port cannot be found, opened or used."""


class BoardError(BridgeError):
    """A board driver is unknown, was given wrong options, or its process does not start."""


class RecordingError(BridgeError):
    """A recording cannot be read or does not hold what was asked for."""


class InputError(BridgeError):
    """A file of the user's cannot be read, or holds what cannot be understood."""


class OutputError(BridgeError):
    """A file cannot be written where it is to go, or would replace one that is not to be lost."""


class BridgePackageError(BridgeError):
    """A package that talking to boards needs is not installed."""


def require(module: str) -> ModuleType:
    """Import a package of the ``bridge`` extra where it acts, or say how to install it.

    Raises
    ------
    MissingPackageError
        Ending with the very command to type.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BridgePackageError(
            f"{module} cannot be imported ({error}); type: pip install 'robopatient[bridge]'"
        ) from error
