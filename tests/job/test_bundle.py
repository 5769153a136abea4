"""Which files travel: collisions, escapes, links, installed packages."""

import importlib
import subprocess
import sys

import pytest

from fedjob.errors import FedJobError, ForeignFolder, ResourceError
from fedjob.job import FedJob
from fedjob.job.file_source import FileSource
from tests.job.conftest import travelling


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_suffix(".py") if "." not in path.name else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def refused(call):
    with pytest.raises(ResourceError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def component(repo):
    """Import a class of the user's, whose module is forgotten afterwards."""
    known = set(sys.modules)

    def load(module, name="C"):
        importlib.invalidate_caches()
        return getattr(importlib.import_module(module), name)()

    yield load
    for name in set(sys.modules) - known:
        if str(repo) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_relative_imports_stay_within_their_package(job, repo, component):
    write(
        repo,
        pkg__a="from .b import x\nfrom . import c\nclass C: ...\n",
        pkg__b="x = 1\n",
        pkg__c="",
        pkg__d="",
    )
    job.to_server(component("pkg.a"))
    assert travelling(job) == ["custom/pkg/a.py", "custom/pkg/b.py", "custom/pkg/c.py"]


def test_an_import_that_leaves_its_package_is_refused(job, repo):
    write(repo, pkg__a="from ... import x\n")
    job.to_server("pkg/a.py")
    assert refused(job.freeze) == (
        f"relative import ...x in {repo}/pkg/a.py leaves the root of its package; run from the directory above the "
        "package, or import absolutely"
    )


def test_a_script_from_above_is_refused(job, repo, monkeypatch):
    write(repo, outside="")
    (repo / "below").mkdir()
    monkeypatch.chdir(repo / "below")
    job.to_server("../outside.py")
    assert refused(job.freeze) == (
        "script ../outside.py lies outside the directory it is named from; run from a directory above it"
    )


def test_a_link_out_of_the_root_is_refused(job, repo, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.py"
    secret.write_text("key = 1\n")
    (repo / "helper.py").symlink_to(secret)
    write(repo, main="import helper\n")
    job.to_server("main.py")
    assert (
        refused(job.freeze)
        == f"{secret} lies outside {repo}, so it cannot travel; put it below that directory"
    )


def test_two_files_for_one_place_are_refused(job, repo, component):
    write(
        repo,
        src__util="a = 1\n",
        src__main="import util\n",
        util="b = 2\n",
        other="import util\nclass C: ...\n",
    )
    job.to_server(component("other"))
    job.to_server("src/main.py")
    assert refused(job.freeze) == (
        f"{repo}/util.py and {repo}/src/util.py both want the place custom/util.py; rename one of them"
    )


def test_code_that_does_not_parse_is_named(job, repo):
    write(repo, broken="def f(:\n")
    job.to_server("broken.py")
    assert refused(job.freeze) == f"{repo}/broken.py:1 is not valid Python (invalid syntax) and cannot travel"


def test_an_installed_package_is_reported_and_not_copied(job):
    import yaml

    class Loader(yaml.SafeLoader): ...

    job.to_server(yaml.nodes.ScalarNode("tag", "value"))
    assert travelling(job) == []
    assert [str(f) for f in job.findings()][-1] == (
        "CodeNotCopied in module yaml.nodes: yaml is an installed package, so its code does not travel (FLARE copies "
        "nodes.py and what it imports); it must be installed at the site"
    )


def test_a_class_that_was_typed_in_is_refused():
    program = "from fedjob.job import FedJob\nclass Typed: ...\njob = FedJob()\njob.to_server(Typed())\njob.freeze()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "fedjob.errors.JobError: Typed was defined interactively, so its code cannot travel; put it in a file"
    )


def test_a_missing_absolute_script_is_reported(job):
    job.to_clients("/nowhere/train.py")
    assert travelling(job) == []
    assert [str(f) for f in job.findings()] == [
        "FileMissing in @ALL: script /nowhere/train.py: the file is not here and does not travel; it must be at the "
        "site already"
    ]


def test_files_land_where_they_are_told(job, repo):
    write(repo, **{"data.txt": "x", "tree__a.txt": "a", "tree__sub__b.bin": "b"})
    job.to_server(FileSource("data.txt", dest_dir="deep/er"))
    job.to_server(FileSource("tree", app_folder_type="config"))
    job.to_clients("tree")
    assert travelling(job) == [
        "config/a.txt", "config/sub/b.bin", "custom/a.txt", "custom/deep/er/data.txt", "custom/sub/b.bin",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nowhere.txt",), "src_path nowhere.txt does not exist"),
        (("f.txt", "/abs"), "dest_dir /abs must not be absolute: it is a place below custom/ or config/"),
        (("f.txt", 3), "dest_dir must be a str, but got int"),
        (("f.txt", "a", "local"), "invalid app_folder_type 'local': choose one of custom, config"),
    ],
)
def test_wrong_file_sources(repo, arguments, expected):
    (repo / "f.txt").write_text("x")
    with pytest.raises(FedJobError) as caught:
        FileSource(*arguments)
    assert str(caught.value) == expected


def test_a_place_outside_the_app_is_refused(job, repo):
    (repo / "f.txt").write_text("x")
    job.to_server(FileSource("f.txt", dest_dir="../.."))
    assert refused(job.freeze) == "dest_dir '../..' leaves the app; use a path below it"


def test_paths_count_from_where_they_were_said(job, repo, monkeypatch, tmp_path_factory):
    write(repo, train="import near\n", near="")
    job.to_clients("train.py")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for release in ("2.6", "2.9"):
        assert travelling(job, release) == ["custom/near.py", "custom/train.py"]


def test_an_export_never_removes_what_is_not_its_own(job, repo):
    (repo / "out" / "job").mkdir(parents=True)
    (repo / "out" / "job" / "thesis.tex").write_text("years of work")
    with pytest.raises(ForeignFolder):
        job.export_job("out")
    assert (repo / "out" / "job" / "thesis.tex").read_text() == "years of work"


def test_a_failed_export_leaves_the_old_one(job, repo):
    job.export_job("out")
    before = sorted((p, p.read_bytes()) for p in (repo / "out").rglob("*") if p.is_file())
    job.to_server("late.py") if (repo / "late.py").write_text("def f(:") else None
    with pytest.raises(ResourceError):
        job.export_job("out")
    assert sorted((p, p.read_bytes()) for p in (repo / "out").rglob("*") if p.is_file()) == before


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import near", True),
        ("from near import *", True),
        ("import near, other", False),
        ("import other; import near", False),
        ("if True: import near", False),
        ("    import near", True),
        ("from near \\\n    import x", True),
        ("import importlib; importlib.import_module('near')", False),
    ],
)
def test_old_releases_follow_imports_by_the_line(job, repo, line, found):
    write(repo, train=f"if True:\n{line}\n" if line.startswith(" ") else f"{line}\n", near="x = 1\n")
    job.to_clients("train.py")
    assert ("custom/near.py" in travelling(job, "2.8")) is found


def test_main_is_spelled_by_old_releases_without_its_letters():
    from pathlib import Path

    from fedjob.job.imports import CodeFollower
    from fedjob.job.imports_legacy import LegacyFollower

    nothing = (frozenset(), lambda place, source: None, Path())
    assert LegacyFollower(*nothing).main_module(Path("probe.py")) == "robe"
    assert CodeFollower(*nothing).main_module(Path("probe.py")) == "probe"


def test_app_packages_do_not_travel(job, repo, component):
    write(repo, mine__a="class C: ...\n")
    job.to_server(component("mine.a"))
    assert travelling(job) == ["custom/mine/a.py"]
    job.set_app_packages(["mine"])
    assert travelling(job) == []
    with pytest.raises(FedJobError, match=r"^FLARE 2\.6 has no set_app_packages; it came with 2\.7$"):
        job.freeze("2.6")
    assert isinstance(FedJob("x").job.app_packages, list)
