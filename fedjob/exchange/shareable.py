"""What travels between server and sites: ``nvflare.apis.shareable``."""

# ruff: noqa: S105 - PASS_THROUGH is no password.

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, cast

from fedjob.exchange import fobs
from fedjob.exchange.keys import FLContextKey, ReservedKey, ReturnCode


class ReservedHeaderKey:
    """Headers with a meaning of FLARE's own."""

    AUDIT_EVENT_ID = ReservedKey.AUDIT_EVENT_ID
    CONTENT_TYPE = "__content_type__"
    COOKIE_JAR = ReservedKey.COOKIE_JAR
    ERROR = "__error__"
    HEADERS = "__headers__"
    MSG_ROOT_ID = "__msg_root_id__"
    MSG_ROOT_TTL = "__msg_root_ttl__"
    PASS_THROUGH = "__pass_through__"
    PEER_CTX = FLContextKey.PEER_CONTEXT
    PEER_PROPS = "__peer_props__"
    RC = ReservedKey.RC
    REPLY_IS_LATE = "__reply_is_late__"
    TASK_ID = ReservedKey.TASK_ID
    TASK_NAME = ReservedKey.TASK_NAME
    TASK_OPERATOR = "__task_operator__"
    TOPIC = "__topic__"
    WORKFLOW = ReservedKey.WORKFLOW


class Shareable(dict[str, Any]):
    """A dict of content, with headers beside it under ``__headers__``.

    A cookie is a header that the server adds to a task and finds again on the reply.
    """

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data or {})
        self[ReservedHeaderKey.HEADERS] = {}

    def set_header(self, key: str, value: Any) -> None:
        headers = self.get(ReservedHeaderKey.HEADERS)
        if not headers:
            headers = self[ReservedHeaderKey.HEADERS] = {}
        headers[key] = value

    def get_header(self, key: str, default: Any = None) -> Any:
        """The header, or `default`. Raises ValueError when something other than a dict is in their place."""
        headers = self.get(ReservedHeaderKey.HEADERS)
        if not headers:
            return default
        if not isinstance(headers, dict):
            raise ValueError(f"the headers of a Shareable are a dict, not {type(headers).__name__}")
        return headers.get(key, default)

    def get_return_code(self, default: str = ReturnCode.OK) -> Any:
        return self.get_header(ReservedHeaderKey.RC, default)

    def set_return_code(self, rc: str) -> None:
        self.set_header(ReservedHeaderKey.RC, rc)

    def add_cookie(self, name: str, data: Any) -> None:
        jar = self.get_cookie_jar()
        if not jar:
            jar = {}
            self.set_cookie_jar(jar)
        jar[name] = data

    def get_cookie_jar(self) -> Any:
        return self.get_header(ReservedHeaderKey.COOKIE_JAR)

    def set_cookie_jar(self, jar: Any) -> None:
        self.set_header(ReservedHeaderKey.COOKIE_JAR, jar)

    def get_cookie(self, name: str, default: Any = None) -> Any:
        jar = self.get_cookie_jar()
        return jar.get(name, default) if jar else default

    def set_peer_props(self, props: Any) -> None:
        self.set_header(ReservedHeaderKey.PEER_PROPS, props)

    def get_peer_props(self) -> Any:
        return self.get_header(ReservedHeaderKey.PEER_PROPS)

    def get_peer_prop(self, key: str, default: Any) -> Any:
        props = self.get_peer_props()
        return props.get(key, default) if isinstance(props, dict) else default

    def set_peer_context(self, peer_ctx: Any) -> None:
        self.set_header(ReservedHeaderKey.PEER_CTX, peer_ctx)

    def get_peer_context(self) -> Any:
        return self.get_header(ReservedHeaderKey.PEER_CTX)

    def to_bytes(self) -> bytes:
        return fobs.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Shareable:
        return cast("Shareable", fobs.loads(data))


def make_reply(rc: str, headers: Mapping[str, Any] | None = None) -> Shareable:
    """An empty reply with a return code."""
    reply = Shareable()
    reply.set_return_code(rc)
    if isinstance(headers, dict):
        for key, value in headers.items():
            reply.set_header(key, value)
    return reply


def make_copy(source: Shareable, exclude_headers: Iterable[str] | None = None) -> Shareable:
    """A Shareable with the same content objects, and copies of the headers but `exclude_headers`."""
    if not isinstance(source, Shareable):
        # FLARE asserts it, and a caller may count on AssertionError.
        raise AssertionError(f"only a Shareable is copied here, not {type(source).__name__}")
    result = copy.copy(source)
    headers = copy.deepcopy(source.get(ReservedHeaderKey.HEADERS) or {})
    for key in exclude_headers or ():
        headers.pop(key, None)
    result[ReservedHeaderKey.HEADERS] = headers
    return result
