"""The command line: whole outputs and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fedjob import plugins
from fedjob.cli import main
from fedjob.engines.fake import FakeEngine
from fedjob.folder.read import read
from fedjob.folder.write import write
from fedjob.golden.config import Header, to_tree, write_text
from tests.folder.models import make_job


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two folders, ``a/hello`` and ``b/hello``, that differ in num_rounds."""
    monkeypatch.chdir(tmp_path)
    for name, rounds in (("a", 5), ("b", 3)):
        write(make_job(tmp_path, num_rounds=rounds), tmp_path / name)
    return tmp_path


def test_diff(two, capsys):
    assert main(["diff", "a/hello", "b/hello"]) == 1
    assert capsys.readouterr().out == (
        "b/hello differs from a/hello in 1 place:\n"
        "\n"
        "  changed: app: server.workflows[controller].args.num_rounds\n"
        "    expected: 5\n"
        "    obtained: 3\n"
    )
    assert main(["diff", "a/hello", "a/hello"]) == 0
    assert capsys.readouterr().out == "a/hello and a/hello are the same job\n"


def test_diff_with_ignores_and_structure(two, capsys):
    assert main(["diff", "a/hello", "b/hello", "--ignore", "server.workflows[controller].args"]) == 0
    assert main(["diff", "a/hello", "b/hello", "--match", "structure"]) == 0


def test_diff_as_json(two, capsys):
    assert main(["diff", "a/hello", "b/hello", "--json"]) == 1
    place = "app: server.workflows[controller].args.num_rounds"
    assert json.loads(capsys.readouterr().out) == [
        {"kind": "changed", "place": place, "expected": 5, "obtained": 3}
    ]


def test_diff_against_a_golden(two, capsys):
    golden = write_text(to_tree(make_job(two, num_rounds=5)), Header(kind="job"))
    (two / "job.yaml").write_text(golden)
    assert main(["diff", "job.yaml", "a/hello"]) == 0
    assert main(["diff", "job.yaml", "b/hello"]) == 1


UNUSABLE = {
    (
        "diff",
        "a/hello",
        "gone",
    ): "gone is not a directory; a job folder holds meta.json and one folder per app",
    ("diff", "a/hello", "gone.yaml"): "cannot read golden gone.yaml: No such file or directory",
    ("export", "gone.py"): "there is no job script gone.py; give the path of a Python file",
    ("run", "a/hello", "-n", "1", "--engine", "fake"): (
        "job 'hello' needs min_clients=2 sites but only 1 would run: ['site-1']"
    ),
    ("run", "a/hello", "--timeout", "-1"): "timeout must be a positive number of seconds, not -1.0",
}


@pytest.mark.parametrize("arguments", UNUSABLE, ids=" ".join)
def test_unusable_input(two, capsys, arguments):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"fedjob: {UNUSABLE[arguments]}\n"


def test_an_unknown_engine(two, capsys):
    assert main(["run", "a/hello", "--engine", "steam"]) == 2
    assert capsys.readouterr().err.startswith("fedjob: no engine 'steam'; engines are local, simulator")


def test_wrong_use():
    with pytest.raises(SystemExit) as caught:
        main(["diff", "a"])
    assert caught.value.code == 2


def test_an_error_of_our_own(two, capsys, monkeypatch):
    def broken(name):
        raise ZeroDivisionError

    monkeypatch.setattr(plugins, "engine", broken)
    assert main(["run", "a/hello", "-n", "2"]) == 4
    assert capsys.readouterr().err.endswith(
        "fedjob: this is an error of fedjob or of a plugin (above); please report it\n"
    )


def test_interrupt(two, capsys, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins, "engine", interrupted)
    assert main(["run", "a/hello", "-n", "2"]) == 3
    assert capsys.readouterr().err == "fedjob: interrupted\n"


def test_export_of_a_folder(two, capsys):
    assert main(["export", "a/hello", "-o", "out"]) == 0
    assert capsys.readouterr().out == "out/hello\n"
    assert read(two / "out/hello") == read(two / "a/hello")


SCRIPT = """
import argparse
from fedjob.job import FedJob

parser = argparse.ArgumentParser()
parser.add_argument("--name", default="scripted")
job = FedJob(name=parser.parse_args().name)
job.to_server({"server": {"task_request_interval": 0.1}})
job.to_clients({"x": 1})
job.export_job("elsewhere")
"""


def test_export_of_a_script_with_arguments(two, capsys):
    (two / "job.py").write_text(SCRIPT)
    assert main(["export", "job.py", "-o", "out", "--json", "--", "--name", "other"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"job": "other", "folder": "out/other", "digest": read(two / "out/other").digest}
    assert not (two / "elsewhere").exists()


def test_run(two, capsys):
    assert main(["run", "a/hello", "-n", "2", "--engine", "fake", "-w", "ws"]) == 0
    assert capsys.readouterr().out == (
        "hello: 2 sites on the fake engine\n"
        "round 0  accuracy 0.5\n"
        "round 1  accuracy 0.9\n"
        "hello: ok, 2 rounds, 2 sites, fake engine\n"
        "  accuracy ▁█ (rounds 0-1)\n"
        "    all sites  0.5 0.9\n"
        "run directory: ws\n"
    )


def test_run_with_named_sites_as_json(two, capsys):
    assert main(["run", "a/hello", "-n", "x,y,z", "--engine", "fake", "-w", "ws", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert told["sites"] == ["x", "y", "z"]
    assert told["rounds"][1] == {
        "round": 1,
        "metrics": {"accuracy": 0.9},
        "sites": {site: {"accuracy": 0.9} for site in "xyz"},
    }


def test_a_failed_run(two, capsys, monkeypatch):
    rounds = [{"loss": 2.0}, {"loss": float("nan")}]
    monkeypatch.setattr(plugins, "engine", lambda name: FakeEngine(rounds=rounds, error="boom"))
    assert main(["run", "a/hello", "-n", "2", "-w", "ws"]) == 3
    assert "error at site-1: boom\n" in capsys.readouterr().out
    assert main(["run", "a/hello", "-n", "2", "-w", "ws2", "--json"]) == 3
    told = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert told["rounds"][1]["metrics"] == {"loss": None}


CHECKED = (
    "error filter-never-runs: app: client.task_result_filters[*]\n"
    "  FLARE looks filters up by the exact name of the task; '*' (the default) is no wildcard there\n"
    "  name the tasks: tasks=['train']\n"
    "\n"
    "warning pickle: app: custom/w.pkl\n"
    "  a pickle runs code when it is loaded\n"
    "  send weights as .npy, .npz or .safetensors\n"
    "\n"
    "a/hello: 1 error, 1 warning\n"
)


@pytest.fixture
def doubtful(two):
    """The folder ``a/hello`` with an error and a warning in it."""
    config = two / "a/hello/app/config/config_fed_client.json"
    data = json.loads(config.read_text())
    data["task_result_filters"][0]["tasks"] = ["*"]
    config.write_text(json.dumps(data))
    (two / "a/hello/app/custom/w.pkl").write_text("")
    return two


def test_check(doubtful, capsys):
    assert main(["check", "a/hello"]) == 1
    assert capsys.readouterr().out == CHECKED
    assert main(["check", "b/hello"]) == 0
    assert capsys.readouterr().out == "b/hello: nothing found\n"
    assert main(["check", "a/hello", "b/hello"]) == 1
    assert capsys.readouterr().out == CHECKED + "b/hello: nothing found\n"


def test_warnings_count_only_when_strict(doubtful, capsys):
    assert main(["check", "a/hello", "--ignore", "filter-never-runs"]) == 0
    assert main(["check", "a/hello", "--ignore", "filter-never-runs", "--strict"]) == 1


def test_findings_as_json_and_sarif(doubtful, capsys):
    assert main(["check", "a/hello", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(f["job"], f["code"]) for f in told] == [("a/hello", "filter-never-runs"), ("a/hello", "pickle")]
    assert main(["check", "a/hello", "--format", "sarif"]) == 1
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["filter-never-runs", "pickle"]
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "warning")
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in (first, second)]
    assert places == ["a/hello/app/config/config_fed_client.json", "a/hello/app/custom/w.pkl"]


def test_imports_are_tried_only_when_asked(two, capsys):
    code = two / "a/hello/app/custom/src/train.py"
    code.write_text(f"open({str(two / 'ran')!r}, 'w')\nclass Trainer: ...\nclass Audit: ...\n")
    assert main(["check", "a/hello"]) == 0
    assert not (two / "ran").exists()
    assert main(["check", "a/hello", "--imports"]) == 1
    assert (two / "ran").exists()
    assert "error argument-rejected: app: client.executors[train, validate]\n" in capsys.readouterr().out


LOSSY = """
from fedjob.job import FedJob

class Widget:
    def __init__(self, size):
        self.length = size

job = FedJob(name="lossy")
job.to_server(Widget(3), id="widget")
job.export_job("elsewhere")
"""


def test_a_script_shows_what_its_export_loses(two, capsys):
    (two / "job.py").write_text(LOSSY)
    assert main(["check", "job.py", "--json"]) == 1
    lost = next(f for f in json.loads(capsys.readouterr().out) if f["code"] == "argument-lost")
    assert "size" in lost["reason"]
    assert lost["remedy"] == (
        "keep the argument in an attribute of the same name, or of that name with '_' before it"
    )


HELLO = Path(__file__).parents[1] / "data" / "hello" / "job.py"


def test_upgrade(capsys):
    assert main(["upgrade", str(HELLO), "--from", "2.5"]) == 1
    assert capsys.readouterr().out.startswith(
        "hello: FLARE 2.5 to 2.9: 4 changes, 2 changed defaults, checks pass"
    )
    assert main(["upgrade", str(HELLO), "--from", "2.5", "--to", "2.9", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], len(told["changes"])) == ("2.5", "2.9", 4)
    assert told["changes"][0]["after"] == {}
    assert main(["upgrade", str(HELLO), "--from", "2.7", "--to", "2.8"]) in {0, 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["a/hello", "--from", "2.5"],
            "a/hello is not a job script; only a script can be exported for two releases",
        ),
        (
            [str(HELLO), "--from", "1.0"],
            "unknown FLARE release '1.0'; releases are 2.5, 2.6, 2.7, 2.8, 2.9",
        ),
    ],
)
def test_an_upgrade_that_cannot_be(two, capsys, arguments, message):
    assert main(["upgrade", *arguments]) == 2
    assert capsys.readouterr().err == f"fedjob: {message}\n"


def test_the_installed_command():
    run = subprocess.run([sys.executable, "-m", "fedjob", "--version"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "fedjob 0.1.0\n")


# ------------------------------------------------------------------------------ golden review


def pend(directory, name="test_a.yaml", num_rounds=3):
    text = write_text(to_tree(make_job(directory, num_rounds=num_rounds)), Header(kind="job"))
    file = directory / "goldens" / "test_x" / f"{name}.new"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one golden (5 rounds) and the pending change to 3."""
    monkeypatch.chdir(tmp_path)
    golden = pend(tmp_path, num_rounds=5)
    golden.rename(golden.with_name("test_a.yaml"))
    pend(tmp_path, num_rounds=3)
    return tmp_path


CHANGE = (
    "(1/1) goldens/test_x/test_a.yaml would change in 1 place:\n"
    "\n"
    "  changed: app: server.workflows[controller].args.num_rounds\n"
    "    expected: 5\n"
    "    obtained: 3\n"
    "\n"
)
A = "goldens/test_x/test_a.yaml"


def test_review_without_a_terminal_only_lists(project, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["golden", "review"]) == 1
    assert capsys.readouterr().out == CHANGE
    assert main(["golden", "review", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [{"golden": A, "pending": f"{A}.new"}]


@pytest.mark.parametrize("how", ["answer", "option"])
def test_accepting(project, capsys, monkeypatch, how):
    answers = iter(["what?", "A"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    assert main(["golden", "review", *(["--accept-all"] if how == "option" else [])]) == 0
    assert capsys.readouterr().out == f"{CHANGE}accepted: {A}\n"
    assert "num_rounds: 3" in (project / A).read_text()
    assert not (project / f"{A}.new").exists()
    assert main(["golden", "review"]) == 0
    assert capsys.readouterr().out == "no golden is pending\n"


def test_rejecting(project, capsys):
    assert main(["golden", "review", "--reject-all"]) == 0
    assert capsys.readouterr().out == f"{CHANGE}rejected: {A} stays as it is\n"
    assert "num_rounds: 5" in (project / A).read_text()
    assert not (project / f"{A}.new").exists()


def test_quitting_leaves_the_rest(project, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "q")
    assert main(["golden", "review"]) == 1
    assert (project / f"{A}.new").exists()


def test_a_new_golden_is_shown_whole(project, capsys):
    (project / A).unlink()
    assert main(["golden", "review", "--accept-all"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"(1/1) {A} would be written for the first time:\n\n# What this job's")
    assert "num_rounds: 3" in (project / A).read_text()


@pytest.mark.parametrize("lost", ["nothing", "leading directories"])
def test_an_artifact_of_ci(tmp_path, monkeypatch, capsys, lost):
    monkeypatch.chdir(tmp_path)
    golden = pend(tmp_path / "repo", num_rounds=5)
    golden.rename(golden.with_name("test_a.yaml"))
    artifact = tmp_path / "download"
    pend(artifact, num_rounds=3)
    if lost == "leading directories":
        (artifact / "goldens/test_x").rename(tmp_path / "moved")
        (artifact / "goldens").rmdir()
        (tmp_path / "moved").rename(artifact / "test_x")
    assert main(["golden", "review", "repo", "--artifact", "download", "--accept-all"]) == 0
    assert "num_rounds: 3" in (tmp_path / "repo" / A).read_text()


def test_an_artifact_that_fits_several_places(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for part in ("a", "b"):
        pend(tmp_path / "repo" / part, num_rounds=5).rename(tmp_path / "repo" / part / A)
    pend(tmp_path / "download")
    assert main(["golden", "review", "repo", "--artifact", "download"]) == 2
    assert capsys.readouterr().err == (
        f"fedjob: pending {A}.new fits repo/a/{A}, repo/b/{A}; unpack the artifact at the project's root\n"
    )


def test_an_artifact_of_another_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repo").mkdir()
    pend(tmp_path / "download")
    assert main(["golden", "review", "repo", "--artifact", "download"]) == 2
    assert capsys.readouterr().err == (
        f"fedjob: pending {A}.new has no place in the project; unpack the artifact at the project's root\n"
    )


def test_a_golden_that_cannot_be_read_can_still_be_replaced(project, capsys):
    (project / A).write_text("")
    assert main(["golden", "review", "--accept-all"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        f"(1/1) {A} would be replaced: golden {A} is empty; restore or update it\n\n# What this job's folder"
    )
    assert "num_rounds: 3" in (project / A).read_text()


@pytest.mark.parametrize("lost", ["nothing", "leading directories"])
def test_the_artifact_of_another_release(tmp_path, monkeypatch, capsys, lost):
    """``name@2.8.yaml`` is new in the project; its place is told by its directory."""
    monkeypatch.chdir(tmp_path)
    pend(tmp_path / "repo", num_rounds=5).rename(tmp_path / "repo" / A)
    pend(tmp_path / "download", name="test_a@2.8.yaml", num_rounds=3)
    if lost == "leading directories":
        (tmp_path / "download/goldens/test_x").rename(tmp_path / "download/test_x")
        (tmp_path / "download/goldens").rmdir()
    assert main(["golden", "review", "repo", "--artifact", "download", "--accept-all"]) == 0
    assert "num_rounds: 5" in (tmp_path / "repo" / A).read_text()
    assert "num_rounds: 3" in (tmp_path / "repo" / A.replace(".yaml", "@2.8.yaml")).read_text()
