"""Logs through the Client API and a tracking writer."""

import nvflare.client as flare
from nvflare.client.tracking import SummaryWriter
from share import number

flare.init()
writer = SummaryWriter()
while flare.is_running():
    model = flare.receive()
    n = model.current_round
    writer.add_scalar("loss", 1.0 / 2 ** (n + number(flare.get_site_name())), global_step=n)
    writer.add_scalars("rates", {"low": 0.25, "high": 0.5 * n}, global_step=n)
    flare.send(flare.FLModel(params={k: v + 1 for k, v in model.params.items()}))
