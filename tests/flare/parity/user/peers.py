"""Peers that write down, as JSON in the run's directory, how they came to their values."""

import json
import os

import torch
from nvflare.app_opt.p2p.executors import ConsensusExecutor, DGDExecutor, GTADAMExecutor


def write_down(fl_ctx, name, content):
    run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
    with open(os.path.join(run_dir, name), "w") as f:
        json.dump(content, f)


class Agreeing(ConsensusExecutor):
    """`fails_at`: the iteration in which this site breaks off."""

    def __init__(self, initial_value: float, fails_at: int = -1) -> None:
        super().__init__(initial_value)
        self.fails_at = fails_at

    def _to_message(self, x):
        if len(self.value_history) == self.fails_at + 1:
            raise ValueError("this peer breaks off")
        return super()._to_message(x)

    def _post_algorithm_run(self, fl_ctx, *args, **kwargs):
        super()._post_algorithm_run(fl_ctx, *args, **kwargs)
        saved = torch.load("value_sequence.pt")
        content = {
            "id": self.id,
            "name": self.client_name,
            "own weight": self._weight,
            "neighbors": [[n.id, n.weight] for n in self.neighbors],
            "history": self.value_history,
            "saved": [str(saved.dtype), saved.tolist()],
            "kept": {str(k): sorted(v) for k, v in self.neighbors_values.items()},
        }
        write_down(fl_ctx, "values.json", content)


def parts(number):
    """A line through four points of its own for each site, and where the site begins."""
    model = torch.nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(float(number))
        model.bias.fill_(-0.5)
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    data = torch.utils.data.TensorDataset(x, number * x + 1)
    held_out = torch.utils.data.TensorDataset(x, 2 * x + 1)
    return {
        "model": model,
        "loss": torch.nn.MSELoss(),
        "train_dataloader": torch.utils.data.DataLoader(data, batch_size=2),
        "test_dataloader": torch.utils.data.DataLoader(held_out, batch_size=4),
    }


def written_down(peer, fl_ctx):
    sequences = {}
    for name in ("train_loss_sequence", "test_loss_sequence"):
        saved = torch.load(f"{name}.pt")
        sequences[name] = [loss for _, loss in getattr(peer, name)]
        sequences[f"{name} saved"] = [str(saved.dtype), saved[:, 1].tolist(), saved[0, 0].item()]
    parameters = [parameter.tolist() for parameter in peer.model.parameters()]
    content = {"parameters": parameters, "training": peer.model.training, **sequences}
    write_down(fl_ctx, "losses.json", content)


class Descending(DGDExecutor):
    def __init__(self, number: int) -> None:
        super().__init__(**parts(number))
        self.number = number

    def _post_algorithm_run(self, fl_ctx, *args, **kwargs):
        super()._post_algorithm_run(fl_ctx, *args, **kwargs)
        written_down(self, fl_ctx)


class Tracking(GTADAMExecutor):
    def __init__(self, number: int) -> None:
        super().__init__(**parts(number))
        self.number = number

    def _post_algorithm_run(self, fl_ctx, *args, **kwargs):
        super()._post_algorithm_run(fl_ctx, *args, **kwargs)
        written_down(self, fl_ctx)
