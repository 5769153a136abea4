"""CmdTaskController and ETLController: have sites do one named task, once.

Answers ``nvflare.app_common.workflows.cmd_task_controller`` (FLARE >= 2.7) and ``...etl_controller``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.workflows.model_controller import ModelController
from fedjob.exchange.fl_model import FLModel


class CmdTaskController(ModelController):
    """Sends `task_data` with `task_meta` to `num_clients` sites and waits for `min_responses` of them, all by default."""

    def __init__(
        self,
        task_name: str = "cmd_task",
        task_data: dict[str, Any] | None = None,
        task_meta: dict[str, Any] | None = None,
        num_clients: int | None = None,
        min_responses: int | None = None,
        timeout: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.task_name = task_name
        self.task_data = {"task_name": task_name} if task_data is None else task_data
        self.task_meta = {"status": "request"} if task_meta is None else task_meta
        self.num_clients = num_clients
        self.min_responses = min_responses
        self.timeout = timeout

    def run(self) -> None:
        """Raises RuntimeError when more responses are asked for than there are sites."""
        data = FLModel(params=self.task_data, meta=self.task_meta, current_round=0, total_rounds=1)
        clients = self.sample_clients(self.num_clients)
        if self.min_responses is not None and self.min_responses > len(clients):
            raise RuntimeError(
                f"min_responses is {self.min_responses}, but only {len(clients)} sites are asked; ask more or wait for fewer"
            )
        self.send_task_and_wait(self.task_name, clients, data, self.min_responses, self.timeout)

    def send_task_and_wait(
        self,
        task_name: str,
        targets: list[str],
        data: FLModel,
        min_responses: int | None = None,
        timeout: int = 0,
    ) -> list[FLModel]:
        return self.send_model_and_wait(
            task_name=task_name, targets=targets, data=data, min_responses=min_responses, timeout=timeout
        )


class ETLController(CmdTaskController):
    """Has sites extract, transform and load."""

    def __init__(self, task_name: str = "etl", *args: Any, **kwargs: Any) -> None:
        kwargs["task_name"] = task_name
        super().__init__(*args, **kwargs)
