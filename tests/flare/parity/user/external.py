"""Runs in a process of its own: its arguments and place, then the usual addition."""

import json
import os
import sys

import nvflare.client as flare
from share import number

flare.init()
with open("external.json", "w") as f:
    json.dump({"argv": sys.argv, "cwd": os.path.basename(os.getcwd()), "name": __name__}, f)
while flare.is_running():
    model = flare.receive()
    print("round", model.current_round)
    flare.send(
        flare.FLModel(
            params={k: v + number(flare.get_site_name()) for k, v in model.params.items()},
            metrics={"accuracy": 0.25 * (1 + model.current_round)},
        )
    )
