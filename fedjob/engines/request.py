"""What a run is asked for, apart from the folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from fedjob.errors import RequestError

if TYPE_CHECKING:
    from fedjob.folder.model import JobModel

Isolation = Literal["process", "shared", "inline"]
SERVER = "server"
ALL_SITES = "@ALL"
#: FLARE's simulator starts two sites when it is told nothing.
DEFAULT_SITES = 2

#: A number of sites, or their names.
Sites = int | tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """How to run a folder; checked when built (RequestError)."""

    #: Directory that the run may fill; it is made if it is not there.
    workspace: Path
    #: Number of sites, named site-1 ... site-n. Not together with `clients`.
    n_clients: int | None = None
    #: Names of the sites.
    clients: tuple[str, ...] = ()
    #: What counts when neither is given and the job does not name its sites: those of the job's own script.
    default_sites: Sites | None = None
    #: How many sites may be at work at a time; all by default.
    threads: int | None = None
    #: GPUs in FLARE's syntax: "0,1" deals sites out one GPU each, "[0,1],[2]" groups them.
    gpu: str | None = None
    #: Seeds every site's and the server's generators, each with its own stream; None leaves them unseeded.
    seed: int | None = None
    #: Deadline of the whole run, in seconds.
    timeout: float = 60.0
    isolation: Isolation = "process"
    #: How many runs are on at a time on this machine, this one included. In isolation `shared` sites are dealt out over
    #: one worker for each core that is left for this run, and if that is one, few sites have it together with the
    #: server; what comes out is the same.
    concurrent_runs: int = 1
    log_config: str | None = None
    #: Where the user's originals of the code in ``custom/`` may be found, for tracebacks and coverage.
    source_roots: tuple[Path, ...] = ()
    #: Modules that the worker processes import before they fork, e.g. ("torch",).
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.n_clients is not None and self.clients:
            raise RequestError(
                f"n_clients={self.n_clients} and clients={list(self.clients)} were both given; give one of them"
            )
        for name in ("n_clients", "default_sites", "threads", "concurrent_runs"):
            value = getattr(self, name)
            given = (value is not None or name == "concurrent_runs") and not isinstance(value, tuple)
            if given and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise RequestError(f"{name} must be a positive integer, not {value!r}")
        by_default = self.default_sites if isinstance(self.default_sites, tuple) else ()
        for names in (self.clients, by_default):
            if len(set(names)) != len(names):
                raise RequestError(f"clients names a site twice: {list(names)}")
            if SERVER in names:
                raise RequestError("a client cannot be named 'server': that is the server's own name")
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise RequestError(f"timeout must be a positive number of seconds, not {self.timeout!r}")
        if self.isolation not in get_args(Isolation):
            raise RequestError(
                f"unknown isolation {self.isolation!r}; choose one of {', '.join(get_args(Isolation))}"
            )

    def sites(self, model: JobModel) -> tuple[str, ...]:
        """The sites that take part, in registration order.

        Sites named in the job's deploy map win; ``@ALL`` takes those of the request, else two as FLARE's
        simulator does, or as many as the job needs. Raises RequestError when request and job contradict each
        other, or when fewer sites than `min_clients` would run.
        """
        named = tuple(s for sites in model.meta.deploy_map.values() for s in sites if s != SERVER)
        sites = self._free_sites(model.meta.min_clients) if ALL_SITES in named else self._named_sites(named)
        if len(sites) < model.meta.min_clients:
            raise RequestError(
                f"job {model.meta.name!r} needs min_clients={model.meta.min_clients} sites but only "
                f"{len(sites)} would run: {list(sites)}"
            )
        missing = [s for s in model.meta.mandatory_clients or () if s not in sites]
        if missing:
            raise RequestError(f"mandatory clients {missing} do not run; sites are {list(sites)}")
        return sites

    def _free_sites(self, needed: int) -> tuple[str, ...]:
        wanted = self.clients or self.n_clients or self.default_sites or max(DEFAULT_SITES, needed)
        return wanted if isinstance(wanted, tuple) else _numbered(wanted)

    def _named_sites(self, named: tuple[str, ...]) -> tuple[str, ...]:
        # FLARE's simulator takes a number for a job that names its sites by number.
        if self.n_clients is not None and set(_numbered(self.n_clients)) != set(named):
            raise RequestError(
                f"the job names its sites {list(named)}, so n_clients={self.n_clients} cannot be used; "
                "leave it out, or send the objects to all clients with to_clients()"
            )
        unknown = [s for s in self.clients if s not in named]
        if unknown:
            raise RequestError(f"the job has no app for {unknown}; it names {list(named)}")
        return self.clients or named


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(f"site-{i}" for i in range(1, n + 1))
