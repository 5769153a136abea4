"""PTFedAvg: FedAvg whose own file is a PyTorch state dict.

Answers ``nvflare.app_opt.pt.fedavg`` (FLARE >= 2.7) and ``nvflare.app_opt.pt.fedavg_early_stopping`` (before).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.components.workflows.fedavg import FedAvg
from fedjob.exchange import fobs
from fedjob.exchange.fl_model import FLModel


class PTFedAvg(FedAvg):
    """`model` is a torch module, a state dict or an FLModel. Raises TypeError for anything else."""

    def __init__(
        self,
        *args: Any,
        stop_cond: str | None = None,
        patience: int | None = None,
        task_name: str | None = "train",
        save_filename: str | None = "FL_global_model.pt",
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        if model is not None and not isinstance(model, (dict, FLModel)):
            if not callable(getattr(model, "state_dict", None)):
                raise TypeError(
                    f"model must be a torch.nn.Module, a dict, an FLModel or None, but got {type(model).__name__}"
                )
            model = model.state_dict()
        super().__init__(
            *args,
            model=model,
            save_filename=save_filename,
            stop_cond=stop_cond,
            patience=patience,
            task_name=task_name,
            **kwargs,
        )

    def save_model_file(self, model: FLModel, filepath: str) -> None:
        import torch

        torch.save(model.params, filepath)
        params, model.params = model.params, {}
        try:
            fobs.dumpf(model, f"{filepath}.metadata")
        finally:
            model.params = params

    def load_model_file(self, filepath: str) -> FLModel:
        import torch

        params = torch.load(filepath, weights_only=True)
        metadata = f"{filepath}.metadata"
        if not Path(metadata).exists():
            return FLModel(params=params)
        model: FLModel = fobs.loadf(metadata)
        model.params = params
        return model


class PTFedAvgEarlyStopping(PTFedAvg):
    """The class up to FLARE 2.6: starts from `initial_model`, a torch module, or from no parameters at all.

    It runs with the semantics of `PTFedAvg`.
    """

    def __init__(
        self,
        *,
        stop_cond: str | None = None,
        save_filename: str = "FL_global_model.pt",
        initial_model: Any = None,
        num_clients: int = 3,
        num_rounds: int = 5,
        start_round: int = 0,
        persistor_id: str = "persistor",
        ignore_result_error: bool = False,
        allow_empty_global_weights: bool = False,
        task_check_period: float = 0.5,
    ) -> None:
        super().__init__(
            stop_cond=stop_cond,
            save_filename=save_filename,
            model=FLModel(params={}) if initial_model is None else initial_model,
            num_clients=num_clients,
            num_rounds=num_rounds,
            start_round=start_round,
            persistor_id=persistor_id,
            ignore_result_error=ignore_result_error,
            allow_empty_global_weights=allow_empty_global_weights,
            task_check_period=task_check_period,
        )
        self.initial_model = initial_model
