"""Sends a centre and a count that grow with the site's number and with the centre it gets."""

import numpy as np
import nvflare.client as flare
from share import number

flare.init()
grow = number(flare.get_site_name())
while flare.is_running():
    model = flare.receive()
    center = model.params.get("center")
    center = np.ones((1, 2)) if center is None else np.asarray(center)
    params = {"center": center + grow, "count": np.array([float(grow)])}
    flare.send(flare.FLModel(params=params, metrics={"metrics": float(np.sum(center))}))
