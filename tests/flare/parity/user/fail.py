"""A script that fails in one way, at one site, in one round."""

import sys

import nvflare.client as flare

how, site, at = sys.argv[1], sys.argv[2], int(sys.argv[3])


def fail():
    if how == "raise":
        raise ValueError("no such patient")
    if how == "import":
        import no_such_module_anywhere  # noqa: F401
    if how == "exit":
        sys.exit(3)


flare.init()
mine = flare.get_site_name() == site
if mine and at < 0:
    fail()
while flare.is_running():
    model = flare.receive()
    if mine and model.current_round == at:
        if how == "return":
            break
        fail()
    flare.send(
        flare.FLModel(
            params={k: v + 1 for k, v in model.params.items()},
            metrics={"accuracy": 0.25 * (model.current_round + 1)},
        )
    )
