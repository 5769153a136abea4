"""Settings that name sites: ``@all``, ``@none``, one name or several, or nothing, which a policy decides.

Answers the rest of ``nvflare.fuel.utils.validation_utils``.
"""

from __future__ import annotations

import random
from typing import Any

SYMBOL_ALL = "@all"
SYMBOL_NONE = "@none"


class DefaultValuePolicy:
    """What nothing means."""

    DISALLOW = "disallow"
    ANY = "any"
    RANDOM = "random"
    EMPTY = "empty"
    ALL = "all"


def validate_candidates(
    var_name: str, candidates: Any, base: list[str], default_policy: str, allow_none: bool
) -> list[str]:
    """The sites, all of which must be in `base`. Raises ValueError for any other, and where the policy forbids nothing."""
    if isinstance(candidates, str) and candidates.strip().lower() == SYMBOL_ALL:
        return base
    if _is_none(candidates):
        if not allow_none:
            raise ValueError(f"{var_name} must name sites")
        return []
    named = [candidates] if isinstance(candidates, str) else candidates
    if not isinstance(named, list) or not all(isinstance(n, str) for n in named):
        raise ValueError(f"{var_name} must be a str or a list of str, but got {candidates!r}")
    found = list(dict.fromkeys(name.strip() for name in named if name.strip()))
    unknown = [name for name in found if name not in base]
    if unknown:
        raise ValueError(f"{var_name} names {unknown}, but there are only {base}")
    return found or _default_list(var_name, base, default_policy)


def validate_candidate(
    var_name: str, candidate: Any, base: list[str], default_policy: str, allow_none: bool
) -> str:
    """The site, or an empty string for none. Raises ValueError for one that is not in `base`, or where it must be named."""
    if _is_none(candidate):
        if not allow_none:
            raise ValueError(f"{var_name} must name a site")
        return ""
    if not isinstance(candidate, str):
        raise ValueError(f"{var_name} must be a str, but got {type(candidate).__name__}")
    name = candidate.strip()
    if name:
        if name not in base:
            raise ValueError(f"{var_name} names {name!r}, but there are only {base}")
        return name
    if default_policy == DefaultValuePolicy.EMPTY:
        return ""
    if default_policy == DefaultValuePolicy.ANY:
        return base[0]
    if default_policy == DefaultValuePolicy.RANDOM:
        return random.choice(base)  # noqa: S311  # the run's own generator
    raise ValueError(f"{var_name} must name one of {base}")


def normalize_config_arg(value: Any) -> Any:
    """None for what says "none", an empty string for nothing, else the value."""
    if value is False or (isinstance(value, str) and value.strip().lower() == SYMBOL_NONE):
        return None
    return value or ""


def _is_none(given: Any) -> bool:
    return given is None or (isinstance(given, str) and given.strip().lower() == SYMBOL_NONE)


def _default_list(var_name: str, base: list[str], policy: str) -> list[str]:
    if policy == DefaultValuePolicy.EMPTY:
        return []
    if policy == DefaultValuePolicy.ALL:
        return base
    if policy == DefaultValuePolicy.ANY:
        return [base[0]]
    if policy == DefaultValuePolicy.RANDOM:
        return [random.choice(base)]  # noqa: S311  # the run's own generator
    raise ValueError(f"{var_name} must name some of {base}")
