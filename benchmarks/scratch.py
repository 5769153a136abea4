"""New directories for what is measured, kept until the whole benchmark has ended.

A file system may have to look through the inodes that were deleted in the last minutes for each new one (ext4 without a
journal does): what one row has thrown away, the next would pay for.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path


def scratch() -> Path:
    """An empty directory."""
    return Path(tempfile.mkdtemp(dir=_root().name))


@cache
def _root() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fedjob-benchmarks-")
