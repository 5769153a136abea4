"""The embedded engine: runs a job folder with no FLARE installed."""

from __future__ import annotations

from fedjob.engines.local.run import LocalEngine

__all__ = ["LocalEngine"]
