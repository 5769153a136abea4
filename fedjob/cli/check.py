"""``fedjob check JOB``: find what will not run, without running it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fedjob.cli.output import FINE, FOUND, add_job, add_release, opened_job, say, say_json

if TYPE_CHECKING:
    from fedjob.cli.types import Commands
    from fedjob.folder.checks.finding import Finding


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "check", help="find what will not run, without running it", description=__doc__
    )
    add_job(parser)
    add_release(parser)
    parser.add_argument(
        "--ignore", metavar="CODE", action="append", default=[], help="leave out findings of this code"
    )
    parser.add_argument("--strict", action="store_true", help="warnings end with exit code 1 too")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as --format=json"
    )
    parser.set_defaults(function=check)


def check(arguments: argparse.Namespace) -> int:
    from fedjob import __version__
    from fedjob.folder.checks.sarif import to_sarif

    found = [f for f in find(arguments) if f.code not in arguments.ignore]
    if arguments.format == "sarif":
        say_json(to_sarif(found, __version__, arguments.job))
    elif arguments.format == "json":
        say_json([asdict(finding) for finding in found])
    else:
        say(_text(found, arguments.job))
    serious = found if arguments.strict else [f for f in found if f.severity == "error"]
    return FOUND if serious else FINE


def find(arguments: argparse.Namespace) -> tuple[Finding, ...]:
    """All findings on the job, as the project's configuration weighs them."""
    from fedjob import plugins
    from fedjob.flare.releases import Release
    from fedjob.folder.checks.config import read_config
    from fedjob.job.exported import export_findings

    release = Release.of(arguments.release)
    with opened_job(arguments.job, arguments.release, arguments.job_args) as (job, model):
        found = (*export_findings(job, release), *plugins.findings(model, release))
    return read_config(Path(arguments.job).resolve().parent).apply(found)


def _text(found: list[Finding], job: str) -> list[str]:
    from fedjob.folder.explain import count

    errors = sum(finding.severity == "error" for finding in found)
    lines = [line for finding in found for line in [*finding.lines(), ""]]
    if not found:
        return [f"{job}: nothing found"]
    return [*lines, f"{job}: {count(errors, 'error')}, {count(len(found) - errors, 'warning')}"]
