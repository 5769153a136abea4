"""FedOpt's sites send differences; the server's optimizer applies them."""

import nvflare.client as flare
import torch
from share import number

flare.init()
while flare.is_running():
    model = flare.receive()
    diff = {k: torch.full_like(v, number(flare.get_site_name()) / 4) for k, v in model.params.items()}
    flare.send(flare.FLModel(params=diff, params_type=flare.ParamsType.DIFF, metrics={"accuracy": 0.5}))
