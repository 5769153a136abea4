"""``fedjob upgrade JOB.py --from 2.6 --to 2.9``: what a newer FLARE does to a job."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fedjob.cli.output import FINE, FOUND, described, say, say_json

if TYPE_CHECKING:
    from fedjob.cli.types import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("upgrade", help="what a newer FLARE does to a job", description=__doc__)
    parser.add_argument("job", metavar="JOB", help="a job script (.py)")
    parser.add_argument("--from", dest="old", metavar="R", required=True, help="the FLARE release in use")
    parser.add_argument("--to", dest="new", metavar="R", help="the release to go to (default: newest)")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as --format=json"
    )
    parser.set_defaults(function=upgrade)


def upgrade(arguments: argparse.Namespace) -> int:
    """Exit code 1 when anything changes or is found."""
    from fedjob.errors import JobError
    from fedjob.flare.releases import Release
    from fedjob.folder.upgrade import compare
    from fedjob.job import FedJob

    old, new = Release.of(arguments.old), Release.of(arguments.new)
    if not Path(arguments.job).suffix == ".py":
        raise JobError(f"{arguments.job} is not a job script; only a script can be exported for two releases")
    job = described(arguments.job, arguments.job_args, shim="always")
    if not isinstance(job, FedJob):
        raise JobError(
            f"{arguments.job} describes a {type(job).__name__}, which is exported for one release only"
        )
    report = compare(job.freeze(old), job.freeze(new), old, new)
    if arguments.format == "json":
        say_json(report.to_dict())
    else:
        say(report.markdown() if arguments.format == "markdown" else report.lines())
    return FINE if report.quiet else FOUND
