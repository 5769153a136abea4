"""Jobs, each a small function written against ``nvflare``'s names: ours and FLARE's exporter run the same text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JOBS = {}


@dataclass(frozen=True)
class Entry:
    covers: str  #: what the job shows, for the table in the documentation
    build: Callable[[], Any]  #: describes the job, in the user's directory
    since: str = "2.5"  #: first release that can export it; both sides refuse in earlier ones
    before: str = "9"  #: first release that cannot any more
    needs: str = ""  #: a package without which neither side is asked


def covers(text, **limits):
    def register(build):
        assert build.__name__ not in JOBS
        JOBS[build.__name__] = Entry(text, build, **limits)
        return build

    return register


from . import capturing, code, describing, patterns, recipes, runners  # noqa: E402, F401
