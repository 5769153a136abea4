"""``python -m benchmarks.digits.turns EPOCHS``: the engine and a loop by hand in turn, seconds of each as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.job import inside
from fedjob import FedAvg, FedJob, PTModel, ScriptRunner
from fedjob.engines import RunRequest, get

HERE = Path(__file__).parent
ROUNDS, REPEATS = 5, 3
ISOLATIONS = ("shared", "process")
#: Seconds between turns: nobody's turn pays for processes of the one before, whose memory the system is still freeing.
PAUSE = 0.1
Params = dict[str, torch.Tensor]


def main(epochs: int) -> None:
    # As the engine does: sites side by side share the machine.
    torch.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    times = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        folder, start = export(root, epochs)
        for number in range(REPEATS + 1):
            seconds = {}
            time.sleep(PAUSE)
            began = time.perf_counter()
            expected = by_hand(start, epochs)
            seconds["hand"] = time.perf_counter() - began
            for isolation in ISOLATIONS:
                time.sleep(PAUSE)
                began = time.perf_counter()
                obtained = simulate(folder, root / f"{isolation}-{number}", isolation)
                seconds[isolation] = time.perf_counter() - began
                compare(obtained, expected)
            times.append(seconds)
    print(json.dumps(times[1:]))


def export(root: Path, epochs: int) -> tuple[Path, Params]:
    """The job's folder, and the parameters that it starts from."""
    from src.net import SITES, Net

    net = Net()
    with inside(HERE):
        job = FedJob(name="digits", min_clients=SITES)
        job.to_server(FedAvg(num_clients=SITES, num_rounds=ROUNDS))
        job.to_server(PTModel(net))
        job.to_clients(ScriptRunner(script="src/train.py", script_args=str(epochs)))
        job.export_job(str(root))
    return root / "digits", {name: value.clone() for name, value in net.state_dict().items()}


def simulate(folder: Path, workspace: Path, isolation: Any) -> Params:
    """The last model of a run on our engine."""
    from src.net import SITES

    preload = ("torch", "sklearn.datasets")
    request = RunRequest(workspace=workspace, n_clients=SITES, isolation=isolation, preload=preload, seed=0)
    result = get("local").run(folder, request)
    assert result.ok, result.problems[:3]
    return dict(result.model())


def by_hand(start: Params, epochs: int) -> Params:
    """The last model of the same training, a loop over rounds and sites in this process."""
    from src.net import SITES, Net, accuracy, share, train

    data = [share(number) for number in range(SITES)]
    net = Net()
    params = start
    for current in range(ROUNDS):
        total: dict[str, Any] = {}
        weight = 0
        for number, (images, labels) in enumerate(data):
            net.load_state_dict(params)
            accuracy(net, images, labels)
            steps = train(net, images, labels, epochs, seed=1000 * current + number)
            weight += steps
            for name, value in net.state_dict().items():
                weighted = value.numpy() * steps
                total[name] = total[name] + weighted if name in total else weighted
        # As FLARE does it, to the last bit.
        params = {name: torch.from_numpy(value * (1.0 / weight)) for name, value in total.items()}
    return params


def compare(obtained: Params, expected: Params) -> None:
    assert obtained.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(torch.as_tensor(obtained[name]), value), name


if __name__ == "__main__":
    main(int(sys.argv[1]))
