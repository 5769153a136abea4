"""The base of users' own workflows (``nvflare.app_common.workflows.model_controller.ModelController``)."""

from __future__ import annotations

from typing import Any

from fedjob.components.workflows.base_model_controller import BaseModelController, Callback, Targets
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_model import FLModel


class ModelController(BaseModelController):
    """The base of users' own workflows: write `run`, call `send_model_and_wait` and the like."""

    def __init__(
        self, *args: Any, persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID, **kwargs: Any
    ) -> None:
        super().__init__(persistor_id, *args, **kwargs)

    def send_model_and_wait(
        self,
        task_name: str = "train",
        data: FLModel | None = None,
        targets: Targets = None,
        min_responses: int | None = None,
        timeout: int = 0,
    ) -> list[FLModel]:
        """Send `data` as a task and wait; the results, in site order. See `broadcast_model`."""
        results = self.broadcast_model(
            task_name=task_name,
            data=data,
            targets=targets,
            min_responses=min_responses,
            timeout=timeout,
        )
        return results or []

    def send_model(
        self,
        task_name: str = "train",
        data: FLModel | None = None,
        targets: Targets = None,
        min_responses: int | None = None,
        timeout: int = 0,
        callback: Callback | None = None,
    ) -> None:
        """Send `data` as a task; `callback(result)` is called with each result, in site order."""
        self.broadcast_model(
            task_name=task_name,
            data=data,
            targets=targets,
            min_responses=min_responses,
            timeout=timeout,
            blocking=False,
            callback=callback,
        )
