"""The one command, ``robopatient``: each verb names the function that does the work and imports it only then."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script."""
