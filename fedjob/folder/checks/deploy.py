"""Which app goes where: what FLARE's job validator and configurators refuse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from fedjob.flare.releases import R29, Release
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.model import App, JobModel

ALL, SERVER = "@ALL", "server"
_MOST_CLIENTS = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def check(model: JobModel, release: Release) -> Iterator[Finding]:
    meta = model.meta
    if release >= R29 and not _NAME.match(meta.name):
        yield error(
            "name-invalid",
            "meta.name",
            f"FLARE {release} refuses the job name {meta.name!r}",
            "begin with a letter or digit and use letters, digits, '.', '_', '-'",
        )
    sites = [site for places in meta.deploy_map.values() for site in places]
    yield from _map(sites)
    yield from _numbers(model)
    if ALL not in {site.upper() for site in sites}:
        yield from _clients(model, [s for s in sites if s != SERVER])
    for app in model.apps:
        if app.name in meta.deploy_map:
            yield from _app(app, meta.deploy_map[app.name])
        else:
            yield warning(
                "app-undeployed",
                f"{app.name}:",
                "the deploy map sends this app nowhere",
                "add it to deploy_map in meta.json, or delete it",
            )


def _numbers(model: JobModel) -> Iterator[Finding]:
    meta = model.meta
    if not 0 < meta.min_clients <= _MOST_CLIENTS:
        yield error(
            "min-clients",
            "meta.min_clients",
            f"FLARE refuses min_clients {meta.min_clients}",
            f"give a number from 1 to {_MOST_CLIENTS:,}",
        )
    for site, spec in meta.resource_spec.items():
        if not isinstance(spec, dict):
            yield error(
                "resource-spec",
                f"meta.resource_spec.{site}",
                f"FLARE wants a mapping of resources for each site, not {spec!r}",
                'write {"site-1": {"num_of_gpus": 1}}',
            )


def _map(sites: list[str]) -> Iterator[Finding]:
    place = "meta.deploy_map"
    to_all = [site for site in sites if site.upper() == ALL]
    if not sites:
        yield error(
            "deploy-empty", place, "no app goes to any site", "name '@ALL', or the server and the sites"
        )
    elif to_all and len(sites) > 1:
        others = ", ".join(sorted(set(sites) - set(to_all))) or ALL
        yield error(
            "deploy-mixed", place, f"'@ALL' stands beside {others}", "use '@ALL' alone, or name every site"
        )
    elif not to_all and SERVER not in sites:
        yield error(
            "deploy-no-server",
            place,
            "no app goes to the server",
            "send an app with a server configuration there",
        )
    twice = [site for site, n in Counter(sites).items() if n > 1]
    if twice and not to_all:
        yield error(
            "deploy-twice", place, f"several apps go to {', '.join(twice)}", "send one app to each site"
        )


def _clients(model: JobModel, clients: list[str]) -> Iterator[Finding]:
    meta = model.meta
    if meta.min_clients > len(set(clients)):
        yield error(
            "min-clients",
            "meta.min_clients",
            f"min_clients is {meta.min_clients}, but the deploy map names {len(set(clients))} clients",
            "lower min_clients, or deploy to more sites",
        )
    missing = sorted(set(meta.mandatory_clients or ()) - set(clients))
    if missing:
        yield error(
            "mandatory-clients",
            "meta.mandatory_clients",
            f"the deploy map does not name {', '.join(missing)}",
            "add these sites to the deploy map, or drop them from mandatory_clients",
        )


def _app(app: App, sites: Iterable[str]) -> Iterator[Finding]:
    to_all = any(site.upper() == ALL for site in sites)
    to_server = to_all or SERVER in sites
    to_clients = to_all or any(site != SERVER for site in sites)
    for side, wanted, config, word in (
        ("server", to_server, app.server, "workflows"),
        ("client", to_clients, app.client, "executors"),
    ):
        place = f"{app.name}: {side}"
        if wanted and config is None:
            yield error(
                "config-missing",
                place,
                f"the app goes to the {side} but has no config_fed_{side}.json",
                f"give the {side} something to do, or change the deploy map",
            )
        elif wanted and not getattr(config, word):
            yield error(
                "config-empty",
                f"{place}.{word}",
                f"FLARE does not load a {side} configuration without {word}",
                "add a controller to the server"
                if side == "server"
                else "add an executor or ScriptRunner to the clients",
            )
