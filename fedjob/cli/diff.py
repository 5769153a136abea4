"""``fedjob diff A B``: what differs between two jobs, in FLARE's terms."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from fedjob.cli.output import FINE, FOUND, add_job, add_json, add_release, opened, say, say_json

if TYPE_CHECKING:
    from fedjob.cli.types import Commands
    from fedjob.folder.change import Change


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("diff", help="compare two jobs", description=__doc__)
    add_job(parser, "expected")
    add_job(parser, "obtained")
    add_release(parser)
    parser.add_argument(
        "--match", choices=("exact", "structure", "subset"), default="exact", help="how strictly"
    )
    parser.add_argument(
        "--ignore", metavar="PLACE", action="append", default=[], help="a place that may differ"
    )
    add_json(parser)
    parser.set_defaults(function=diff)


def diff(arguments: argparse.Namespace) -> int:
    from fedjob.folder.diff import diff as compare
    from fedjob.folder.explain import count, explain
    from fedjob.golden.match import relevant

    release, job_args = arguments.release, arguments.job_args
    with (
        opened(arguments.expected, release, job_args) as expected,
        opened(arguments.obtained, release, job_args) as obtained,
    ):
        changes = relevant(compare(expected, obtained), arguments.match, arguments.ignore)
    if arguments.json:
        say_json([to_json(change) for change in changes])
    elif changes:
        heading = f"{arguments.obtained} differs from {arguments.expected} in {count(len(changes), 'place')}:"
        say(explain(changes, heading))
    else:
        say([f"{arguments.obtained} and {arguments.expected} are the same job"])
    return FOUND if changes else FINE


def to_json(change: Change) -> dict[str, Any]:
    """A change as data; the side on which there is nothing is left out."""
    from fedjob.folder.change import ABSENT

    sides = (("expected", change.expected), ("obtained", change.obtained))
    return {"kind": change.kind, "place": change.place, **{w: v for w, v in sides if v is not ABSENT}}
