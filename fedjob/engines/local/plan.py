"""What a run consists of, as plain data that travels to its processes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from fedjob.engines.local.layout import Layout
from fedjob.engines.request import SERVER, Isolation, RunRequest
from fedjob.errors import RequestError
from fedjob.folder.model import App, JobModel

_GROUP = r"(?:\d+|\[\d+(?:,\d+)*\])"

#: What every run needs of ours; for what the run itself names see `Plan.preload`.
ENGINE = ("fedjob.engines.local.server", "fedjob.engines.local.site")

#: The names hosted by one worker.
Shard = tuple[str, ...]

#: On one core, so many sites have a worker together with the server: of more, a process's results are taken many at a
#: time, which then saves more than a second process costs.
_FEW = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One run: who takes part, where, and what each party does."""

    model: JobModel
    layout: Layout
    request: RunRequest
    sites: tuple[str, ...]
    #: The parties, dealt out over workers; the server is in the first.
    shards: tuple[Shard, ...]
    #: CUDA_VISIBLE_DEVICES of each site, where the request names GPUs.
    gpus: Mapping[str, str] = field(default_factory=dict)
    #: The monotonic clock's reading at the start of the run.
    start: float
    environ: Mapping[str, str]
    #: How workers log, for `logging.config.dictConfig`.
    logs: Mapping[str, Any] = field(default_factory=dict)
    #: How coverage measures the test process, if it does.
    coverage: Mapping[str, Any] | None = None
    #: What the server and each site do: "module:function", called with keyword arguments.
    run_server: str = "fedjob.engines.local.server:run_server"
    run_site: str = "fedjob.engines.local.site:run_site"

    @property
    def preload(self) -> tuple[str, ...]:
        """What the nursery imports before it forks: the engine's own side, and what the request names."""
        ours = {role.partition(":")[0] for role in (self.run_server, self.run_site)}
        return (*sorted(name for name in ours if name.startswith("fedjob.")), *self.request.preload)

    def role(self, name: str) -> Any:
        """The function that the server's or a site's strand runs."""
        module, _, attribute = (self.run_server if name == SERVER else self.run_site).partition(":")
        return getattr(sys.modules.get(module) or import_module(module), attribute)


def shards(sites: Sequence[str], isolation: Isolation, concurrent_runs: int = 1) -> tuple[Shard, ...]:
    """How the parties are dealt out: this is all in which the isolations differ."""
    if isolation == "inline":
        return ((SERVER, *sites),)
    if isolation == "process":
        return ((SERVER,), *((site,) for site in sites))
    available = cores()
    if available <= concurrent_runs and len(sites) <= _FEW:
        return ((SERVER, *sites),)
    workers = min(len(sites), max(1, available // concurrent_runs))
    # Dealt in turn, so that results come in about the order in which they are added up.
    return ((SERVER,), *(tuple(sites[first::workers]) for first in range(workers)))


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS.
        return os.cpu_count() or 1


def gpus(text: str | None, sites: Sequence[str]) -> dict[str, str]:
    """CUDA_VISIBLE_DEVICES by site, sites dealt out in turn over the groups of FLARE's ``-gpu`` syntax.

    ``"0,1"`` is two groups of one GPU, ``"[0,1],[2]"`` two groups of which the first has two.
    """
    if not text:
        return {}
    clean = "".join(text.split())
    if not re.fullmatch(rf"{_GROUP}(,{_GROUP})*", clean):
        raise RequestError(
            f"gpu={text!r} is not a list of GPU numbers such as '0,1' or of groups such as '[0,1],[2]'"
        )
    groups = [group.strip("[]") for group in re.findall(_GROUP, clean)]
    return {site: groups[number % len(groups)] for number, site in enumerate(sites)}


#: FLARE's variables in a configuration that stand for a site's directories.
_PLACES = ("{WORKSPACE}", "{JOB_CUSTOM_DIR}", "{JOB_CONFIG_DIR}")


def names_places(app: App | None) -> bool:
    """Whether the configuration of an app's sites says somewhere where a site's directories are."""
    return app is not None and app.client is not None and _names_places(app.client.to_dict())


def _names_places(value: Any) -> bool:
    if isinstance(value, str):
        return any(place in value for place in _PLACES)
    if isinstance(value, Mapping):
        return any(map(_names_places, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_names_places, value))
