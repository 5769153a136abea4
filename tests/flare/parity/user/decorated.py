"""The decorators of the Client API."""

import nvflare.client as flare


@flare.evaluate
def evaluate(model):
    return {"accuracy": float(sum(v.sum() for v in model.params.values())) / 128}


@flare.train
def train(model):
    return flare.FLModel(params={k: v + 1 for k, v in model.params.items()})


flare.init()
while flare.is_running():
    model = flare.receive()
    evaluate(model)
    train(model)
