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
    add_job(parser, "jobs", nargs="+")
    add_release(parser)
    parser.add_argument(
        "--ignore", metavar="CODE", action="append", default=[], help="leave out findings of this code"
    )
    parser.add_argument("--strict", action="store_true", help="warnings end with exit code 1 too")
    parser.add_argument(
        "--imports",
        action="store_true",
        help="also import the job's classes, alone with custom/; this executes its code",
    )
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as --format=json"
    )
    parser.set_defaults(function=check)


def check(arguments: argparse.Namespace) -> int:
    from fedjob import __version__
    from fedjob.folder.checks.sarif import to_sarif

    found = {
        job: [f for f in find(job, arguments) if f.code not in arguments.ignore] for job in arguments.jobs
    }
    everything = [(job, finding) for job, findings in found.items() for finding in findings]
    if arguments.format == "sarif":
        say_json(to_sarif(everything, __version__))
    elif arguments.format == "json":
        say_json([{"job": job, **asdict(finding)} for job, finding in everything])
    else:
        say(line for job, findings in found.items() for line in _text(findings, job))
    serious = [f for _, f in everything if arguments.strict or f.severity == "error"]
    return FOUND if serious else FINE


def find(path: str, arguments: argparse.Namespace) -> tuple[Finding, ...]:
    """All findings on one job, as the project's configuration weighs them."""
    from fedjob import plugins
    from fedjob.flare.releases import Release
    from fedjob.folder.checks.config import read_config
    from fedjob.job.exported import export_findings

    release = Release.of(arguments.release)
    with opened_job(path, arguments.release, arguments.job_args) as (job, model):
        found = (*export_findings(job, release), *plugins.findings(model, release, imports=arguments.imports))
    return read_config(Path(path).resolve().parent).apply(found)


def _text(found: list[Finding], job: str) -> list[str]:
    from fedjob.folder.explain import count

    errors = sum(finding.severity == "error" for finding in found)
    lines = [line for finding in found for line in [*finding.lines(), ""]]
    if not found:
        return [f"{job}: nothing found"]
    return [*lines, f"{job}: {count(errors, 'error')}, {count(len(found) - errors, 'warning')}"]
