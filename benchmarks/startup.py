"""What it costs that the plugin is there, and the first green test of a fresh pytest."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.job import export
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import Suite, added, in_turn, medians

REPEATS, WORKER_REPEATS, COLD_REPEATS = 20, 24, 9

NOTHING = 5  # pytest's status where there are no tests
#: What other plugins import would be lent to ours.
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

ONE_TEST = """
def test_one(fedjob):
    result = fedjob.simulate({folder!r}, n_clients=2)
    assert len(result.rounds) == 3
    assert result.model()["numpy_key"].tolist() == [n + 3.0 for n in range(9)]
"""


def empty_suite() -> Suite:
    """An empty suite with a plugin `nothing`: whichever plugin `-p` names, pytest looks for it among all that is installed."""
    empty = Suite("")
    (empty.root / "nothing.py").write_text("")
    return empty


def plugin_alone() -> Iterator[Row]:
    empty = empty_suite()
    for title, options in (
        ("FLARE not installed", ("-o", "fedjob_shim=always")),
        ("FLARE installed", ("-o", "fedjob_shim=never")),
    ):
        yield plugin(empty, f"plugin at start-up, {title}", options, REPEATS)


def plugin(empty: Suite, title: str, options: tuple[str, ...], repeats: int) -> Row:
    """Milliseconds that the plugin adds to pytest over an empty suite, both without any other plugin."""
    pairs = in_turn(
        partial(bare, empty, "-p", "nothing"),
        partial(bare, empty, "-p", "pytest_fedjob.plugin", *options),
        repeats,
    )
    return Row(
        what=f"{title}, over bare pytest with an empty suite",
        ours=added(pairs) * 1e3,
        unit="ms",
        beside=(Beside("bare pytest", medians(pairs)[0] * 1e3),),
        target=Target(15),
    )


def plugin_in_workers() -> Iterator[Row]:
    """The same for xdist's controller and its two workers, which start once the controller has."""
    xdist, empty = ("-p", "xdist", "-n", "2"), empty_suite()
    with_plugin = partial(bare, empty, *xdist, "-p", "pytest_fedjob.plugin", "-o", "fedjob_shim=always")
    pairs = in_turn(partial(bare, empty, *xdist, "-p", "nothing"), with_plugin, WORKER_REPEATS)
    yield Row(
        what="plugin at start-up under -n 2, controller and then workers (15 ms each)",
        ours=added(pairs) * 1e3,
        unit="ms",
        beside=(Beside("bare pytest -n 2", medians(pairs)[0] * 1e3),),
        target=Target(30),
    )


def bare(empty: Suite, *options: str) -> float:
    return empty.run(*options, status=NOTHING, env=ALONE)


def first_test() -> Iterator[Row]:
    """Seconds from `pytest` to green of one simulation of two sites and three rounds, nothing warm.

    With what our package brings along, pytest-xdist, and no other plugin: some import for longer than the test takes.
    """
    options, cold = ("-p", "xdist", "-p", "pytest_fedjob.plugin"), Suite("")
    folder = export(cold.root, sites=2, rounds=3, params=np.arange(9, dtype=np.float32))
    cold.write(ONE_TEST.format(folder=str(folder)))
    (cold.root / "test_empty.py").write_text("def test():\n    pass\n")
    pairs = in_turn(
        partial(cold.run, *options, "test_empty.py", env=ALONE),
        partial(cold.run, *options, "test_it.py", env=ALONE),
        COLD_REPEATS,
    )
    empty, seconds = medians(pairs)
    yield Row(
        what="`pytest` to green of one simulating test, cold",
        ours=seconds,
        unit="s",
        beside=(Beside("an empty test", empty),),
        target=Target(0.8),
    )


BLOCKS = (plugin_alone, plugin_in_workers, first_test)
