"""FedOpt: FedAvg with a server-side optimizer that moves the global model.

Answers ``nvflare.app_opt.pt.fedopt_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.building import build_described
from fedjob.components.pt import server_optimizer
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.exchange.fl_model import FLModel


class FedOpt(FedAvg):
    """`source_model` is the torch module or its component id; the next two are ``{"path", "args"}``.

    Sites send changes (ParamsType.DIFF). What the optimizer does not know (buffers) is averaged.
    """

    def __init__(
        self,
        *args: Any,
        source_model: Any,
        optimizer_args: dict[str, Any] = {  # noqa: B006  # FLARE's default
            "path": "torch.optim.SGD",
            "args": {"lr": 1.0, "momentum": 0.6},
        },
        lr_scheduler_args: dict[str, Any] = {  # noqa: B006  # FLARE's default
            "path": "torch.optim.lr_scheduler.CosineAnnealingLR",
            "args": {"T_max": 3, "eta_min": 0.9},
        },
        device: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.source_model = source_model
        self.optimizer_args = optimizer_args
        self.lr_scheduler_args = lr_scheduler_args
        self.device = device
        self.torch_model: Any = None
        self.optimizer: Any = None
        self.lr_scheduler: Any = None

    def run(self) -> None:
        problem = self._prepare()
        if problem:
            self.panic(problem)
        else:
            super().run()

    def optimizer_update(self, model_diff: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """The model's state after one step, and the names of the parameters that the optimizer moved."""
        return server_optimizer.step(
            self.torch_model, self.optimizer, self.lr_scheduler, model_diff, self.device
        )

    def update_model(self, model: FLModel, aggr_result: FLModel) -> FLModel:
        change = aggr_result.params or {}
        state, moved = self.optimizer_update(change)
        weights = {k: v.detach().cpu().numpy() for k, v in state.items()}
        for name in change.keys() - moved:
            weights[name] = (model.params or {})[name] + change[name]
        model.params, model.meta, model.metrics = weights, aggr_result.meta, aggr_result.metrics
        return model

    def _prepare(self) -> str | None:
        """Build the optimizer; gives what is wrong."""
        import torch

        source = self.source_model
        self.torch_model = self.get_component(source) if isinstance(source, str) else source
        if not isinstance(self.torch_model, torch.nn.Module):
            return f"FedOpt's model must be a torch.nn.Module, but {source!r} is {type(self.torch_model).__name__}"
        self.device = server_optimizer.device_of(self.device)
        self.torch_model.to(self.device)
        try:
            self.optimizer = build_described(
                self.build_component, self.optimizer_args, params=self.torch_model.parameters()
            )
            self.lr_scheduler = build_described(
                self.build_component, self.lr_scheduler_args, optimizer=self.optimizer
            )
        except Exception as e:
            self.exception("FedOpt's optimizer or scheduler cannot be built")
            return f"FedOpt's optimizer or scheduler cannot be built: {type(e).__name__}: {e}"
        return None
