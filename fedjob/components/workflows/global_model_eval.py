"""GlobalModelEval: the server's models on every site's data.

Answers ``nvflare.app_common.workflows.global_model_eval``.
"""

from __future__ import annotations

from fedjob.components.workflows.cross_site_model_eval import CrossSiteModelEval
from fedjob.exchange.app_constants import AppConstants


class GlobalModelEval(CrossSiteModelEval):
    """Validates no model of a site. Raises ValueError without a `model_locator_id`."""

    def __init__(
        self,
        task_check_period: float = 0.5,
        cross_val_dir: str = AppConstants.CROSS_VAL_DIR,
        validation_timeout: int = 6000,
        model_locator_id: str = "",
        formatter_id: str = "",
        validation_task_name: str = AppConstants.TASK_VALIDATION,
        cleanup_models: bool = False,
        participating_clients: list[str] | None = None,
        wait_for_clients_timeout: int = 300,
    ) -> None:
        if not model_locator_id:
            raise ValueError("model_locator_id is missing: without it there is no model to evaluate")
        super().__init__(
            task_check_period=task_check_period,
            cross_val_dir=cross_val_dir,
            validation_timeout=validation_timeout,
            model_locator_id=model_locator_id,
            formatter_id=formatter_id,
            validation_task_name=validation_task_name,
            submit_model_task_name="",
            cleanup_models=cleanup_models,
            participating_clients=participating_clients,
            wait_for_clients_timeout=wait_for_clients_timeout,
        )
