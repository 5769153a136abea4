"""SyncAlgorithmExecutor: peers that go through their iterations in step.

Answers ``nvflare.app_opt.p2p.executors.sync_executor``.
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fedjob.components.p2p.executor import BaseDistOptExecutor
from fedjob.components.p2p.flag import Flag
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReservedKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply

#: The topic of the messages, as in FLARE.
TOPIC = "send_value"
#: Seconds that a neighbour has to acknowledge a value, as in FLARE.
_ACKNOWLEDGED = 10.0


class SyncAlgorithmExecutor(BaseDistOptExecutor):
    """Write `run_algorithm`; in each iteration it calls `_exchange_values` and deletes, when it has used them, that
    iteration's values: ``neighbors_values[iteration][site]``. (A neighbour may be one iteration ahead.)

    The relation must be mutual: who sends to a site also waits for it. A neighbour whose value has not come
    `sync_timeout` seconds after all have been sent, or that cannot take a value, ends the run.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self, sync_timeout: int = 10) -> None:
        super().__init__()
        self.neighbors_values: defaultdict[int, dict[Any, Any]] = defaultdict(dict)
        self.sync_timeout = sync_timeout
        self.sync_waiter = Flag()
        self.lock = threading.Lock()

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        super().handle_event(event_type, fl_ctx)
        if event_type == EventType.START_RUN:
            engine = fl_ctx.get_engine()
            self.sync_waiter.bind(engine)
            engine.register_aux_message_handler(topic=TOPIC, message_handle_func=self._handle_neighbor_value)

    def _exchange_values(self, fl_ctx: FLContext, value: Any, iteration: int) -> None:
        """Send `value` to all neighbours and wait for theirs of the same iteration; RuntimeError if that is in vain."""
        if not self.neighbors:
            return
        content = {"value": self._to_message(value), "iteration": iteration}
        with _gradients():
            self._send(fl_ctx, content)
            while self._missing(iteration):
                self.sync_waiter.clear()
                if not self.sync_waiter.wait(timeout=self.sync_timeout) and (
                    late := self._missing(iteration)
                ):
                    what = f"sent no value of iteration {iteration} within {self.sync_timeout} s"
                    self._give_up(what, late, fl_ctx)

    def _send(self, fl_ctx: FLContext, content: dict[str, Any]) -> None:
        replies = fl_ctx.get_engine().send_aux_request(
            targets=[neighbor.id for neighbor in self.neighbors],
            topic=TOPIC,
            request=DXO(data_kind=DataKind.WEIGHTS, data=content).to_shareable(),
            timeout=_ACKNOWLEDGED,
            fl_ctx=fl_ctx,
        )
        refused = {
            site: rc for site, reply in replies.items() if (rc := reply.get_return_code()) in _REFUSALS
        }
        if refused:
            self._give_up(f"did not take the value of iteration {content['iteration']}", refused, fl_ctx)

    def _missing(self, iteration: int) -> list[Any]:
        here = self.neighbors_values[iteration]
        return [neighbor.id for neighbor in self.neighbors if neighbor.id not in here]

    def _give_up(self, what: str, sites: Any, fl_ctx: FLContext) -> None:
        """End the run, unless it is being ended already, and this site's algorithm."""
        if fl_ctx.get_engine().abort_signal.triggered:
            raise RuntimeError(f"the run was aborted while {self.client_name} waited for {sites}")
        reason = (
            f"{self.client_name} waits in vain: its neighbours {sites} {what}; see their errors, that each of them"
            f" has {self.client_name} as a neighbour, too, and that all sites run at a time"
        )
        self.system_panic(reason, fl_ctx)
        raise RuntimeError(reason)

    def _handle_neighbor_value(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        """Keep the value; the flag goes up when all of an iteration are there."""
        sender = request.get_peer_prop(key=ReservedKey.IDENTITY_NAME, default=None)
        content = from_shareable(request).data
        iteration = content["iteration"]
        with self.lock:
            self.neighbors_values[iteration][sender] = self._from_message(content["value"])
            if not self._missing(iteration):
                self.sync_waiter.set()
        return make_reply(ReturnCode.OK)


#: What no later value makes up for.
_REFUSALS = frozenset({ReturnCode.TOPIC_UNKNOWN, ReturnCode.HANDLER_EXCEPTION})


@contextmanager
def _gradients() -> Iterator[None]:
    """While this waits, have torch compute gradients: ``no_grad`` holds for a thread, so for other sites that share it."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    mine = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    try:
        yield
    finally:
        torch.set_grad_enabled(mine)
