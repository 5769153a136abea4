"""Messages besides tasks: auxiliary requests with replies, and events fired for the other side.

A site's only link leads to the server, which passes on what sites send each other.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fedjob.components.task import ClientTask
from fedjob.engines.local.hub import Hub, Mailbox, Strand
from fedjob.engines.local.layout import JOB_ID
from fedjob.engines.local.link import Link, Message
from fedjob.engines.local.wire import Frozen, freeze, thaw
from fedjob.exchange.fl_context import FLContext, M, V, put_private
from fedjob.exchange.keys import EventScope, FLContextKey, ReservedKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply

_log = logging.getLogger("fedjob.post")

#: The kinds of messages that are letters.
LETTERS = frozenset({"aux", "aux_reply", "event"})

Handler = Callable[[str, Shareable, FLContext], Shareable]


class Post:
    """One party's letters: `links` by peer; a name without a link of its own is reached through the server."""

    def __init__(self, name: str, hub: Hub, links: Mapping[str, Link], server: str) -> None:
        self.name = name
        self.handlers: dict[str, Handler] = {}
        self.engine: Any = None
        self._hub = hub
        self._links = links
        self._server = server
        self._numbers = itertools.count()
        self._waiting: dict[int, Mailbox[tuple[str, Shareable]]] = {}
        #: Handlers at work.
        self._open: dict[Strand, None] = {}

    def request(
        self, targets: list[str], topic: str, request: Shareable, timeout: float, fl_ctx: FLContext
    ) -> dict[str, Shareable]:
        """Send `request` to all `targets`; with a positive `timeout` (seconds) wait for their replies."""
        number = next(self._numbers)
        answers = self._hub.mailbox()
        if timeout > 0:
            self._waiting[number] = answers
        body = freeze((request, fl_ctx.get_all_public_props()))
        for target in targets:
            self._send("aux", target, body, topic=topic, number=number)
        if timeout <= 0:
            return {}
        replies: dict[str, Shareable] = {}
        until = self._hub.now() + timeout
        try:
            while len(replies) < len(targets):
                site, reply = answers.get(max(0.001, until - self._hub.now()))
                replies[site] = reply
        except TimeoutError:
            _log.warning("no reply on %r from %s within %g s", topic, set(targets) - set(replies), timeout)
        finally:
            self._waiting.pop(number, None)
        return {t: replies.get(t) or make_reply(ReturnCode.COMMUNICATION_ERROR) for t in targets}

    def send_event(self, targets: list[str], event_type: str, data: Shareable, fl_ctx: FLContext) -> None:
        """Fire an event at the other side."""
        body = freeze((data, fl_ctx.get_all_public_props()))
        for target in targets:
            self._send("event", target, body, event=event_type)

    def take(self, message: Message) -> bool:
        """Deal with a message if it is one of ours; whether it was."""
        if message.kind not in LETTERS:
            return False
        if message.headers["to"] != self.name:
            self._forward(message)
        elif message.kind == "aux_reply":
            waiting = self._waiting.get(message.headers["number"])
            if waiting is not None and isinstance(message.body, Frozen):
                waiting.put((message.headers["from"], thaw(message.body)))
        else:
            # In a strand of its own: a handler may wait, also for further messages.
            answer = self._answer if message.kind == "aux" else self._fire
            strand = self._hub.spawn(self._handle, answer, message, name=f"{self.name}: {message.kind}")
            self._open[strand] = None
        return True

    def settle(self, timeout: float) -> None:
        """Wait for the handlers at work; TimeoutError when one is not done after `timeout` seconds."""
        while self._open:
            self._open.popitem()[0].join(timeout)

    def _send(self, kind: str, target: str, body: Frozen | None, **headers: Any) -> None:
        message = Message(kind=kind, headers={"from": self.name, "to": target, **headers}, body=body)
        if target == self.name:
            self.take(message)
        else:
            self._forward(message)

    def _forward(self, message: Message) -> None:
        link = self._links.get(message.headers["to"]) or self._links.get(self._server)
        if link is not None:
            link.send(message)

    def _opened(self, message: Message) -> tuple[Shareable, FLContext, FLContext]:
        assert isinstance(message.body, Frozen)
        data, props = thaw(message.body)
        fl_ctx = self.engine.new_context()
        peer = peer_context(props, message.headers["from"])
        fl_ctx.set_peer_context(peer)
        data.set_peer_props(props)
        return data, fl_ctx, peer

    def _handle(self, handler: Callable[[Message], None], message: Message) -> None:
        try:
            handler(message)
        finally:
            self._open.pop(self._hub.current(), None)

    def _answer(self, message: Message) -> None:
        request, fl_ctx, _ = self._opened(message)
        topic = message.headers["topic"]
        handler = self.handlers.get(topic)
        with fl_ctx:
            if handler is None:
                reply = make_reply(ReturnCode.TOPIC_UNKNOWN)
            else:
                try:
                    reply = handler(topic, request, fl_ctx)
                except Exception as e:
                    self.engine.note_exception(e, message=f"the handler of {topic!r} messages failed")
                    reply = make_reply(ReturnCode.HANDLER_EXCEPTION)
        if not isinstance(reply, Shareable):
            reply = make_reply(ReturnCode.OK)
        self._send("aux_reply", message.headers["from"], freeze(reply), number=message.headers["number"])

    def _fire(self, message: Message) -> None:
        data, fl_ctx, _ = self._opened(message)
        with fl_ctx:
            fl_ctx.set_prop(FLContextKey.EVENT_DATA, data, private=True, sticky=False)
            fl_ctx.set_prop(FLContextKey.EVENT_SCOPE, EventScope.FEDERATION, private=True, sticky=False)
            fl_ctx.set_prop(FLContextKey.EVENT_ORIGIN, message.headers["from"], private=True, sticky=False)
            self.engine.fire_event(message.headers["event"], fl_ctx)


def peer_context(props: Mapping[str, Any], name: str) -> FLContext:
    """The other side's context, as far as it is public."""
    peer = FLContext()
    public = {ReservedKey.IDENTITY_NAME: name, ReservedKey.RUN_NUM: JOB_ID, **props}
    peer.props = {key: {V: value, M: 0} for key, value in public.items()}
    return peer


def reply_context(
    engine: Any, client_task: ClientTask, result: Shareable, props: Mapping[str, Any]
) -> FLContext:
    """The context in which the server takes a site's result; `props` are what the site says of itself."""
    fl_ctx: FLContext = engine.new_context()
    peer = peer_context(props, client_task.client.name)
    put_private(peer, {FLContextKey.SHAREABLE: result})
    put_private(
        fl_ctx,
        {
            ReservedKey.PEER_CTX: peer,
            FLContextKey.TASK_NAME: client_task.task.name,
            FLContextKey.TASK_RESULT: result,
            FLContextKey.TASK_ID: client_task.id,
        },
    )
    return fl_ctx


def label_reply(reply: Shareable, client_task: ClientTask, props: Mapping[str, Any]) -> None:
    """Set the headers that FLARE's server adds to a reply that has come."""
    headers = reply.get(ReservedHeaderKey.HEADERS)
    if not headers:
        headers = reply[ReservedHeaderKey.HEADERS] = {}
    headers[ReservedHeaderKey.TASK_NAME] = client_task.task.name
    headers[ReservedHeaderKey.TASK_ID] = client_task.id
    headers[ReservedHeaderKey.PEER_PROPS] = props


def usual_props(name: str) -> dict[str, Any]:
    """The public props of a site whose components have none of their own to tell: they need not travel."""
    return {ReservedKey.IDENTITY_NAME: name, FLContextKey.CLIENT_NAME: name}
