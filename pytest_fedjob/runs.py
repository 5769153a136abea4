"""Simulations: equal folder and equal request run once per session, across tests and workers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from fedjob.engines.protocol import Engine
    from fedjob.engines.request import RunRequest
    from fedjob.folder.model import JobModel
    from fedjob.result import RunResult

#: Variables that differ between tests or workers and mean nothing to a run.
_OWN = ("PYTEST_", "COVERAGE_", "COV_CORE_", "_", "SHLVL", "PWD", "OLDPWD")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one simulation happens."""

    directory: Path
    shared: bool  #: other tests may take the result over

    @property
    def workspace(self) -> Path:
        return self.directory / "workspace"


def shared_directory(factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this session share, and no other session."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fedjob"


def at_a_time() -> int:
    """How many simulations this session may have on at a time: one in each worker."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def shared_place(
    factory: pytest.TempPathFactory, model: JobModel, engine: str, request: dict[str, Any]
) -> Place:
    """The place of this very simulation: same content, same request, same surroundings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
    wish = json.dumps([model.digest, engine, request, Path.cwd(), environment], sort_keys=True, default=str)
    key = hashlib.sha256(wish.encode()).hexdigest()[:16]
    return Place(directory=shared_directory(factory) / "runs" / f"{model.meta.name[:40]}-{key}", shared=True)


def run(model: JobModel, engine: str | Engine, request: RunRequest, place: Place) -> tuple[RunResult, bool]:
    """The result of the simulation, and whether it ran now rather than earlier in the session."""
    from fedjob import plugins
    from fedjob.folder.write import write
    from fedjob.result import RunResult

    place.directory.mkdir(parents=True, exist_ok=True)
    done = place.directory / "done"
    with _lock(place.directory / "lock") if place.shared else contextlib.nullcontext():
        if done.exists():
            return RunResult.load(place.workspace), False
        folder = write(model, place.directory / "job")
        result = (plugins.engine(engine) if isinstance(engine, str) else engine).run(folder, request)
        done.touch()
        return result, True


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold `path` alone among all processes; a holder that dies lets go of it."""
    import fcntl

    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
