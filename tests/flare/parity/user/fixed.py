"""Metrics come from a list on the command line, one per round; the parameter is the round's number."""

import sys

import numpy as np
import nvflare.client as flare

values = [float(v) for v in sys.argv[1].split(",")]
flare.init()
while flare.is_running():
    model = flare.receive()
    n = model.current_round - int(sys.argv[2]) if len(sys.argv) > 2 else model.current_round
    flare.send(
        flare.FLModel(
            params={k: np.full_like(v, n + 1) for k, v in model.params.items()},
            metrics={"accuracy": values[n]},
        )
    )
