"""The reply to a task, as it leaves its site."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fedjob.engines.local.plain import ATOMS, NotPlain
from fedjob.engines.local.plain_result import PlainResult
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

#: What a task says that is found again on its reply: its round, and its cookies.
Told = tuple[Any, dict[str, Any]]


def told_by(headers: Mapping[str, Any]) -> Told | None:
    """What a task with these headers says; None where it is more than plain values."""
    jar = headers.get(ReservedHeaderKey.COOKIE_JAR)
    if type(jar) is not dict or not ATOMS.issuperset(map(type, jar.values())):
        return None
    return headers.get(AppConstants.CURRENT_ROUND), dict(jar)


def taken_apart(reply: Shareable, number: Any) -> PlainResult | None:
    """The reply to a task of that round, if it is no more than a script's result; before it gets its labels."""
    try:
        return PlainResult.of_reply(reply, number)
    except (NotPlain, OSError):
        return None


def label(reply: Shareable, data: Shareable, task: str, task_id: str) -> None:
    """Set the headers that FLARE's client adds to the reply to the task of that name."""
    headers = reply.get(ReservedHeaderKey.HEADERS)
    if not headers:
        headers = reply[ReservedHeaderKey.HEADERS] = {}
    asked = data.get(ReservedHeaderKey.HEADERS) or {}
    if jar := asked.get(ReservedHeaderKey.COOKIE_JAR):
        headers[ReservedHeaderKey.COOKIE_JAR] = jar
    headers[ReservedHeaderKey.TASK_NAME] = task
    headers[ReservedHeaderKey.TASK_ID] = task_id
    number = asked.get(AppConstants.CURRENT_ROUND)
    if number is not None and headers.get(AppConstants.CURRENT_ROUND) is None:
        headers[AppConstants.CURRENT_ROUND] = number


@lru_cache(maxsize=64)
def reply_headers(task: str, rc: str) -> dict[str, Any]:
    """The headers of the message in which a reply travels, which thousands of sites have in common."""
    return {"task": task, "rc": rc}
