"""``python -m benchmarks [NAME...]``: run the benchmarks, print one table, write it to ``benchmarks/results/``."""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks import table

NAMES = ("startup", "export", "rounds", "sites")


def main() -> None:
    rows = []
    for name in sys.argv[1:] or NAMES:
        for row in import_module(f"benchmarks.{name}").run():
            print(row, flush=True)
            rows.append(row)
    print(f"written: {table.write(rows)}")


if __name__ == "__main__":
    main()
