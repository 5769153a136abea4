"""The embedded engine: runs a job folder with no FLARE installed.

The nursery is in this package too and does without the engine's side in the test process, so that is loaded when
it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedjob.engines.local.run import LocalEngine as LocalEngine

__all__ = ["LocalEngine"]


def __getattr__(name: str) -> Any:
    if name != "LocalEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fedjob.engines.local.run import LocalEngine

    return LocalEngine
