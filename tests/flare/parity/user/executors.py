"""Executors of a user: the usual addition with DXO and Shareable, and a few that go wrong."""

import time

import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey, from_shareable
from nvflare.apis.executor import Executor
from nvflare.apis.fl_constant import FLContextKey, ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.apis.signal import Signal
from nvflare.app_common.app_constant import AppConstants
from share import number, steps


class Add(Executor):
    """`kind` is WEIGHTS or WEIGHT_DIFF; answers train, validate and submit_model."""

    def __init__(self, kind: str = "WEIGHT_DIFF") -> None:
        super().__init__()
        self.kind = kind
        self._last = None

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        site = fl_ctx.get_identity_name()
        if task_name == AppConstants.TASK_SUBMIT_MODEL:
            return DXO(DataKind.WEIGHTS, data=self._last).to_shareable()
        dxo = from_shareable(shareable)
        total = float(sum(np.sum(v) for v in dxo.data.values()))
        if task_name == AppConstants.TASK_VALIDATION:
            return DXO(DataKind.METRICS, data={"accuracy": total / 64 + number(site)}).to_shareable()
        self._last = {k: v + number(site) for k, v in dxo.data.items()}
        data = (
            self._last
            if self.kind == "WEIGHTS"
            else {k: np.full_like(v, number(site)) for k, v in dxo.data.items()}
        )
        meta = {
            MetaKey.NUM_STEPS_CURRENT_ROUND: steps(site),
            MetaKey.INITIAL_METRICS: {"accuracy": total / 256},
        }
        return DXO(DataKind[self.kind], data=data, meta=meta).to_shareable()


class Wrong(Add):
    """Goes wrong at one site from round `at` on, in the way `how` says."""

    def __init__(self, how: str, site: str = "site-2", at: int = 1, kind: str = "WEIGHT_DIFF") -> None:
        super().__init__(kind)
        self.how = how
        self.site = site
        self.at = at

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        number_of_round = shareable.get_header(AppConstants.CURRENT_ROUND, 0)
        if fl_ctx.get_identity_name() != self.site or number_of_round < self.at:
            return super().execute(task_name, shareable, fl_ctx, abort_signal)
        if self.how == "runtime":
            raise RuntimeError("a RuntimeError from the executor")
        if self.how == "value":
            raise ValueError("a ValueError from the executor")
        if self.how == "none":
            return None
        if self.how == "late":
            time.sleep(20.0)
            return super().execute(task_name, shareable, fl_ctx, abort_signal)
        if self.how == "panic":
            self.system_panic("the executor panicked", fl_ctx)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        return make_reply(getattr(ReturnCode, self.how))


class Echo(Executor):
    """Says what it was asked, and adds the site's name to a trail; for controllers of a user's own."""

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        reply = make_reply(ReturnCode.OK)
        reply["trail"] = [*shareable.get("trail", []), fl_ctx.get_identity_name()]
        reply["task"] = task_name
        reply["headers"] = sorted(k for k in shareable["__headers__"] if not k.startswith("__"))
        reply["cookie"] = shareable.get_cookie("cookie")
        reply["round"] = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        reply["public"] = fl_ctx.get_peer_context().get_prop("public", "nothing")
        reply["private"] = fl_ctx.get_peer_context().get_prop("private", "nothing")
        reply["context"] = [
            fl_ctx.get_job_id(),
            fl_ctx.get_prop(FLContextKey.TASK_NAME),
            fl_ctx.get_peer_context().get_identity_name(),
        ]
        return reply
