"""One line of a list of checks: what was looked at, how it is, what was found, and the command that fixes it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

import msgspec

__all__ = ["Check", "CheckState", "checks_of_json", "json_of_checks", "worst_first"]

CheckState = Literal["ok", "warn", "fail"]
"""fail: it prevents what was asked for; warn: it works, but with less."""

STORED_KEYS, STORED_FAIL = ("thing", "state", "detail", "mend"), "missing"
"""What ``robopatient doctor --json`` has always written: the keys of a check, and its word for "fail"."""


class Check(msgspec.Struct, frozen=True):
    """``fix`` is the command or the action that fixes it, "" when nothing is wrong."""

    name: str
    state: CheckState
    found: str
    fix: str = ""


def worst_first(checks: Iterable[Check]) -> list[Check]:
    """Failures, then warnings, then the rest, each in the order given."""
    return sorted(checks, key=lambda check: ("fail", "warn", "ok").index(check.state))


def json_of_checks(checks: Iterable[Check]) -> str:
    """The list as ``robopatient doctor --json`` prints it."""
    rows = [(each.name, STORED_FAIL if each.state == "fail" else each.state, each.found, each.fix) for each in checks]
    return json.dumps({"findings": [dict(zip(STORED_KEYS, row, strict=True)) for row in rows]})


def checks_of_json(text: bytes) -> list[Check]:
    """What ``json_of_checks`` wrote; a single warning when it cannot be read."""
    names = dict(zip(STORED_KEYS, Check.__struct_fields__, strict=True))
    try:
        rows = [{names[key]: value for key, value in row.items()} for row in json.loads(text)["findings"]]
        return msgspec.convert(
            [row | ({"state": "fail"} if row["state"] == STORED_FAIL else {}) for row in rows], list[Check]
        )
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError):
        return [Check("doctor", "warn", "gave no answer", "robopatient doctor")]
