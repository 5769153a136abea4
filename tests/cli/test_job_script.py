"""Job scripts on the command line: what they print, and what they raise."""

from __future__ import annotations

import json

import pytest

from fedjob.cli import main

SCRIPT = """
from fedjob import FedAvg, FedJob, FrameworkType, ScriptRunner

print("describing")
job = FedJob(name="talks", min_clients=2)
job.to_server(FedAvg(num_clients=2, num_rounds=1))
job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
print("described")
job.export_job("jobs")
print("exported")
"""

RAISES = """
def width():
    return int("wide")

width()
"""


@pytest.fixture(autouse=True)
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import nvflare.client as flare\n")
    (tmp_path / "job.py").write_text(SCRIPT)
    (tmp_path / "raises.py").write_text(RAISES)
    (tmp_path / "unclosed.py").write_text("job = (\n")


@pytest.mark.parametrize(
    "command",
    [
        ("check", "job.py", "--json"),
        ("diff", "job.py", "job.py", "--json"),
        ("upgrade", "job.py", "--from", "2.8", "--json"),
    ],
    ids=lambda command: command[0],
)
def test_what_a_script_prints_is_not_in_the_output_for_programs(command, capsys):
    main(command)
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert "describing\ndescribed\n" in captured.err


def test_nor_in_that_for_people(tmp_path, capsys):
    assert main(["export", "job.py", "-o", "out"]) == 0
    assert capsys.readouterr().out == "out/talks\n"


@pytest.mark.parametrize(
    "command", [("check",), ("export",), ("run",), ("upgrade", "--from", "2.8")], ids=" ".join
)
def test_a_script_that_raises_is_shown_from_its_own_first_line_on(tmp_path, command, capsys):
    name, *options = command
    assert main([name, "raises.py", *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [
        "fedjob: raises.py raised an error:",
        "Traceback (most recent call last):",
        f'  File "{tmp_path / "raises.py"}", line 5, in <module>',
    ]
    assert lines[-1] == "ValueError: invalid literal for int() with base 10: 'wide'"
    assert not any("fedjob/cli" in line or "fedjob/job" in line for line in lines)


def test_a_script_that_is_no_python(tmp_path, capsys):
    assert main(["check", "unclosed.py"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "fedjob: unclosed.py raised an error:",
        f'  File "{tmp_path / "unclosed.py"}", line 1',
    ]
    assert lines[-1] == "SyntaxError: '(' was never closed"


@pytest.mark.parametrize(("arguments", "sites"), [([], 3), (["--clients", "4"], 4)])
def test_it_runs_with_the_sites_of_the_script_unless_told(tmp_path, capsys, arguments, sites):
    (tmp_path / "job.py").write_text(SCRIPT.replace('export_job("jobs")', 'simulator_run("ws", n_clients=3)'))
    main(["run", "job.py", "--engine", "fake", "--json", *arguments])
    assert len(json.loads(capsys.readouterr().out)["sites"]) == sites
