"""Peers' environments: kept once made, made again when half made or changed, and why they cannot be made."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import NotInstalled, python


@pytest.fixture
def installs(monkeypatch, tmp_path):
    """Environments below a temporary directory, and what was installed in them; nothing really is."""
    done = []

    def install(binary, home, requirements):
        assert binary.exists()
        done.append(requirements)

    monkeypatch.setattr(environments, "REQUIREMENTS", {"peer": ("peer==1",)})
    monkeypatch.setattr(environments, "_install", install)
    monkeypatch.setattr(environments.venv, "create", make_empty)
    python.cache_clear()
    yield done
    python.cache_clear()


def make_empty(home, *, with_pip, clear):
    binary = home / "bin" / "python"
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.touch()


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="paths as on POSIX")


@needs_posix
def test_an_environment_is_made_once(installs, tmp_path):
    first = python("peer", tmp_path)
    python.cache_clear()
    assert python("peer", tmp_path) == first == str(tmp_path / "peer" / "bin" / "python")
    assert installs == [("peer==1",)]


@needs_posix
def test_other_requirements_make_it_anew(installs, tmp_path, monkeypatch):
    python("peer", tmp_path)
    python.cache_clear()
    monkeypatch.setattr(environments, "REQUIREMENTS", {"peer": ("peer==2",)})
    python("peer", tmp_path)
    assert installs == [("peer==1",), ("peer==2",)]


@needs_posix
def test_one_that_could_not_be_filled_is_tried_again(installs, tmp_path, monkeypatch):
    def refuse(*_):
        raise NotInstalled("no")

    with monkeypatch.context() as patch:
        patch.setattr(environments, "_install", refuse)
        with pytest.raises(NotInstalled):
            python("peer", tmp_path)
    assert python("peer", tmp_path)
    assert installs == [("peer==1",)]


def test_what_pip_said_is_the_reason_without_addresses(monkeypatch, tmp_path):
    said = "WARNING: retrying\nERROR: No matching distribution found for peer==1 at https://somewhere/simple\nnotice"

    def run(command, **_):
        return subprocess.CompletedProcess(command, 1, "", said)

    monkeypatch.setattr(environments.subprocess, "run", run)
    with pytest.raises(NotInstalled, match=r"^No matching distribution found for peer==1 at \.\.\.$"):
        environments._install(tmp_path / "python", tmp_path, ("peer==1",))


def test_no_peer_may_bring_torch(monkeypatch, tmp_path):
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environments.subprocess, "run", run)
    environments._install(tmp_path / "python", tmp_path, ("peer==1",))
    (command,) = commands
    constraints = Path(command[command.index("-c") + 1])
    assert "torch<0" in constraints.read_text().split()


def test_a_package_of_ours_that_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(environments, "OURS", {"flare": "no_such_package"})
    python.cache_clear()
    with pytest.raises(NotInstalled, match="no_such_package"):
        python("flare")
    python.cache_clear()
    assert python("ours") == sys.executable
