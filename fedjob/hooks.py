"""What other packages may add to fedjob: engines, checks, and names of FLARE.

A package registers an object (usually a module) under the entry-point group ``fedjob``; the object
implements any of the hooks below with ``fedjob.plugins.hookimpl``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from fedjob.engines.protocol import Engine
    from fedjob.flare.releases import Release
    from fedjob.folder.checks.finding import Finding
    from fedjob.folder.model import JobModel

GROUP = "fedjob"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Hooks:
    """What a plugin may implement."""

    @hookspec
    def fedjob_engines(self) -> Mapping[str, Callable[[], Engine]]:  # type: ignore[empty-body]
        """Engines by name; each is made when it is asked for."""

    @hookspec
    def fedjob_names(self) -> Mapping[str, str]:  # type: ignore[empty-body]
        """Further names of FLARE by dotted path, with the object that answers each as ``module:attribute``.

        Nothing is imported before it is asked for, and a name that fedjob answers itself stays fedjob's.
        """

    @hookspec
    def fedjob_checks(self, model: JobModel, release: Release) -> Iterable[Finding]:  # type: ignore[empty-body]
        """Further findings on a job that is meant for `release`."""


def installed() -> bool:
    """Whether a package of this environment is a plugin of fedjob's; imports none."""
    from importlib.metadata import entry_points

    return bool(entry_points(group=GROUP))


_loading: list[bool] = []


def is_loading() -> bool:
    """Whether the plugins are being imported just now."""
    return bool(_loading)


@cache
def manager() -> pluggy.PluginManager:
    """The plugins that are installed."""
    found = pluggy.PluginManager(GROUP)
    found.add_hookspecs(Hooks)
    _loading.append(True)
    try:
        found.load_setuptools_entrypoints(GROUP)
    finally:
        _loading.pop()
    return found
