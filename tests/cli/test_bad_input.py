"""What the command line says of jobs and goldens that cannot be used; bounded in memory, nothing executed."""

import json
import os
import subprocess
import sys

import pytest

from fedjob.cli import main
from fedjob.folder.write import write
from fedjob.golden.config import Header, to_tree, write_text
from tests.folder.models import make_job

CLIENT = "app/config/config_fed_client.json"


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The folder ``hello`` and its golden ``hello.yaml``."""
    monkeypatch.chdir(tmp_path)
    model = make_job(tmp_path / "bytes")
    write(model, tmp_path)
    (tmp_path / "hello.yaml").write_text(write_text(to_tree(model), Header(kind="job")))
    return tmp_path


def appended(text):
    return lambda root: (root / "hello.yaml").write_text((root / "hello.yaml").read_text() + text)


def replaced(old, new, file="hello.yaml"):
    return lambda root: (root / file).write_text((root / file).read_text().replace(old, new))


GOLDENS = {
    "empty": (
        lambda root: (root / "hello.yaml").write_text(""),
        "golden hello.yaml is empty; restore or update it",
    ),
    "conflict": (
        appended("=======\n"),
        "golden hello.yaml holds the conflict markers of a merge (line 52); resolve them first",
    ),
    "version": (
        replaced("golden: 1", "golden: 9"),
        "golden hello.yaml has another format than 1; update it, or use the fedjob that wrote it",
    ),
    "kind": (
        replaced("kind: job", "kind: result"),
        "golden hello.yaml is of a result, not of a job; give it another name",
    ),
    "yaml": (
        replaced("meta:\n", "meta: [\n"),
        None,
    ),
    "key twice": (
        replaced("golden: 1\n", "golden: 1\nkind: job\n"),
        "golden hello.yaml is not YAML (line 4): key 'kind' stands twice in one mapping; restore or update it",
    ),
    "encoding": (
        lambda root: (root / "hello.yaml").write_bytes(b"golden: \xe9\n"),
        "golden hello.yaml is not UTF-8 text (byte 8); restore or update it",
    ),
    "directory": (
        lambda root: (root / "hello.yaml").unlink() or (root / "hello.yaml").mkdir(),
        "cannot read golden hello.yaml: Is a directory",
    ),
}


@pytest.mark.parametrize("case", GOLDENS)
@pytest.mark.parametrize("command", ["diff", "check"])
def test_a_golden_that_cannot_be_used(job, capsys, case, command):
    spoil, message = GOLDENS[case]
    spoil(job)
    assert main(["diff", "hello.yaml", "hello"] if command == "diff" else ["check", "hello.yaml"]) == 2
    said = capsys.readouterr().err
    if message is None:
        assert said.startswith("fedjob: golden hello.yaml is not YAML (line ")
        assert said.endswith("; restore or update it\n")
    else:
        assert said == f"fedjob: {message}\n"


FOLDERS = {
    "key twice": (
        replaced('"format_version": 2', '"format_version": 2, "format_version": 2', f"hello/{CLIENT}"),
        f"key 'format_version' stands twice in one object in '{CLIENT}'",
    ),
    "encoding": (
        lambda root: (root / f"hello/{CLIENT}").write_bytes(b'{"format_version": "\xff"}'),
        f"not UTF-8 text (byte 20) in '{CLIENT}'",
    ),
    "nesting": (
        lambda root: (root / f"hello/{CLIENT}").write_text("[" * 100_000),
        f"nested too deeply to be a configuration in '{CLIENT}'",
    ),
    "format": (
        replaced('"format_version": 2', '"format_version": 3', f"hello/{CLIENT}"),
        f"unsupported format_version 3 (FLARE reads 2) in '{CLIENT}: format_version'",
    ),
    "link out of the tree": (
        lambda root: (root / "hello/app/custom/passwd").symlink_to("/etc/passwd"),
        "symbolic link out of the job folder, to /etc/passwd in 'app/custom/passwd'",
    ),
    "link to a directory": (
        lambda root: (root / "hello/app/custom/up").symlink_to(root),
        "symbolic link to a directory in 'app/custom/up'",
    ),
    "pipe": (
        lambda root: os.mkfifo(root / "hello/app/custom/pipe"),
        "not a regular file in 'app/custom/pipe'",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
@pytest.mark.parametrize("command", ["diff", "check", "export", "run"])
def test_a_folder_that_cannot_be_used(job, capsys, case, command):
    spoil, message = FOLDERS[case]
    spoil(job)
    more = {"diff": ["hello"], "export": ["-o", "out"], "run": ["-w", "ws"]}.get(command, [])
    assert main([command, "hello", *more]) == 2
    assert capsys.readouterr().err == f"fedjob: {message}\n"


def test_unknown_keys_are_kept_and_compared(job, capsys):
    replaced('"format_version": 2', '"format_version": 2, "odd": {"x": 1}', f"hello/{CLIENT}")(job)
    assert main(["diff", "hello.yaml", "hello"]) == 1
    assert '  added: app: client.odd\n    obtained: {"x": 1}\n' in capsys.readouterr().out


#: Runs a command with half a gigabyte of address space.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
from fedjob.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_ten_thousand_files_and_much_data_fit_into_little_memory(job):
    data = job / "hello/app/custom/data"
    data.mkdir()
    for number in range(10_000):
        (data / f"f{number}.py").write_text(f"x = {number}\n")
    with (data / "weights.bin").open("wb") as stream:
        stream.truncate(1 << 30)
    (data / "large.json").write_text(json.dumps({"x": "y" * 100_000_000}))
    # The deadline is generous: what must not happen is minutes.
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, "diff", "hello.yaml", "hello", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stderr
    assert len(json.loads(run.stdout)) == 10_002
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, "check", "hello", "--ignore", "class-missing"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in {0, 1}, run.stderr
    assert run.stderr == ""
