"""``fedjob golden review``: accept or reject what failing tests left beside their goldens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fedjob.cli.output import FINE, FOUND, add_json, read_golden, say, say_json

if TYPE_CHECKING:
    from fedjob.cli.types import Commands

_QUESTION = "accept, reject, skip or quit? [a/r/s/q] "


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("golden", help="review changed goldens", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    review_parser = actions.add_parser("review", help="go through pending .new files", description=__doc__)
    review_parser.add_argument("directory", nargs="?", default=".", help="the project (default: here)")
    review_parser.add_argument(
        "--artifact", metavar="DIR", help="take the .new files from here, e.g. downloaded from CI"
    )
    review_parser.add_argument("--accept-all", action="store_true")
    review_parser.add_argument("--reject-all", action="store_true")
    add_json(review_parser)
    review_parser.set_defaults(function=review)


def review(arguments: argparse.Namespace) -> int:
    """Exit code 1 while something is pending."""
    from fedjob.golden.review import find

    project = Path(arguments.directory)
    pending = find(project, Path(arguments.artifact) if arguments.artifact else None)
    if arguments.json:
        say_json([{"golden": str(p.golden), "pending": str(p.file)} for p in pending])
        return FOUND if pending else FINE
    if not pending:
        say(["no golden is pending"])
        return FINE
    left = 0
    for number, item in enumerate(pending, start=1):
        answer = _answer(arguments, number, len(pending), item.lines(read_golden))
        if answer == "q":
            return FOUND
        if answer == "a":
            item.accept()
            say([f"accepted: {item.golden}"])
        elif answer == "r":
            item.reject()
            say([f"rejected: {item.golden} stays as it is"])
        else:
            left += 1
    return FOUND if left else FINE


def _answer(arguments: argparse.Namespace, number: int, count: int, lines: list[str]) -> str:
    say([f"({number}/{count}) {lines[0]}", *lines[1:], ""])
    if arguments.accept_all or arguments.reject_all:
        return "a" if arguments.accept_all else "r"
    if not sys.stdin.isatty():
        return "s"
    while True:
        answer = input(_QUESTION).strip().lower()[:1]
        if answer in {"a", "r", "s", "q"}:
            return answer
