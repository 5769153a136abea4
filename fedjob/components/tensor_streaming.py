"""Tensor streaming: in FLARE, the tensors of a task travel beside it, one by one.

Answers ``nvflare.app_opt.tensor_stream`` (FLARE >= 2.7). This engine moves arrays without building messages of them in any case, so
the two components change nothing of a run here.
"""

from __future__ import annotations

from fedjob.client.config import ExchangeFormat
from fedjob.components.roles import FLComponent


class TensorServerStreamer(FLComponent):
    """Times are in seconds; `tasks` is ``["train"]`` by default."""

    def __init__(
        self,
        format: str = ExchangeFormat.PYTORCH,
        tasks: list[str] | None = None,
        tensor_send_timeout: float = 30.0,
        wait_send_task_data_all_clients_timeout: float = 300.0,
    ) -> None:
        super().__init__()
        self.format = format
        self.tasks = ["train"] if tasks is None else tasks
        self.tensor_send_timeout = tensor_send_timeout
        self.wait_task_data_sent_to_all_clients_timeout = wait_send_task_data_all_clients_timeout


class TensorClientStreamer(FLComponent):
    """`tensor_send_timeout` is in seconds; `tasks` is ``["train"]`` by default."""

    def __init__(
        self,
        format: str = ExchangeFormat.PYTORCH,
        tasks: list[str] | None = None,
        tensor_send_timeout: float = 30.0,
    ) -> None:
        super().__init__()
        self.format = format
        self.tasks = ["train"] if tasks is None else tasks
        self.tensor_send_timeout = tensor_send_timeout
