"""What the xAPI specification 1.0.3 (part two, statements) asks of a statement like ours; for tests.

Written from the requirements for ids, actors with an account, verbs, activities, results, contexts and timestamps; what
we never send (groups, attachments, sub-statements, scores) is a fault here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["faults"]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
IRL = re.compile(r"https?://[^\s/<>\"{}|\\^`]+[^\s<>\"{}|\\^`]*")
TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
ALLOWED = {
    "": {"id", "actor", "verb", "object", "result", "context", "timestamp", "version"},
    "actor": {"objectType", "name", *IDENTIFIERS},
    "account": {"homePage", "name"},
    "verb": {"id", "display"},
    "object": {"objectType", "id", "definition"},
    "definition": {"name", "description", "type", "moreInfo", "extensions"},
    "result": {"success", "completion", "response", "duration", "extensions"},
    "context": {"registration", "platform", "language", "extensions", "contextActivities"},
}


def faults(statement: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a statement, in words."""
    return list(_faults(statement))


def _faults(statement: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("", statement)
    yield from (f"{key} is null" for key, value in statement.items() if value is None)
    for key in ("actor", "verb", "object"):
        if not isinstance(statement.get(key), dict):
            yield f"{key} is missing"
            return
    yield from _fits("id", UUID, statement.get("id", ""))
    yield from _fits("timestamp", TIMESTAMP, statement.get("timestamp", ""))
    yield from _actor(statement["actor"])
    verb = statement["verb"]
    yield from _unknown("verb", verb)
    yield from _fits("verb.id", IRI, verb.get("id", ""))
    yield from _languages("verb.display", verb.get("display", {}))
    yield from _activity(statement["object"])
    yield from _result(statement.get("result", {}))
    context = statement.get("context", {})
    yield from _unknown("context", context)
    if "registration" in context:
        yield from _fits("context.registration", UUID, context["registration"])


def _actor(actor: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("actor", actor)
    if actor.get("objectType", "Agent") != "Agent":
        yield "actor.objectType is not Agent"
    if sum(name in actor for name in IDENTIFIERS) != 1:
        yield "actor has not exactly one identifier"
    account = actor.get("account")
    if account is not None:
        yield from _unknown("account", account)
        yield from _fits("actor.account.homePage", IRL, account.get("homePage", ""))
        if not isinstance(account.get("name"), str) or not account["name"]:
            yield "actor.account.name is missing"


def _activity(activity: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("object", activity)
    if activity.get("objectType", "Activity") != "Activity":
        yield "object.objectType is not Activity"
    yield from _fits("object.id", IRI, activity.get("id", ""))
    definition = activity.get("definition", {})
    yield from _unknown("definition", definition)
    if "type" in definition:
        yield from _fits("object.definition.type", IRI, definition["type"])
    yield from _languages("object.definition.name", definition.get("name", {}))


def _result(result: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("result", result)
    if not isinstance(result.get("completion", False), bool):
        yield "result.completion is no boolean"
    if "duration" in result:
        yield from _fits("result.duration", DURATION, result["duration"])
    for key in result.get("extensions", {}):
        yield from _fits("result.extensions", IRI, key)


def _languages(where: str, texts: dict[str, Any]) -> Iterator[str]:
    for tag, text in texts.items():
        yield from _fits(where, TAG, tag)
        if not isinstance(text, str):
            yield f"{where}: {tag} is no text"


def _fits(where: str, pattern: re.Pattern[str], value: object) -> Iterator[str]:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        yield f"{where}: {value!r} does not fit"


def _unknown(where: str, thing: dict[str, Any]) -> Iterator[str]:
    yield from (f"{where or 'statement'} has an unknown property {key}" for key in sorted(set(thing) - ALLOWED[where]))
