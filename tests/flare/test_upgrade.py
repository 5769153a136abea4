"""The upgrade report on FLARE's documentation example, against the exporters and classes of both real releases."""

import json
import os
import shutil
import subprocess

import pytest

from fedjob.cli import main
from fedjob.flare.releases import Release
from fedjob.folder.checks.walk import spots
from fedjob.folder.diff import diff
from fedjob.folder.read import read
from fedjob.folder.upgrade import change_to_dict
from tests.flare import comparison

EXAMPLE = comparison.HERE / "documentation"
JOB = "cifar10_fedavg"
#: Exactly the releases that test_export.py compares with; an upgrade needs two of them.
PAIRS = [(old, new) for old in comparison.releases() for new in comparison.releases() if old < new]
pytestmark = pytest.mark.flare

#: Runs in an environment of FLARE: which of the classes are there, and what their constructors default to.
FACTS = """
import importlib, inspect, json, sys

def defaults(cls):
    found = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        for p in parameters:
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                default = "required" if p.default is p.empty else getattr(p.default, "value", p.default)
                found.setdefault(p.name, default)
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return found

facts = {}
for path in sys.argv[1:]:
    module, _, name = path.rpartition(".")
    try:
        facts[path] = defaults(getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError):
        facts[path] = None
print(json.dumps(facts, default=str))
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """FLARE's own export of the example for a release, and a function that tells facts of its classes."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "upgrade"
    shared.mkdir(exist_ok=True)

    def of(release, package=False):
        interpreter = comparison.python(release)
        if interpreter is None:
            pytest.skip(f"nvflare=={comparison.VERSIONS[release]} is not installed here")
        work = shared / f"{release}{'-package' if package else ''}"
        with comparison.locked(shared / f"{work.name}.lock"):
            if not work.exists():
                _export(interpreter, work, package=package)
        return interpreter, work / "job_config" / JOB

    return of


def _export(interpreter, work, *, package):
    part = work.with_name(f"{work.name}.part")
    shutil.copytree(EXAMPLE, part)
    script = part / "job.py"
    # FLARE's simulator must not start here: the script is run up to its export.
    script.write_text(script.read_text().replace('job.simulator_run("workdir", n_clients=2)\n', ""))
    if package:
        (part / "src" / "__init__.py").touch()
        client = part / "src" / "cifar10_fl.py"
        client.write_text(client.read_text().replace("from src.net import Net", "from net import Net"))
    subprocess.run([interpreter, "job.py"], cwd=part, check=True, capture_output=True)
    part.rename(work)


def facts(interpreter, paths):
    done = subprocess.run([interpreter, "-c", FACTS, *paths], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def report(capsys):
    def of(old, new):
        assert main(["upgrade", str(EXAMPLE / "job.py"), "--from", old, "--to", new, "--json"]) in {0, 1}
        return json.loads(capsys.readouterr().out)

    return of


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_report_is_complete(real, report, old, new):
    (old_python, old_folder), (new_python, new_folder) = real(old), real(new)
    before, after = read(old_folder), read(new_folder)
    told = report(old, new)
    # What changes in the export is what differs between the two real exports.
    changes = [change_to_dict(change) for change in diff(before, after)]
    assert told["changes"] == json.loads(json.dumps(changes))
    # The classes that vanish and appear are those that the real packages lack.
    ours = [
        {s.component.path for s in spots(model) if s.component.path.startswith("nvflare.")}
        for model in (before, after)
    ]
    paths = sorted(ours[0] | ours[1])
    was, now = facts(old_python, paths), facts(new_python, paths)
    assert told["classes_gone"] == [p for p in sorted(ours[0]) if now[p] is None]
    assert told["classes_new"] == [p for p in sorted(ours[1]) if was[p] is None]
    # Defaults that the job relies on, read from the constructors themselves.
    partners = {spot.place: spot for spot in spots(before)}
    expected = [
        (spot.place, word, default, two[word])
        for spot in spots(after)
        if (partner := partners.get(spot.place)) is not None
        and (one := was.get(partner.component.path)) is not None
        and (two := now.get(spot.component.path)) is not None
        for word, default in one.items()
        if word in two
        and default != two[word]
        and not {word} & {*partner.component.args, *spot.component.args}
    ]
    assert sorted(map(repr, expected)) == sorted(
        repr((d["place"], d["argument"], d["before"], d["after"])) for d in told["defaults"]
    )
    # The export for the new release is in order, and an old folder runs there only if its classes are there.
    assert told["findings"] == []
    if told["old_folder_runs"]:
        assert told["classes_gone"] == []


@pytest.mark.skipif(("2.5", "2.9") not in PAIRS, reason="2.5 and 2.9 were not asked for")
def test_from_2_5_to_2_9(report):
    told = report("2.5", "2.9")
    assert len(told["classes_gone"]) == len(told["classes_new"]) == 1
    assert told["changes"]
    assert told["defaults"]
    assert not told["old_folder_runs"]


@pytest.mark.parametrize("release", comparison.releases())
def test_an_import_that_2_9_no_longer_follows_is_found_without_running_it(real, capsys, release):
    """``from net import Net`` in a package directory: up to 2.8 FLARE copies net.py once more, to where it is found."""
    _, folder = real(release, package=True)
    broken = Release.of(release) >= Release.of("2.9")
    assert (folder / "app/custom/net.py").exists() is not broken
    assert main(["check", str(folder), "--release", release]) == int(broken)
    found = (
        "error import-missing: app: custom/src/cifar10_fl.py\n"
        "  line 6 imports 'net'; custom/src/net.py is not found under that name, since only custom/ is searched\n"
        "  import it as 'src.net'\n"
        "\n"
        f"{folder}: 1 error, 0 warnings\n"
    )
    assert capsys.readouterr().out == (found if broken else f"{folder}: nothing found\n")
