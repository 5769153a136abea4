"""Evaluates the model that it gets: the sum of its parameters, and the site's number."""

import nvflare.client as flare
from share import number

flare.init()
while flare.is_running():
    model = flare.receive()
    assert flare.is_evaluate()
    total = sum(float(v.sum()) for v in model.params.values())
    flare.send(flare.FLModel(metrics={"sum": total, "number": number(flare.get_site_name())}))
