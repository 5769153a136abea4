"""PTDittoHelper: a personal model beside the global one.

Answers ``nvflare.app_opt.pt.ditto``; Li et al., "Ditto: fair and robust federated learning through personalization", ICML 2021.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.components.pt import fedprox_loss
from fedjob.components.pt.server_optimizer import device_of


class PTDittoHelper:
    """Keeps the personal model in `app_dir`; write `local_train`. Raises ValueError for arguments of the wrong kind."""

    def __init__(
        self,
        criterion: Any,
        model: Any,
        optimizer: Any,
        device: Any,
        app_dir: str,
        ditto_lambda: float = 0.1,
        model_epochs: int = 1,
    ) -> None:
        import torch

        self.criterion = criterion
        self.model = model
        self.optimizer = optimizer
        self.device = device_of(None) if device is None else device
        self.model_epochs = model_epochs
        self.prox_criterion = fedprox_loss.PTFedProxLoss(mu=ditto_lambda)
        for name, kind in (
            ("criterion", torch.nn.modules.loss._Loss),
            ("model", torch.nn.Module),
            ("optimizer", torch.optim.Optimizer),
            ("device", torch.device),
        ):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(
                    f"{name} must be a {kind.__name__}, but got {type(getattr(self, name)).__name__}"
                )
        self.epoch_global = 0
        self.epoch_of_start_time = 0
        self.best_metric: Any = 0
        self.model_file_path = str(Path(app_dir) / "personalized_model.pt")
        self.best_model_file_path = str(Path(app_dir) / "best_personalized_model.pt")

    def load_model(self, global_weights: Any) -> None:
        """Go on with the stored personal model; start from the global weights when there is none."""
        import torch

        if Path(self.model_file_path).exists():
            stored = torch.load(self.model_file_path, weights_only=True)
            self.model.load_state_dict(stored["model"])
            self.epoch_of_start_time = stored["epoch"]
        else:
            self.model.load_state_dict(global_weights)
            self.epoch_of_start_time = 0
        if Path(self.best_model_file_path).exists():
            self.best_metric = torch.load(self.best_model_file_path, weights_only=True)["best_metric"]

    def save_model(self, is_best: bool = False) -> None:
        import torch

        saved = {"model": self.model.state_dict(), "epoch": self.epoch_global}
        if is_best:
            saved["best_metric"] = self.best_metric
        torch.save(saved, self.best_model_file_path if is_best else self.model_file_path)

    def update_metric_save_model(self, metric: Any) -> None:
        """Store the model, and as the best one if `metric` is greater than ever."""
        self.save_model(is_best=False)
        if metric > self.best_metric:
            self.best_metric = metric
            self.save_model(is_best=True)

    def local_train(self, train_loader: Any, model_global: Any, abort_signal: Any, writer: Any) -> Any:
        """Train the personal model."""
        raise NotImplementedError(f"{type(self).__name__} does not implement local_train")
