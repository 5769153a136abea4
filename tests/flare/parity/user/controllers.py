"""Workflows of a user: a plain Controller, two ModelControllers and an aggregator."""

import json
import os

from nvflare.apis.client import Client
from nvflare.apis.controller_spec import ClientTask, Task
from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.controller import Controller
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.app_common.abstract.fl_model import FLModel
from nvflare.app_common.aggregators.model_aggregator import ModelAggregator
from nvflare.app_common.workflows.base_fedavg import BaseFedAvg
from nvflare.app_common.workflows.model_controller import ModelController


class Plain(Controller):
    """Broadcasts, sends and relays by hand, and writes down what its callbacks see."""

    def __init__(self, ending: str = "", timeout: int = 0) -> None:
        super().__init__(task_check_period=0.1)
        self.ending = ending
        self.timeout = timeout

    def start_controller(self, fl_ctx: FLContext) -> None:
        self._log = {"start": [], "broadcast": {}, "send": [], "relay": [], "status": []}
        self._log["start"] = [c.name for c in self._engine.get_clients()]

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        fl_ctx.set_prop("public", "seen", private=False, sticky=True)
        fl_ctx.set_prop("private", "unseen", private=True, sticky=True)
        self._broadcast(fl_ctx, abort_signal)
        self._send(fl_ctx, abort_signal)
        self._relay(fl_ctx, abort_signal)
        if self.ending == "panic":
            self.system_panic("the workflow panicked", fl_ctx)
        if self.ending == "raise":
            raise ValueError("the workflow raised")

    def _broadcast(self, fl_ctx, abort_signal):
        def received(client_task: ClientTask, fl_ctx: FLContext) -> None:
            r = client_task.result
            self._log["broadcast"][client_task.client.name] = {
                k: r[k]
                for k in ("trail", "task", "headers", "cookie", "round", "public", "private", "context")
            } | {"rc": r.get_return_code(), "peer": fl_ctx.get_peer_context().get_identity_name()}

        data = Shareable()
        data["trail"] = ["server"]
        data.add_cookie("cookie", 7)
        task = Task(
            name="greet", data=data, result_received_cb=received, timeout=self.timeout, props={"mine": 1}
        )
        self.broadcast_and_wait(task, fl_ctx, min_responses=0, abort_signal=abort_signal)
        self._log["status"].append([task.name, str(task.completion_status), len(task.client_tasks)])

    def _send(self, fl_ctx, abort_signal):
        sent = []

        def before(client_task: ClientTask, fl_ctx: FLContext) -> None:
            sent.append(client_task.client.name)
            client_task.task.data["trail"] = [f"for {client_task.client.name}"]

        def received(client_task: ClientTask, fl_ctx: FLContext) -> None:
            self._log["send"].append([client_task.client.name, client_task.result["trail"]])

        task = Task(name="pick", data=Shareable(), before_task_sent_cb=before, result_received_cb=received)
        self.send_and_wait(task, fl_ctx, targets=["site-2", "site-1"], abort_signal=abort_signal)
        self._log["status"].append([task.name, str(task.completion_status), sent])

    def _relay(self, fl_ctx, abort_signal):
        def received(client_task: ClientTask, fl_ctx: FLContext) -> None:
            client_task.task.data["trail"] = client_task.result["trail"]
            self._log["relay"].append(client_task.client.name)

        data = Shareable()
        data["trail"] = []
        task = Task(name="carry", data=data, result_received_cb=received)
        self.relay_and_wait(
            task, fl_ctx, targets=["site-2", "site-1"], task_result_timeout=20, abort_signal=abort_signal
        )
        self._log["status"].append([task.name, str(task.completion_status), task.data["trail"]])

    def stop_controller(self, fl_ctx: FLContext) -> None:
        run_dir = self._engine.get_workspace().get_run_dir(fl_ctx.get_job_id())
        with open(os.path.join(run_dir, "plain.json"), "w") as f:
            json.dump(self._log, f)

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        self._log.setdefault("unknown", []).append([client.name, task_name])


class Story(ModelController):
    """Uses what ModelController offers, one after the other."""

    def run(self) -> None:
        log = {"clients": self.sample_clients(), "one": [], "callback": {}}
        model = self.load_model()
        log["loaded"] = sorted(model.params)
        for n, client in enumerate(self.sample_clients()):
            model.current_round = n
            (result,) = self.send_model_and_wait(task_name="train", data=model, targets=[client])
            log["one"].append(
                [
                    result.meta["client_name"],
                    result.current_round,
                    result.metrics["accuracy"],
                    str(result.params_type),
                ]
            )
            model.params = result.params
        self.save_model(model)

        def received(result: FLModel) -> None:
            log["callback"][result.meta["client_name"]] = [result.metrics["accuracy"], sorted(result.meta)]

        model.current_round = 2
        self.send_model(task_name="train", data=model, targets=None, callback=received)
        while self.get_num_standing_tasks():
            import time

            time.sleep(0.1)
        log["dirs"] = [os.path.relpath(self.get_app_dir(), self.get_run_dir())]
        log["persistor"] = self.get_component("persistor") is self.persistor
        log["aborted"] = self.is_aborted()
        log["type_error"] = self._attempt(model)
        with open(os.path.join(self.get_run_dir(), "story.json"), "w") as f:
            json.dump(log, f)

    def _attempt(self, model):
        try:
            self.send_model(data={"params": 1})
        except TypeError as error:
            return type(error).__name__
        return "accepted"


class OwnFedAvg(BaseFedAvg):
    """The loop of the documentation's custom FedAvg, which keeps the larger of two results."""

    def run(self) -> None:
        model = self.load_model()
        model.start_round, model.total_rounds = self.start_round, self.num_rounds
        for number in range(self.start_round, self.start_round + self.num_rounds):
            model.current_round = self.current_round = number
            results = self.send_model_and_wait(targets=self.sample_clients(self.num_clients), data=model)
            model = self.update_model(model, self.aggregate(results, aggregate_fn=self._largest))
            self.save_model(model)

    def _largest(self, results: list) -> FLModel:
        best = max(results, key=lambda r: float(sum(v.sum() for v in r.params.values())))
        return FLModel(
            params=best.params, params_type=best.params_type, metrics={"accuracy": 0.75}, meta=best.meta
        )


class Sum(ModelAggregator):
    """Adds the sites' parameters up, unweighted."""

    def __init__(self) -> None:
        super().__init__()
        self._sum = {}

    def accept_model(self, model: FLModel) -> None:
        for k, v in model.params.items():
            self._sum[k] = self._sum.get(k, 0) + v

    def aggregate_model(self) -> FLModel:
        return FLModel(params=self._sum, metrics={"accuracy": 0.5})

    def reset_stats(self) -> None:
        self._sum = {}
