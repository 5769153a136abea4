"""A PyTorch script: every float parameter grows by the site's number, the batch counter by one."""

import sys

import nvflare.client as flare
import torch
from net import Net
from share import number, steps

flare.init()
site = flare.get_site_name()
net = Net()
while flare.is_running():
    model = flare.receive()
    assert all(isinstance(v, torch.Tensor) for v in model.params.values())
    net.load_state_dict(model.params)
    state = net.state_dict()
    score = float(state["layer.bias"].sum()) / 64
    params = {k: v + (number(site) if v.is_floating_point() else 1) for k, v in state.items()}
    if "--numpy" in sys.argv:
        params = {k: v.numpy() for k, v in params.items()}
    flare.send(
        flare.FLModel(
            params=params, metrics={"accuracy": score}, meta={"NUM_STEPS_CURRENT_ROUND": steps(site)}
        )
    )
