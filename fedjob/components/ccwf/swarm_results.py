"""The end of a swarm: the site with the best model and the one with the last share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedjob.components.ccwf.common import Constant, ResultType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable

if TYPE_CHECKING:
    from fedjob.components.ccwf.swarm_client import SwarmClientController


def distribute(site: SwarmClientController, result: Shareable, fl_ctx: FLContext) -> None:
    """Have the best model shared by the site that `result`, the last aggregate, names; then share the last one."""
    best = result.get_header(Constant.CLIENT)
    if best == site.me:
        share_best(site, fl_ctx)
    elif best:
        topic = site.topic_for_my_workflow(Constant.TOPIC_SHARE_RESULT)
        timeout = site.final_result_ack_timeout
        replies = site.engine.send_aux_request([best], topic, Shareable(), timeout, fl_ctx)
        if replies[best].get_return_code() != ReturnCode.OK:
            site.log_error(fl_ctx, f"{best} did not share its best result")
    site.broadcast_final_result(fl_ctx, ResultType.LAST, site.last_result, round_num=site.last_round)


def share_best(site: SwarmClientController, fl_ctx: FLContext) -> None:
    """Share the best model that this site found."""
    site.broadcast_final_result(
        fl_ctx, ResultType.BEST, site.best_result, metric=site.best_metric, round_num=site.best_round
    )
