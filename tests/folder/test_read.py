"""Reading: every folder FLARE wrote, every spelling it accepts, and a sentence for what is wrong."""

import json
from pathlib import Path

import pytest

from fedjob.errors import FolderError
from fedjob.folder.read import read
from fedjob.folder.write import write
from tests.folder.models import make_job

EXPORTED = Path(__file__).parents[1] / "data" / "flare"
FOLDERS = sorted(EXPORTED.glob("*/*"), key=str)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_a_folder_that_flare_wrote_is_written_again_in_the_same_bytes(folder, tmp_path):
    written = write(read(folder), tmp_path)
    assert tree(written) == tree(folder)


def test_all_releases_are_there():
    assert {p.parent.name for p in FOLDERS} == {"2.5", "2.6", "2.7", "2.8", "2.9"}


@pytest.fixture
def folder(tmp_path):
    return write(make_job(tmp_path), tmp_path / "jobs")


SERVER = "app/config/config_fed_server.json"
CLIENT = "app/config/config_fed_client.json"


def edit(folder: Path, file: str, change) -> None:
    data = json.loads((folder / file).read_text())
    change(data)
    (folder / file).write_text(json.dumps(data))


CASES = {
    "path of wrong type": (
        SERVER,
        lambda d: d["workflows"][0].update(path=7),
        "unexpected type int (expected str) in 'app/config/config_fed_server.json: workflows[0].path'",
    ),
    "bool is not a number": (
        "meta.json",
        lambda d: d.update(min_clients=True),
        "unexpected type bool (expected int) in 'meta.json: min_clients'",
    ),
    "component without a class": (
        SERVER,
        lambda d: d["components"][1].pop("path"),
        "missing required value in 'app/config/config_fed_server.json: components[1].path'",
    ),
    "tasks as text": (
        CLIENT,
        lambda d: d["task_result_filters"][0].update(tasks="train"),
        "unexpected type str (expected list) in 'app/config/config_fed_client.json: task_result_filters[0].tasks'",
    ),
    "null arguments": (
        CLIENT,
        lambda d: d["executors"][0]["executor"].update(args=None),
        "unexpected type null (expected object) in 'app/config/config_fed_client.json: executors[0].executor.args'",
    ),
    "filter in a chain": (
        CLIENT,
        lambda d: d["task_result_filters"][0]["filters"].append([]),
        "unexpected type list (expected object) in "
        "'app/config/config_fed_client.json: task_result_filters[0].filters[2]'",
    ),
    "another dialect": (
        SERVER,
        lambda d: d.update(format_version=3),
        "unsupported format_version 3 (FLARE reads 2) in 'app/config/config_fed_server.json: format_version'",
    ),
    "app that is not there": (
        "meta.json",
        lambda d: d["deploy_map"].update(other=["site-1"]),
        "the job has no app folder 'other' in 'meta.json: deploy_map.other'",
    ),
    "app outside the folder": (
        "meta.json",
        lambda d: d.update(deploy_map={"../app": ["@ALL"]}),
        "app name '../app' is not a plain directory name",
    ),
    "sites of no known form": (
        "meta.json",
        lambda d: d.update(deploy_map={"app": [{"where": "x"}]}),
        "missing required value in 'meta.json: deploy_map.app[0].sites'",
    ),
    "no name": ("meta.json", lambda d: d.pop("name"), "missing required value in 'meta.json: name'"),
    "path-bearing name": (
        "meta.json",
        lambda d: d.update(name="../x"),
        "job name '../x' is not a plain directory name",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_named_with_its_place(folder, case):
    file, change, message = CASES[case]
    edit(folder, file, change)
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == message


BROKEN = {
    "cut": (b'{"a": ', "not JSON: Expecting value (line 1, column 7)"),
    "key twice": (b'{"a": {"b": 1, "b": 2}}', "key 'b' stands twice in one object"),
    "latin-1": ('{"a": "\xe9"}'.encode("latin-1"), "not UTF-8 text (byte 7)"),
    "a list": (b"[]", "unexpected type list (expected object)"),
    "too deep": (b"[" * 100_000, "nested too deeply to be a configuration"),
    "conflict markers": (b'<<<<<<< HEAD\n{"a": 1}', "not JSON: Expecting value (line 1, column 1)"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_no_configuration(folder, case):
    content, message = BROKEN[case]
    (folder / SERVER).write_bytes(content)
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == f"{message} in {SERVER!r}"


def test_something_that_is_not_a_job(tmp_path):
    with pytest.raises(FolderError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path} is not a job folder: it has no meta.json"
    with pytest.raises(FolderError) as caught:
        read(tmp_path / "gone")
    assert str(caught.value) == (
        f"{tmp_path / 'gone'} is not a directory; a job folder holds meta.json and one folder per app"
    )


def test_a_link_out_of_the_tree_is_refused(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    (folder / "app/custom/key.py").symlink_to(secret)
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == f"symbolic link out of the job folder, to {secret} in 'app/custom/key.py'"


def test_a_link_to_a_directory_is_refused(folder):
    (folder / "app/custom/loop").symlink_to(folder)
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == "symbolic link to a directory in 'app/custom/loop'"


def test_a_link_within_the_tree_is_its_file(folder):
    (folder / "app/custom/same.py").symlink_to(folder / "app/custom/src/train.py")
    by_path = {file.path: file.sha256 for file in read(folder).app("app").files}
    assert by_path["custom/same.py"] == by_path["custom/src/train.py"]


def test_yaml_says_the_same_as_json(folder):
    import yaml

    expected = read(folder)
    for file in (SERVER, "meta.json"):
        data = json.loads((folder / file).read_text())
        (folder / file).with_suffix(".yml").write_text(yaml.safe_dump(data, sort_keys=False))
        (folder / file).unlink()
    assert read(folder) == expected


def test_yaml_that_json_cannot_say(folder):
    (folder / SERVER).unlink()
    (folder / SERVER).with_suffix(".yml").write_text(
        "format_version: 2\ncomponents:\n- {path: a.B, args: {on: 1}}\n"
    )
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == (
        "key True is not text; put it in quotes in 'app/config/config_fed_server.yml: components[0].args'"
    )


def test_hocon_is_read_when_its_parser_is_installed(folder):
    pytest.importorskip("pyhocon")
    expected = read(folder)
    text = (folder / SERVER).read_text()
    (folder / SERVER).unlink()
    (folder / SERVER).with_suffix(".conf").write_text(text.strip().removeprefix("{").removesuffix("}"))
    assert read(folder) == expected


def test_hocon_without_its_parser(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyhocon", None)
    (folder / SERVER).rename((folder / SERVER).with_suffix(".conf"))
    with pytest.raises(FolderError) as caught:
        read(folder)
    assert str(caught.value) == (
        "HOCON needs pyhocon: pip install 'pytest-fedjob[hocon]' in 'app/config/config_fed_server.conf'"
    )


def test_sites_in_all_spellings(folder):
    for spelling in ("@ALL", ["@ALL"], {"sites": ["@ALL"]}, [{"targets": "@ALL"}]):
        edit(folder, "meta.json", lambda d, s=spelling: d.update(deploy_map={"app": s}))
        assert read(folder).meta.deploy_map == {"app": ("@ALL",)}


def test_unknown_keys_survive(folder, tmp_path):
    edit(folder, SERVER, lambda d: d.update(server={"task_request_interval": 0.1}))
    edit(folder, SERVER, lambda d: d["workflows"][0].update(disabled=True))
    edit(folder, "meta.json", lambda d: d.update(study="s1"))
    again = read(write(read(folder), tmp_path / "again"))
    server = again.app("app").server
    assert server.extra == {"server": {"task_request_interval": 0.1}}
    assert server.workflows[0].extra == {"disabled": True}
    assert again.meta.extra == {"study": "s1"}


def test_ten_thousand_files_and_large_data(folder):
    many = folder / "app/custom/many"
    many.mkdir()
    for i in range(10_000):
        (many / f"{i}.txt").touch()
    with (folder / "app/custom/large.bin").open("wb") as file:
        file.truncate(100_000_000)
    files = read(folder).app("app").files
    assert len(files) == 10_004
    assert next(f for f in files if f.path == "custom/large.bin").size == 100_000_000
