"""How the last model of a workflow, and the best one, get to the sites that are to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedjob.components.ccwf.common import Constant, ResultType
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.learnable import Learnable
from fedjob.exchange.shareable import Shareable, make_reply

if TYPE_CHECKING:
    from fedjob.components.ccwf.client import ClientSideController


def broadcast(
    site: ClientSideController,
    fl_ctx: FLContext,
    result_type: str,
    result: Learnable,
    metric: Any,
    round_num: int | None,
) -> None:
    """Send a result to the other sites that are to have it, and report that; the last one ends the workflow."""
    targets = [t for t in site.get_config_prop(Constant.RESULT_CLIENTS) or [] if t != site.me]
    error = None
    if targets:
        site.update_status(action=f"broadcast_{result_type}_result")
        data = Shareable()
        data[Constant.RESULT] = result
        headers = {Constant.RESULT_TYPE: result_type, Constant.METRIC: metric, Constant.ROUND: round_num}
        for key, value in headers.items():
            if value is not None:
                data.set_header(key, value)
        task_name, timeout = site.report_final_result_task_name, site.final_result_ack_timeout
        replies = site.ask(targets, task_name, data, timeout, fl_ctx)
        bad = [t for t, reply in replies.items() if reply.get_return_code() != ReturnCode.OK]
        if bad:
            site.log_error(fl_ctx, f"sites {bad} did not take the {result_type} result")
            error = ReturnCode.EXECUTION_EXCEPTION
    site.update_status(
        action=f"finished_broadcast_{result_type}_result",
        error=error,
        all_done=result_type == ResultType.LAST,
    )


def take(site: ClientSideController, request: Shareable, fl_ctx: FLContext) -> Shareable:
    """Save the last model that another site sends, or make its best one known here."""
    sender = fl_ctx.get_peer_context().get_identity_name()
    result, kind = request.get(Constant.RESULT), request.get_header(Constant.RESULT_TYPE)
    if kind not in {ResultType.BEST, ResultType.LAST} or not result or not isinstance(result, Learnable):
        site.log_error(fl_ctx, f"{sender} sent no usable result but {kind}: {type(result).__name__}")
        return make_reply(ReturnCode.BAD_REQUEST_DATA)
    fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, result, private=True, sticky=True)
    if kind == ResultType.LAST:
        site.persistor.save(result, fl_ctx)
        return make_reply(ReturnCode.OK)
    props = {
        Constant.ROUND: request.get_header(Constant.ROUND),
        Constant.CLIENT: sender,
        AppConstants.VALIDATION_RESULT: request.get_header(Constant.METRIC),
    }
    for key, value in props.items():
        fl_ctx.set_prop(key, value, private=True, sticky=False)
    site.fire_event(AppEventType.GLOBAL_BEST_MODEL_AVAILABLE, fl_ctx)
    return make_reply(ReturnCode.OK)
