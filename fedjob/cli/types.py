"""Types that argparse keeps private."""

from __future__ import annotations

import argparse
from typing import Protocol


class Commands(Protocol):
    """What ``add_subparsers`` returns."""

    def add_parser(self, name: str, *, help: str, description: str | None) -> argparse.ArgumentParser: ...
