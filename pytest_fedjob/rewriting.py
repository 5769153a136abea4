"""Keeps pytest from rewriting the asserts of fedjob's own modules."""

from __future__ import annotations

from typing import Any


def leave_ours_alone(pluginmanager: Any) -> None:
    """Let our packages be imported from the bytecode that they were installed with.

    pytest rewrites every module of an installed plugin's distribution, which means to parse and compile it anew in
    the first run of an environment: each run of a CI job. There is no option against it, so we take our names out of
    the hook's list; where that looks otherwise, nothing happens.
    """
    hook = getattr(pluginmanager, "rewrite_hook", None)
    marked = getattr(hook, "_must_rewrite", None)
    seen = getattr(hook, "_marked_for_rewrite_cache", None)
    if isinstance(marked, set) and isinstance(seen, dict):
        marked.difference_update({"fedjob", "pytest_fedjob"})
        seen.clear()
