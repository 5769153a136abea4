"""The import closure, tried for real in an isolated interpreter."""

import json
from importlib.metadata import version

import pytest

from fedjob.flare import shim
from fedjob.flare.releases import NEWEST, Release
from fedjob.folder.checks import closure
from fedjob.folder.read import read
from fedjob.folder.write import write
from tests.folder.models import make_job


@pytest.fixture
def folder(tmp_path):
    return write(make_job(tmp_path), tmp_path / "jobs")


def code(folder, path, text):
    (folder / "app/custom" / path).write_text(text)


def found(folder, release=NEWEST, **more):
    return ["\n".join(f.lines()) for f in closure.check(read(folder), folder, release, **more)]


@pytest.fixture(autouse=True)
def without_flare(monkeypatch):
    monkeypatch.setattr(closure, "_installed_release", lambda: None)


TRAINER = "class Audit: ...\nclass Trainer:\n    def __init__(self, lr): ...\n"
REST = {
    "src/select.py": "class Selector:\n    def __init__(self, key_metric, tags): ...\n",
    "src/filters.py": (
        "class Clip:\n    def __init__(self, bound): ...\nclass Noise:\n    def __init__(self, sigma): ...\n"
    ),
}


@pytest.fixture
def complete(folder):
    code(folder, "src/train.py", TRAINER)
    for path, text in REST.items():
        code(folder, path, text)
    return folder


def test_a_job_in_order(complete, capfd):
    code(complete, "src/train.py", "print('hello')\nimport nvflare.client\n" + TRAINER)
    assert found(complete) == []
    assert capfd.readouterr().out == ""
    assert not list(complete.rglob("__pycache__"))


PLACE = "app: client.executors[train, validate]"
CASES = {
    "missing module": (
        "import surely_missing\n" + TRAINER,
        f"error import-fails: {PLACE}\n"
        "  importing src.train raises ModuleNotFoundError: No module named 'surely_missing'\n"
        "  let what it needs travel with the job, or install it at the sites",
    ),
    "failing module": (
        "raise SystemExit(3)\n",
        f"error import-fails: {PLACE}\n"
        "  importing src.train raises SystemExit: 3\n"
        "  let what it needs travel with the job, or install it at the sites",
    ),
    "class that is not there": (
        TRAINER.replace("Trainer", "Other"),
        f"error class-missing: {PLACE}\n"
        "  src.train has no Trainer\n"
        "  correct the path, or export the job again",
    ),
    "argument that is not taken": (
        TRAINER.replace("lr", "rate"),
        f"error argument-rejected: {PLACE}\n"
        "  Trainer does not take these arguments: missing a required argument: 'rate'\n"
        "  correct the arguments, or export the job again",
    ),
    "death": (
        "import os\nos._exit(7)\n",
        "error import-fails: app: server.workflows[audit]\n"
        "  the interpreter died: exit status 7\n"
        "  let what it needs travel with the job, or install it at the sites",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_finding(complete, case):
    source, text = CASES[case]
    code(complete, "src/train.py", source)
    assert text in found(complete)


def test_a_decoy(complete):
    """An installed module of the same name wins over the one in custom/."""
    config = complete / "app/config/config_fed_client.json"
    data = json.loads(config.read_text())
    data["executors"][0]["executor"]["path"] = "wsgiref.util.FileWrapper"
    data["executors"][0]["executor"]["args"] = {"filelike": 1}
    config.write_text(json.dumps(data))
    (complete / "app/custom/wsgiref").mkdir()
    code(complete, "wsgiref/util.py", "class FileWrapper: ...\n")
    text = found(complete)[0]
    assert text.startswith(f"error import-decoy: {PLACE}\n  wsgiref.util is taken from ")
    assert text.endswith(", not from custom/\n  rename the module: custom/ is searched last")


def test_work_at_the_top_level_meets_the_deadline(complete):
    code(complete, "src/train.py", "import time\ntime.sleep(60)\n")
    assert found(complete, seconds=1) == [
        "error import-timeout: app: custom\n"
        "  importing the app's classes took longer than 1 s\n"
        "  keep work out of the top level of modules"
    ]


def test_the_users_own_path_does_not_help(complete, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    code(complete, "src/train.py", "import only_here\n" + TRAINER)
    assert "No module named 'only_here'" in found(complete)[0]


@pytest.mark.flare
def test_flares_own_classes_are_tried_on_the_installed_flare(complete, monkeypatch):
    if not shim.real_flare():
        pytest.skip("needs FLARE")
    release = Release.of(version("nvflare"))
    monkeypatch.setattr(closure, "_installed_release", lambda: release)
    assert found(complete, release=release) == []
    config = complete / "app/config/config_fed_server.json"
    data = json.loads(config.read_text())
    data["components"][0]["args"] = {"folder": "x"}
    config.write_text(json.dumps(data))
    assert found(complete, release=release) == [
        "error argument-rejected: app: server.components[persistor]\n"
        "  NPModelPersistor does not take these arguments: got an unexpected keyword argument 'folder'\n"
        "  correct the arguments, or export the job again"
    ]
