"""Sites that optimise among themselves, without a server between their steps."""

from . import covers


def path_of_three(**extra):
    """site-1 - site-2 - site-3; weights of which all products are exact."""
    from nvflare.app_opt.p2p.types import Config, Neighbor, Network, Node

    def node(number, *neighbors):
        return Node(id=f"site-{number}", neighbors=[Neighbor(id=f"site-{n}", weight=0.25) for n in neighbors])

    return Config(network=Network(nodes=[node(1, 2), node(2, 1, 3), node(3, 2)]), extra=extra)


def peers(executor, **extra):
    """A job with `executor(number)` at each site."""
    from nvflare.app_opt.p2p.controllers import DistOptController
    from nvflare.job_config.api import FedJob

    job = FedJob(name="parity", min_clients=3)
    job.to_server(DistOptController(config=path_of_three(**extra)))
    for number in (1, 2, 3):
        job.to(executor(number), f"site-{number}")
    return job


@covers("peers agree on the mean of their values", needs="torch")
def peers_agree():
    from peers import Agreeing

    return peers(lambda number: Agreeing(8.0 * number * number), iterations=6)


@covers("a peer fails", needs="torch", cause="this peer breaks off")
def peer_fails():
    from peers import Agreeing

    return peers(lambda number: Agreeing(float(number), fails_at=2 if number == 3 else -1), iterations=4)


@covers("distributed gradient descent", needs="torch", rtol=1e-6)
def peers_descend():
    from peers import Descending

    return peers(Descending, iterations=7, stepsize=0.0625)


@covers("gradient tracking, GTAdam", needs="torch", rtol=1e-6)
def peers_track_gradients():
    from peers import Tracking

    return peers(Tracking, iterations=7, stepsize=0.0625, beta1=0.5, beta2=0.75, epsilon=0.0001)
