"""An equal golden of one and the same job: our check, and those of syrupy and pytest-regressions on the same content."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.environments import ROOT, NotInstalled, python
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import Suite
from fedjob.folder.read import read

FOLDER = ROOT / "tests" / "data" / "flare" / "2.9" / "hello"
TESTS, TURNS = 200, 3

SUITE = """
import json
import time
from pathlib import Path

import pytest
{setup}

@pytest.mark.parametrize("n", range({tests}))
def test_golden(n, {fixture}):
    start = time.perf_counter()
    {check}
    seconds = time.perf_counter() - start
    with Path("times").open("a") as file:
        file.write(f"{{seconds}}\\n")
"""
_DATA = 'DATA = json.loads(Path("data.json").read_text())'


@dataclass(frozen=True, slots=True)
class Kind:
    """One plugin's golden."""

    name: str
    setup: str
    fixture: str
    check: str
    #: What writes the goldens.
    write: tuple[str, ...]

    def text(self) -> str:
        return SUITE.format(setup=self.setup, tests=TESTS, fixture=self.fixture, check=self.check)


#: pytest-regressions fails each test whose golden it writes.
_FAILS = "--force-regen"

OURS = Kind(
    "ours",
    f"from fedjob.folder.read import read\nMODEL = read({str(FOLDER)!r})",
    "fedjob",
    "fedjob.golden(MODEL)",
    # The table can be made on CI as well.
    ("--fedjob-golden=new", "--fedjob-golden-allow-ci"),
)
PEERS = (
    Kind("syrupy", _DATA, "snapshot", "assert DATA == snapshot", ("--snapshot-update",)),
    Kind("pytest-regressions", _DATA, "data_regression", "data_regression.check(DATA)", (_FAILS,)),
)


def equal_goldens() -> Iterator[Row]:
    cells, mine = [], Suite(OURS.text())
    write(mine, OURS, sys.executable)
    ours = [equal(mine, sys.executable)]
    for kind in PEERS:
        try:
            binary = python("goldens")
        except NotInstalled as error:
            cells.append(Beside(kind.name, None, why=f"not installed: {error}"))
            continue
        theirs = Suite(kind.text())
        write(theirs, kind, binary)
        figures = []
        for _ in range(TURNS):
            figures.append(equal(theirs, binary))
            ours.append(equal(mine, sys.executable))
        cells.append(Beside(kind.name, statistics.median(figures)))
    target = Target(0.3)
    yield Row(
        what="equal golden", ours=statistics.median(ours), unit="ms", beside=tuple(cells), target=target
    )


def write(tests: Suite, kind: Kind, binary: str) -> None:
    """Have the goldens written."""
    model = read(FOLDER)
    (app,) = model.apps
    assert app.server is not None
    assert app.client is not None
    data = {"meta": model.meta.to_dict(), "server": app.server.to_dict(), "client": app.client.to_dict()}
    (tests.root / "data.json").write_text(json.dumps(data))
    tests.run(*kind.write, python=binary, status=1 if _FAILS in kind.write else 0)


def equal(tests: Suite, binary: str) -> float:
    """Milliseconds of one check, the median of a session."""
    times = tests.times(python=binary)
    assert len(times) == TESTS
    return statistics.median(times) * 1e3


BLOCKS = (equal_goldens,)
