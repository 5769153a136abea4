"""``python -m benchmarks [NAME...]``: measure, print one table, write it to ``benchmarks/results/``."""

from __future__ import annotations

import sys
import time
import traceback
from importlib import import_module

from benchmarks import contest, machine
from benchmarks.report import Report
from benchmarks.row import Row, plain

NAMES = ("startup", "rounds", "scale", "payload", "parallel", "export", "goldens", "digits")


def main(names: list[str]) -> int:
    """The exit status: 1 if a part could not be run at all."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    start = time.monotonic()
    about = {**machine.describe(), "load_before": machine.load()}
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for name in names or NAMES:
        for block in import_module(f"benchmarks.{name}").BLOCKS:
            try:
                for row in block():
                    print(plain([row]).partition("\n")[2], flush=True)
                    rows.append(row)
            except Exception as error:
                # The other figures are still wanted.
                traceback.print_exc()
                failed[f"{name}, {block.__name__}"] = reason(error)
    report = Report(
        rows=rows,
        machine=about,
        versions={**contest.VERSIONS, **machine.versions()},
        missing=contest.MISSING,
        failed=failed,
        seconds=time.monotonic() - start,
    )
    print("", plain(rows), "", *report.notes(), f"written: {report.write()}", sep="\n")
    return 1 if failed else 0


def reason(error: Exception) -> str:
    """The last line of what went wrong: of a process, that is what it said last."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
