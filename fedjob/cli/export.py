"""``fedjob export JOB.py -o DIR``: write a job folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fedjob.cli.output import FINE, add_job, add_json, add_release, opened, say, say_json

if TYPE_CHECKING:
    from fedjob.cli.types import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write a job as a job folder", description=__doc__)
    add_job(parser)
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="where the folder goes (default: here)"
    )
    add_release(parser)
    add_json(parser)
    parser.set_defaults(function=export)


def export(arguments: argparse.Namespace) -> int:
    from fedjob.folder.write import write

    with opened(arguments.job, arguments.release, arguments.job_args) as model:
        folder = write(model, arguments.output)
    if arguments.json:
        say_json({"job": model.meta.name, "folder": str(folder), "digest": model.digest})
    else:
        say([str(folder)])
    return FINE
