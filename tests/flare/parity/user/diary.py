"""Writes down all that a script can see through the Client API."""

import json
import os
import sys

import numpy as np
import nvflare.client as flare


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [plain(v) for v in value]
        named = all(isinstance(v, dict) and "name" in v for v in items)
        return sorted(items, key=lambda v: v["name"]) if named else items
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.tolist()]
    return value if value is None or type(value) in (bool, int, float, str) else str(value)


def attempt(function, *arguments):
    try:
        return plain(function(*arguments))
    except Exception as error:
        # A subclass would be caught where the script expects Python's own.
        return next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")


seen = {"before_init": attempt(flare.get_site_name)}
flare.init()
site = flare.get_site_name()
seen["name"] = __name__
seen["argv"] = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
seen["cwd"] = os.path.basename(os.getcwd())
seen["file"] = os.path.basename(__file__)
seen["system_info"] = plain(flare.system_info())
seen["job_id"] = flare.get_job_id()
seen["config"] = plain(flare.get_config())
seen["send_before_receive"] = attempt(flare.send, flare.FLModel(params={"x": 1}))
seen["rounds"] = []
while flare.is_running():
    model = flare.receive()
    seen["rounds"].append({
        "again": flare.receive() is model,
        "task": flare.get_task_name(),
        "is": [flare.is_train(), flare.is_evaluate(), flare.is_submit_model()],
        "type": plain(model.params_type),
        "params": plain(model.params),
        "metrics": plain(model.metrics),
        "optimizer": plain(model.optimizer_params),
        "rounds": [model.start_round, model.current_round, model.total_rounds],
        "meta": plain(model.meta),
    })  # fmt: skip
    seen["not_a_model"] = attempt(flare.send, {"params": {}})
    reply = flare.FLModel(
        params={k: v + 1 for k, v in model.params.items()}, metrics={"accuracy": 0.5}, meta={"mine": "kept"}
    )
    flare.send(reply)
    seen["after_send"] = [reply.params is None, model.params is None, plain(reply.meta)]
seen["receive_after_end"] = plain(flare.receive())
with open(os.path.join("simulate_job", "diary.json"), "w") as f:
    json.dump(seen, f, default=str)
