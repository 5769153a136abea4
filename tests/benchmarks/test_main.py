"""Parts can be chosen; one that breaks costs no other's figures, and shows in the exit status."""

import types

import pytest

from benchmarks import __main__ as entry
from benchmarks import report
from benchmarks.row import Row


def part(*blocks):
    return types.SimpleNamespace(BLOCKS=blocks)


def good():
    yield Row(what="good", ours=1, unit="s")


def broken():
    yield Row(what="first half", ours=2, unit="s")
    raise RuntimeError("no torch")


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Parts by name in place of the real ones; results go to a temporary directory."""
    made = {"scale": part(broken, good), "rounds": part(good)}
    monkeypatch.setattr(entry, "NAMES", tuple(made))
    monkeypatch.setattr(entry, "import_module", lambda path: made[path.removeprefix("benchmarks.")])
    monkeypatch.setattr(report.Report.write, "__defaults__", (tmp_path,))
    monkeypatch.setattr(entry.contest, "MISSING", {})
    return tmp_path


def test_one_part_alone(parts, capsys):
    assert entry.main(["rounds"]) == 0
    assert "first half" not in capsys.readouterr().out
    assert len(list(parts.glob("*.json"))) == 1


def test_a_broken_block_is_reported_and_the_rest_is_measured(parts, capsys):
    assert entry.main([]) == 1
    out = capsys.readouterr().out
    assert "NOT RUN scale, broken: RuntimeError: no torch" in out
    table = out.rpartition("what ")[2]
    assert table.count("good") == 2
    assert "first half" in table


def test_an_unknown_part_is_refused(parts, capsys):
    assert entry.main(["rouns"]) == 2
    assert "rounds" in capsys.readouterr().err


def test_every_part_has_blocks():
    for name in entry.NAMES:
        assert entry.import_module(f"benchmarks.{name}").BLOCKS
