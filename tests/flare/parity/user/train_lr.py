"""Sends the gradient and Hessian of a quadratic whose maximum is at the site's number."""

import numpy as np
import nvflare.client as flare
from share import number, steps

flare.init()
site = flare.get_site_name()
while flare.is_running():
    model = flare.receive()
    weights = model.params["numpy_key"]
    params = {"gradient": number(site) - weights, "hessian": np.eye(len(weights)) * number(site)}
    meta = {"NUM_STEPS_CURRENT_ROUND": steps(site)}
    flare.send(flare.FLModel(params=params, metrics={"weight": float(weights[0, 0])}, meta=meta))
