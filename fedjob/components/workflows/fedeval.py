"""EvalController: the persistor's model, evaluated once at every client.

Answers ``nvflare.app_opt.pt.recipes.fedeval``, whose recipe adds it to jobs.
"""

from __future__ import annotations

from fedjob.components.workflows.model_controller import ModelController


class EvalController(ModelController):
    """`timeout`, in seconds, is for the clients' answers."""

    def __init__(self, persistor_id: str, timeout: int) -> None:
        super().__init__(persistor_id=persistor_id)
        self.timeout = timeout

    def run(self) -> None:
        results = self.send_model_and_wait("validate", self.load_model(), timeout=self.timeout)
        self.info(f"{len(results)} clients have evaluated the model")
        for result in results:
            self.info(f"metrics: {result.metrics}")
