"""Which of a deployment's sites take part in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fedjob.engines.request import ALL_SITES, RunRequest
from fedjob.errors import RequestError
from fedjob.folder.model import JobModel


def taking_part(model: JobModel, request: RunRequest, connected: Sequence[str]) -> tuple[str, ...]:
    """The sites of the run, all of which are `connected`; RequestError if there are not such sites.

    A job for all sites runs on those that the request names, on as many as it asks for in the order of `connected`, or
    on all. A job that names its sites runs on these.
    """
    named = {site for sites in model.meta.deploy_map.values() for site in sites}
    if ALL_SITES in named and not request.clients:
        wanted = request.n_clients or len(connected)
        if wanted > len(connected) or not connected:
            raise RequestError(f"n_clients={wanted}, but {_are_connected(connected)}")
        request = replace(request, n_clients=None, clients=tuple(connected[:wanted]))
    sites = request.sites(model)
    if missing := [site for site in sites if site not in connected]:
        raise RequestError(f"the sites {missing} are to take part, but {_are_connected(connected)}")
    return sites


def _are_connected(sites: Sequence[str]) -> str:
    if not sites:
        return "no site is connected to the deployment"
    return f"the sites that are connected to the deployment are {list(sites)}"
