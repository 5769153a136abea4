"""The usual script: each site adds its own number to every parameter."""

import argparse

import numpy as np
import nvflare.client as flare
from share import number, steps

parser = argparse.ArgumentParser()
parser.add_argument("--scale", type=float, default=1.0)
parser.add_argument("--kind", default="FULL", choices=["FULL", "DIFF"])
parser.add_argument("--leave-out", default="")
parser.add_argument("--no-metrics-from", default="")
parser.add_argument("--no-steps", action="store_true")
args = parser.parse_args()

flare.init()
site = flare.get_site_name()
while flare.is_running():
    model = flare.receive()
    total = float(sum(np.sum(v) for v in model.params.values()))
    add = number(site) * args.scale
    params = {
        k: np.full_like(v, add) if args.kind == "DIFF" else v + np.asarray(add, v.dtype)
        for k, v in model.params.items()
    }
    if site == "site-2":
        params.pop(args.leave_out, None)
    metrics = {
        "accuracy": total / 256,
        "loss": 1 - total / 256,
        "note": f"seen by {site}",
        "even": number(site) % 2 == 0,
    }
    flare.send(
        flare.FLModel(
            params=params,
            params_type=flare.ParamsType[args.kind],
            metrics=None if site == args.no_metrics_from else metrics,
            meta={} if args.no_steps else {"NUM_STEPS_CURRENT_ROUND": steps(site)},
        )
    )
