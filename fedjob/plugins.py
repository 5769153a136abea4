"""The built-in engines and checks together with those of plugins (see `fedjob.hooks`)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from fedjob import engines
from fedjob.errors import RequestError
from fedjob.hooks import Hooks, hookimpl, manager

if TYPE_CHECKING:
    from fedjob.engines.protocol import Engine
    from fedjob.flare.releases import Release
    from fedjob.folder.checks.finding import Finding
    from fedjob.folder.model import JobModel

__all__ = ["Hooks", "engine", "findings", "hookimpl", "manager"]


def engine(name: str) -> Engine:
    """The engine called `name`, built in or of a plugin; raises RequestError for an unknown one."""
    offers: Iterable[Mapping[str, Callable[[], Engine]]] = manager().hook.fedjob_engines()
    for offer in offers:
        if name in offer:
            return offer[name]()
    try:
        return engines.get(name)
    except RequestError as error:
        more = [name for offer in offers for name in offer]
        raise RequestError(f"{error}{''.join(f', {name}' for name in more)}") from None


def findings(model: JobModel, release: Release, *, imports: bool = False) -> tuple[Finding, ...]:
    """What the built-in checks and those of plugins find.

    With `imports` the job's own classes are imported in an isolated interpreter, which executes its code.
    """
    from fedjob.folder.checks import check

    more = manager().hook.fedjob_checks(model=model, release=release)
    found = (*check(model, release), *(finding for given in more for finding in given))
    return (*found, *_import_findings(model, release)) if imports else found


def _import_findings(model: JobModel, release: Release) -> tuple[Finding, ...]:
    from fedjob.folder.checks import closure
    from fedjob.folder.write import write

    with tempfile.TemporaryDirectory(prefix="fedjob-") as root:
        return closure.check(model, write(model, root), release)
