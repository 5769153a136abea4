"""Sends two points of each class, moved by the site's number."""

import numpy as np
import nvflare.client as flare
from share import number

flare.init()
move = number(flare.get_site_name())
while flare.is_running():
    model = flare.receive()
    known = model.params.get("support_x")
    seen = 0.0 if known is None else float(np.sum(known))
    x = np.array([[0.0, 0.0], [1.0, 0.0], [8.0, 8.0], [9.0, 8.0]]) + move
    params = {"support_x": x, "support_y": np.array([0, 0, 1, 1])}
    flare.send(flare.FLModel(params=params, metrics={"AUC": seen}))
