"""PTFedOptModelShareableGenerator: a server-side optimizer moves the global model (for ScatterAndGather).

Answers ``nvflare.app_opt.pt.fedopt``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.building import build_described
from fedjob.components.generators.full_model import FullModelShareableGenerator
from fedjob.components.pt import server_optimizer
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DataKind, MetaKey, from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable
from fedjob.exchange.shareable import Shareable


class PTFedOptModelShareableGenerator(FullModelShareableGenerator):
    """`source_model` is the torch module or its component id; the other two are ``{"path", "args"}``, SGD by default.

    Takes results of kind WEIGHT_DIFF. What the optimizer does not know (buffers) is averaged. Raises TypeError for
    arguments of another kind.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(
        self,
        optimizer_args: dict[str, Any] | None = None,
        lr_scheduler_args: dict[str, Any] | None = None,
        source_model: Any = "model",
        device: Any = None,
    ) -> None:
        super().__init__()
        optimizer_args = optimizer_args or {"path": "torch.optim.SGD", "args": {"lr": 1.0}}
        for name, value in (("optimizer_args", optimizer_args), ("lr_scheduler_args", lr_scheduler_args)):
            if value is not None and not isinstance(value, dict):
                raise TypeError(
                    f"{name} must be a dict with 'path' and 'args', but got {type(value).__name__}"
                )
        self.optimizer_args = optimizer_args
        self.lr_scheduler_args = lr_scheduler_args
        self.source_model = source_model
        self.device = device
        self.model: Any = None
        self.optimizer: Any = None
        self.lr_scheduler: Any = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            problem = self._prepare(fl_ctx.get_engine())
            if problem:
                self.system_panic(problem, fl_ctx)

    def shareable_to_learnable(self, shareable: Shareable, fl_ctx: FLContext) -> ModelLearnable:
        """The model after one step; ends the run for a result that is no plain WEIGHT_DIFF."""
        dxo = from_shareable(shareable)
        algorithm = dxo.get_meta_prop(MetaKey.PROCESSED_ALGORITHM)
        base = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)
        if dxo.data_kind != DataKind.WEIGHT_DIFF or algorithm is not None or not base:
            self.system_panic(
                f"FedOpt needs a global model and an unprocessed WEIGHT_DIFF, but got {dxo.data_kind}, "
                f"processed by {algorithm}, {'with' if base else 'without'} a model",
                fl_ctx,
            )
            return ModelLearnable()
        weights = self._updated(base[ModelLearnableKey.WEIGHTS], dxo.data)
        return make_model_learnable(weights, dxo.get_meta_props())

    def _prepare(self, engine: Any) -> str | None:
        """Build the optimizer; gives what is wrong."""
        import torch

        self.device = server_optimizer.device_of(self.device)
        source = self.source_model
        self.model = engine.get_component(source) if isinstance(source, str) else source
        if not isinstance(self.model, torch.nn.Module):
            return f"FedOpt's model must be a torch.nn.Module, but {source!r} is {type(self.model).__name__}"
        self.model.to(self.device)
        try:
            self.optimizer = build_described(
                engine.build_component, self.optimizer_args, params=self.model.parameters()
            )
            if self.lr_scheduler_args is not None:
                self.lr_scheduler = build_described(
                    engine.build_component, self.lr_scheduler_args, optimizer=self.optimizer
                )
        except Exception as e:
            return f"FedOpt's optimizer or scheduler cannot be built: {type(e).__name__}: {e}"
        return None

    def _updated(self, base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
        import torch

        keeps_tensors = any(isinstance(v, torch.Tensor) for v in (base or change).values())
        state, moved = server_optimizer.step(
            self.model, self.optimizer, self.lr_scheduler, change, self.device
        )
        on_cpu = {k: v.detach().cpu() for k, v in state.items()}
        weights = {k: v.clone() if keeps_tensors else v.numpy() for k, v in on_cpu.items()}
        for name in change.keys() - moved:
            start, delta = base.get(name, weights.get(name)), change[name]
            if keeps_tensors:
                start, delta = (torch.as_tensor(v).detach().cpu() for v in (start, delta))
            weights[name] = start + delta
        return weights
