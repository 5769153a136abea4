"""Answers one task with the site's number."""

import nvflare.client as flare
from share import number

flare.init()
while flare.is_running():
    model = flare.receive()
    flare.send(
        flare.FLModel(params={"n": number(flare.get_site_name())}, metrics={"given": len(model.params or {})})
    )
