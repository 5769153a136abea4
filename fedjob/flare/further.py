"""Names of FLARE that plugins answer; asked only for what the table does not have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fedjob.errors import NameUnknown


def targets() -> Mapping[str, str]:
    """FLARE's dotted paths and, as ``module:attribute``, what answers them.

    Raises `NameUnknown` for an entry that cannot be.
    """
    from fedjob.hooks import is_loading

    # A plugin that is being loaded may import names of FLARE itself: it gets the table's.
    return {} if is_loading() else _targets()


@cache
def _targets() -> dict[str, str]:
    from fedjob.hooks import manager

    offers: list[Mapping[str, str]] = manager().hook.fedjob_names()
    found: dict[str, str] = {}
    for offer in offers:
        for path, target in offer.items():
            if not path.startswith("nvflare.") or ":" not in target:
                raise NameUnknown(
                    f"a plugin answers {path!r} with {target!r}; write a dotted path of FLARE and module:attribute"
                )
            found.setdefault(path, target)
    return found


def modules() -> frozenset[str]:
    """The modules that these names lie in, and the packages above them."""
    return _modules() if targets() else frozenset()


@cache
def _modules() -> frozenset[str]:
    found: set[str] = set()
    for path in _targets():
        parts = path.split(".")
        found.update(".".join(parts[:n]) for n in range(1, len(parts)))
    return frozenset(found)
