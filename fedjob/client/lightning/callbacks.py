"""Callbacks that put a Lightning trainer into a federated job: ``nvflare.app_opt.lightning``.

Lightning's base class joins ours when a callback is first asked for; importing this module imports no framework.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

from fedjob.client import api
from fedjob.client.config import ConfigKey
from fedjob.client.lightning.fedprox import FedProx, coefficient
from fedjob.errors import ClientAPIError
from fedjob.exchange.app_constants import AlgorithmConstants
from fedjob.exchange.fl_model import FLModel, MetaKey

#: The attribute of a LightningModule whose dict goes along as the result's meta.
FL_META_KEY = "__fl_meta__"

_log = logging.getLogger(__name__)


class _Federated:
    """Receives at the start of a fit or of an explicit validation, sends at the end.

    A validation before the fit measures the received model; its metrics go along with the training result. With
    `update_fit_loop` the trainer's limits grow by one round's worth each round, so that each fit trains as long as
    the first. With `load_state_dict_strict` False received parameters that the module lacks are ignored.
    """

    def __init__(
        self, rank: int = 0, load_state_dict_strict: bool = True, update_fit_loop: bool = True
    ) -> None:
        super().__init__()
        api.init(rank=str(rank))
        exchange = api.get_config().get(ConfigKey.TASK_EXCHANGE, {})
        self.train_with_evaluation = exchange.get(ConfigKey.TRAIN_WITH_EVAL, False)
        self.rank = rank
        self.current_round: int | None = None
        self.metrics: dict[str, float] | None = None
        self.total_local_epochs = 0
        self.total_local_steps = 0
        self.max_epochs_per_round: int | None = None
        self.max_steps_per_round: int | None = None
        self._strict = load_state_dict_strict
        self._update_fit_loop = update_fit_loop
        self._task = {"train": False, "evaluate": False, "submit_model": False}
        #: The model that a validation has received and the fit after it trains.
        self._pending: FLModel | None = None
        #: The trainer's step at the start of the round's training.
        self._first_step: int | None = None
        self._prox: FedProx | None = None
        self._prox_asked = False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        model, self._pending = self._pending, None
        if model is None:
            model = self._receive(trainer, pl_module)
        else:
            # The validation may have changed the module since.
            self._load(pl_module, model)
        if model is not None and self._task["train"]:
            _refuse_scaffold(model)
            self._prox = self._make_prox(model, trainer, pl_module)
            self._first_step = trainer.global_step

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any, *args: Any) -> None:
        if self._prox is not None:
            self._prox.before_step(optimizer)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._prox is not None:
            self._prox.after_batch()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        meta = getattr(pl_module, FL_META_KEY, {})
        if not isinstance(meta, dict):
            raise ClientAPIError(
                f"{FL_META_KEY} of the LightningModule must be a dict, not {type(meta).__name__}"
            )
        if not self._task["train"]:
            return
        if self.train_with_evaluation and self.metrics is None:
            raise ClientAPIError(
                "the job trains with evaluation, so call trainer.validate() before trainer.fit()"
            )
        if self._first_step is None:
            raise ClientAPIError(
                "there was no model to train: the job has ended; fit in `while flare.is_running()`"
            )
        if self._prox is not None:
            self._prox.finish()
        steps = {MetaKey.NUM_STEPS_CURRENT_ROUND: trainer.global_step - self._first_step}
        model = FLModel(params=pl_module.cpu().state_dict(), metrics=self.metrics, meta=steps | meta)
        self._send(trainer, model)
        self.reset_state(trainer)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if self._measures_received(trainer):
            model = self._receive(trainer, pl_module)
            if model is not None and self._task["train"]:
                self._pending = model

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not self._measures_received(trainer):
            return
        self.metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
        if self._task["evaluate"]:
            self._send(trainer, FLModel(metrics=self.metrics))
            self.reset_state(trainer)

    def reset_state(self, trainer: Any) -> None:
        """Get callback and trainer ready for the next round; called after each result."""
        if self.current_round is not None:
            self._note_limits(trainer)
            # Lightning would check each round's first batches again.
            trainer.num_sanity_val_steps = 0
            if self._update_fit_loop:
                self._raise_limits(trainer)
        self.metrics = None
        self._pending = None
        self._first_step = None
        self._prox = None
        api.clear()

    def _note_limits(self, trainer: Any) -> None:
        if self.max_epochs_per_round is None:
            if trainer.max_epochs and trainer.max_epochs > 0:
                self.max_epochs_per_round = trainer.max_epochs
            if trainer.max_steps and trainer.max_steps > 0:
                self.max_steps_per_round = trainer.max_steps
        self.total_local_epochs = trainer.current_epoch
        self.total_local_steps = trainer.estimated_stepping_batches

    def _raise_limits(self, trainer: Any) -> None:
        if self.total_local_epochs and self.max_epochs_per_round is not None:
            trainer.fit_loop.max_epochs = self.max_epochs_per_round + self.total_local_epochs
        if self.total_local_steps and self.max_steps_per_round is not None:
            trainer.fit_loop.epoch_loop.max_steps = self.max_steps_per_round + self.total_local_steps

    def _make_prox(self, model: FLModel, trainer: Any, pl_module: Any) -> FedProx | None:
        mu = coefficient(model)
        if mu is None and self._prox_asked:
            raise ClientAPIError(
                "FedProx's mu was in an earlier round's model and is not in this one; send 0.0"
            )
        self._prox_asked = mu is not None
        return FedProx(mu, trainer, pl_module) if mu else None

    def _measures_received(self, trainer: Any) -> bool:
        """Whether this is the explicit validation before the fit; those within a fit are the script's own."""
        from pytorch_lightning.trainer.states import TrainerFn

        explicit = trainer.state.fn == TrainerFn.VALIDATING
        return explicit and self.metrics is None and self._first_step is None

    def _receive(self, trainer: Any, pl_module: Any) -> FLModel | None:
        model = api.receive() if self.rank == 0 else None
        task = self._task
        if self.rank == 0:
            task = {
                "train": api.is_train(),
                "evaluate": api.is_evaluate(),
                "submit_model": api.is_submit_model(),
            }
        received: FLModel | None = trainer.strategy.broadcast(model, src=0)
        self._task = trainer.strategy.broadcast(task, src=0)
        if received is not None:
            self._load(pl_module, received)
        return received

    def _load(self, pl_module: Any, model: FLModel) -> None:
        if model.params:
            known = pl_module.state_dict()
            matched = {name: value for name, value in model.params.items() if name in known}
            if not matched:
                raise ClientAPIError(
                    "the received model has none of the module's parameters: it has "
                    f"{sorted(model.params)[:5]}, the module has {sorted(known)[:5]}"
                )
            ignored = [name for name in model.params if name not in known]
            if ignored and not self._strict:
                _log.warning("received parameters that the module does not have are ignored: %s", ignored)
            try:
                found = pl_module.load_state_dict(
                    model.params if self._strict else matched, strict=self._strict
                )
            except Exception as error:
                raise ClientAPIError(f"the received model does not fit the module: {error}") from error
            if found is not None and found.missing_keys:
                _log.warning("parameters of the module that were not received: %s", found.missing_keys)
        if model.current_round is not None:
            self.current_round = model.current_round

    def _send(self, trainer: Any, model: FLModel) -> None:
        if trainer.global_rank != 0:
            return
        try:
            api.send(model, clear_cache=False)
        except Exception as error:
            raise ClientAPIError(f"the model could not be sent: {error}") from error


def _refuse_scaffold(model: FLModel) -> None:
    """FLARE 2.9 applies it by itself; a run without it would not be what the job says."""
    if AlgorithmConstants.SCAFFOLD_CTRL_GLOBAL in model.meta:
        raise ClientAPIError(
            "the server runs SCAFFOLD, which a patched Lightning trainer cannot do here; receive, train with "
            'PTScaffoldHelper and send yourself, or run with engine="simulator"'
        )


class _Restored:
    """Keeps optimizer, scaler and scheduler states from one fit to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.optimizer_states: list[Any] = []
        self.scaler_states: list[Any] = []
        self.lr_scheduler_states: list[Any] = []

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        if not self.optimizer_states:
            return
        trainer.strategy.load_optimizer_state_dict({"optimizer_states": self.optimizer_states})
        if self.scaler_states:
            trainer.scaler.load_state_dict(self.scaler_states[0])
        for config, state in zip(trainer.lr_scheduler_configs, self.lr_scheduler_states, strict=False):
            config.scheduler.load_state_dict(state)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self.optimizer_states = [deepcopy(optimizer.state_dict()) for optimizer in trainer.optimizers]
        scaler = getattr(trainer, "scaler", None)
        if scaler:
            self.scaler_states = [deepcopy(scaler.state_dict())]
        self.lr_scheduler_states = [deepcopy(c.scheduler.state_dict()) for c in trainer.lr_scheduler_configs]


def patch(
    trainer: Any,
    restore_state: bool = True,
    load_state_dict_strict: bool = True,
    update_fit_loop: bool = True,
) -> None:
    """Have `trainer`, a Lightning Trainer, receive before and send after each fit; patching twice is once."""
    from pytorch_lightning.callbacks import Callback

    federated, restored = _made("FLCallback"), _made("RestoreState")
    callbacks = trainer.callbacks
    if isinstance(callbacks, Callback):
        callbacks = [callbacks]
    elif not isinstance(callbacks, list):
        callbacks = []
    if not any(isinstance(c, federated) for c in callbacks):
        callbacks.append(
            federated(
                rank=trainer.global_rank,
                load_state_dict_strict=load_state_dict_strict,
                update_fit_loop=update_fit_loop,
            )
        )
    if restore_state and not any(isinstance(c, restored) for c in callbacks):
        callbacks.append(restored())
    trainer.callbacks = callbacks


_CALLBACKS: dict[str, type] = {"FLCallback": _Federated, "RestoreState": _Restored}

if TYPE_CHECKING:
    FLCallback: Any
    RestoreState: Any


@cache
def _made(name: str) -> Any:
    from pytorch_lightning.callbacks import Callback

    ours = _CALLBACKS[name]
    return type(name, (ours, Callback), {"__module__": __name__, "__doc__": ours.__doc__})


def __getattr__(name: str) -> Any:
    if name not in _CALLBACKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made(name)
