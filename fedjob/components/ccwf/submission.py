"""How a trainer of a swarm hands its result to the site that aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal

if TYPE_CHECKING:
    from fedjob.components.ccwf.swarm_client import SwarmClientController


def submit(
    site: SwarmClientController,
    result: Shareable,
    aggr: str,
    number: int,
    fl_ctx: FLContext,
    abort_signal: Signal,
) -> None:
    """Send the result of a round once the aggregating site takes it; what goes wrong is reported."""
    if not _may_submit(site, aggr, number, fl_ctx, abort_signal):
        return
    if aggr == site.me:
        # FLARE takes its own result without a message, too, so its peer context is this site's.
        own_ctx = fl_ctx.clone()
        own_ctx.set_peer_context(site.engine.new_context())
        reply = site.process_learn_result(result, own_ctx, abort_signal)
    else:
        task, timeout = site.report_learn_result_task_name, site.learn_task_ack_timeout
        reply = site.ask([aggr], task, result, timeout, fl_ctx)[aggr]
    rc = reply.get_return_code()
    if rc != ReturnCode.OK:
        site.log_error(fl_ctx, f"{aggr} did not take the result of round {number}: {rc}")
        site.update_status(action="receive_learn_result_reply", error=ReturnCode.EXECUTION_EXCEPTION)
        return
    site.update_status(last_round=number, action="finished_learn_task")


def _may_submit(
    site: SwarmClientController, aggr: str, number: int, fl_ctx: FLContext, abort_signal: Signal
) -> bool:
    """Ask the aggregating site until it takes results."""
    request = Shareable()
    request.set_header(AppConstants.CURRENT_ROUND, number)
    topic, timeout = site.request_to_submit_learn_result_task_name, site.request_to_submit_result_msg_timeout
    started, limit = site.engine.now(), site.request_to_submit_result_max_wait
    while not abort_signal.triggered:
        if limit and site.engine.now() - started > limit:
            site.log_error(fl_ctx, f"{aggr} took no result of round {number} within {limit} s")
            return False
        rc = site.engine.send_aux_request([aggr], topic, request, timeout, fl_ctx)[aggr].get_return_code()
        if rc == ReturnCode.OK:
            return True
        if rc == ReturnCode.MODEL_UNRECOGNIZED:
            site.log_error(fl_ctx, f"{aggr} does not want the result of round {number} any more")
            site.update_status(action="receive_learn_result_reply", error=rc)
            return False
        site.engine.poll(site.request_to_submit_result_interval)
    return False
