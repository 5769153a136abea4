"""Tasks that sites give each other, as client-controlled workflows do.

A task travels as an auxiliary request; the site that is asked carries it out beside the server's tasks, through the
same filters and executors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.engines.local.filtering import apply_filters
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReservedTopic, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply

#: (task name, task id, data, context) -> reply
Answer = Callable[[str, str, Shareable, FLContext], Shareable]


class AsksPeers:
    """The part of a site's engine that talks to other sites' executors."""

    app: Any
    send_aux_request: Any
    note_exception: Any
    register_aux_message_handler: Any

    def find_executor(self, task_name: str) -> Any:
        """The site's executor of a task; None if there is none."""
        return self.app.executor_for(task_name)

    def ask(
        self, targets: list[str], task_name: str, data: Shareable, timeout: float, fl_ctx: FLContext
    ) -> dict[str, Shareable]:
        """Have sites do a task and wait for their replies, `timeout` seconds at most; a bad reply is an ERROR."""
        try:
            data = apply_filters(self.app.filters.get((task_name, "data", "out"), ()), data, fl_ctx)
        except Exception as e:
            self.note_exception(e, message=f"a data filter of task {task_name!r} failed")
            return {target: make_reply(ReturnCode.TASK_DATA_FILTER_ERROR) for target in targets}
        data.set_header(ReservedHeaderKey.TASK_NAME, task_name)
        replies = self.send_aux_request(targets, ReservedTopic.DO_TASK, data, timeout, fl_ctx)
        return {target: self._taken(task_name, reply, fl_ctx) for target, reply in replies.items()}

    def answer_peers(self, answer: Answer) -> None:
        """Let `answer` carry out what other sites ask for."""

        def do_task(_topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
            task = request.get_header(ReservedHeaderKey.TASK_NAME)
            reply = answer(task, "", request, fl_ctx)
            if jar := request.get_cookie_jar():
                reply.set_cookie_jar(jar)
            reply.set_header(ReservedHeaderKey.TASK_NAME, task)
            return reply

        self.register_aux_message_handler(ReservedTopic.DO_TASK, do_task)

    def _taken(self, task_name: str, reply: Shareable, fl_ctx: FLContext) -> Shareable:
        if reply.get_return_code() != ReturnCode.OK:
            return make_reply(ReturnCode.ERROR)
        try:
            return apply_filters(self.app.filters.get((task_name, "result", "in"), ()), reply, fl_ctx)
        except Exception as e:
            self.note_exception(e, message=f"a result filter of task {task_name!r} failed")
            return make_reply(ReturnCode.TASK_RESULT_FILTER_ERROR)
