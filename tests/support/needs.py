"""What tests need and a machine may lack: skipped with the command to type, and a failure in CI, which installs it.

Recordings beside the checkout (``shared_data``) and packages that CI does not install are skipped everywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from types import ModuleType

import pytest

APT = "apt-get install"


def need(what: str, there: object, fix: str) -> None:
    """Skip the test where something is missing; in CI that is a failure.

    Parameters
    ----------
    there
        Anything true where it is there.
    fix
        Command that brings it.
    """
    if there:
        return
    reason = f"{what}: not installed; type: {fix}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def program(name: str, package: str) -> str:
    """Path of a program; ``package`` is Debian's, or several."""
    path = shutil.which(name)
    need(name, path, f"{APT} {package}")
    return str(path)


def module(name: str, extra: str) -> ModuleType:
    """A module that comes with an extra of this project."""
    try:
        return importlib.import_module(name)
    except ImportError:
        need(name, False, _extra(extra))
        raise


def _extra(name: str) -> str:
    return f"pip install 'robopatient[{name}]'"


# Of single tests and of files (``pytestmark``); tests/conftest.py reads them.
HEAD = pytest.mark.need("anny", importlib.util.find_spec("anny"), _extra("face"))
ESPEAK = pytest.mark.need("espeak-ng", shutil.which("espeak-ng"), f"{APT} espeak-ng")
