"""What a patched Lightning trainer exchanges, written against FLARE's names. Run by twin.py, twice."""

import logging
import os
import sys
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.client.twin_client import Play, release_all
from tests.exchange.twin import outcome, plain

for name in ("pytorch_lightning", "lightning.pytorch"):
    logging.getLogger(name).setLevel(logging.ERROR)
os.environ["CUDA_VISIBLE_DEVICES"] = ""


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.layer.weight.fill_(0.5)
            self.layer.bias.zero_()

    def training_step(self, batch, batch_idx):
        (x,) = batch
        return ((self.layer(x) - 1) ** 2).mean()

    def validation_step(self, batch, batch_idx):
        (x,) = batch
        self.log("val_loss", ((self.layer(x) - 1) ** 2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.125, momentum=0.5)


def data():
    points = torch.arange(12, dtype=torch.float32).reshape(6, 2) / 8
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(points), batch_size=2)


def weights(value, **more):
    return {"layer.weight": torch.full((1, 2), value).numpy(), "layer.bias": torch.zeros(1).numpy(), **more}


class Lightning:
    """One script with a patched trainer, its steps and what came of them."""

    def __init__(self, epochs=2, trainer=None, exchange=None, **patch):
        import nvflare.client.lightning as flare

        self.play = Play(init=False, exchange_format="pytorch", **(exchange or {"train_with_eval": False}))
        self.net = Net()
        self.trainer = pl.Trainer(
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
            **(trainer or {"max_epochs": epochs}),
        )
        flare.patch(self.trainer, **patch)

    def give(self, name="train", value=0.5, number=0, meta=None, **more):
        self.play.give(
            name, params=weights(value, **more), current_round=number, total_rounds=3, meta=meta or {}
        )
        return self

    def fit(self):
        self.play.do(lambda: self.trainer.fit(self.net, data(), data()))
        return self

    def validate(self):
        self.play.do(lambda: plain(self.trainer.validate(self.net, data(), verbose=False)))
        return self

    def meta(self, value):
        self.net.__fl_meta__ = value
        return self

    def end(self):
        trainer = self.trainer
        limits = trainer.max_epochs, trainer.max_steps, trainer.global_step, trainer.current_epoch
        callbacks = sorted(
            type(c).__name__
            for c in trainer.callbacks
            if hasattr(c, "optimizer_states") or hasattr(c, "rank")
        )
        return f"{self.play.end()} limits {limits} callbacks {callbacks} net {plain(dict(self.net.state_dict()))}"


PROX = {"fedprox_mu": 0.5}
EXTRA = {"extra": torch.ones(1).numpy()}

CASES = {
    "one fit": lambda: Lightning().give().fit(),
    "three rounds": lambda: (
        Lightning().give(number=0).fit().give(value=1.0, number=1).fit().give(number=2).fit()
    ),
    "steps": lambda: Lightning(trainer={"max_steps": 4}).give().fit().give(number=1).fit(),
    "fixed limits": lambda: Lightning(update_fit_loop=False).give().fit().give(number=1).fit(),
    "no restore": lambda: Lightning(restore_state=False).give().fit().give(number=1).fit(),
    "validate and fit": lambda: Lightning().give().validate().fit().give(number=1).validate().fit(),
    "validate twice": lambda: Lightning().give(value=0.25).validate().validate().fit(),
    "evaluate": lambda: Lightning().give("validate").validate().give(number=1).validate().fit(),
    "with evaluation": lambda: Lightning(exchange={"train_with_eval": True}).give().validate().fit(),
    "without evaluation": lambda: Lightning(exchange={"train_with_eval": True}).give().fit(),
    "meta": lambda: Lightning().meta({"mine": 1, "NUM_STEPS_CURRENT_ROUND": 99}).give().fit(),
    "bad meta": lambda: Lightning().meta([1]).give().fit(),
    "difference": lambda: (
        Lightning(exchange={"transfer_type": "DIFF", "train_with_eval": False}).give().fit()
    ),
    "unknown key": lambda: Lightning().give(**EXTRA).fit(),
    "unknown key ignored": lambda: Lightning(load_state_dict_strict=False).give(**EXTRA).fit(),
    "wrong shape": lambda: Lightning().give(**{"layer.bias": torch.ones(3).numpy()}).fit(),
    "fedprox": lambda: Lightning().give(meta=PROX).fit().give(number=1, meta=PROX).fit(),
    "fedprox zero": lambda: Lightning().give(meta={"fedprox_mu": 0}).fit(),
    "fedprox then none": lambda: Lightning().give(meta=PROX).fit().give(number=1).fit(),
    "fedprox text": lambda: Lightning().give(meta={"fedprox_mu": "1"}).fit(),
    "fedprox true": lambda: Lightning().give(meta={"fedprox_mu": True}).fit(),
    "fedprox negative": lambda: Lightning().give(meta={"fedprox_mu": -1.0}).fit(),
    "fedprox validated": lambda: Lightning().give(meta=PROX).validate().fit(),
    "fedprox precision": lambda: (
        Lightning(trainer={"max_epochs": 1, "precision": "64-true"}).give(meta=PROX).fit()
    ),
    "fedprox accumulated": lambda: (
        Lightning(trainer={"max_epochs": 2, "accumulate_grad_batches": 2}).give(meta=PROX).fit()
    ),
    "fedprox frozen": lambda: frozen(Lightning().give(meta=PROX)).fit(),
    "stopped": lambda: stopped(Lightning().give().fit()),
}


def frozen(run):
    run.net.layer.bias.requires_grad = False
    return run


def stopped(run):
    run.play.stop()
    return run.fit()


def outcomes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: outcome(lambda m=make: m().end()) for name, make in CASES.items()}
    release_all()
    return found
