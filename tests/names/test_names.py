"""The table against itself, and against the installed FLARE."""

import importlib
import importlib.util
import inspect
from importlib.metadata import PackageNotFoundError, version

import pytest

from fedjob.errors import NameUnknown, ReleaseError
from fedjob.flare import names, signatures
from fedjob.flare.releases import NEWEST
from fedjob.job.api import FedJob

#: FLARE's names for Lightning exist, as ours do, where Lightning is installed.
TABLE = [
    n for n in names.names() if ".lightning" not in n.path or importlib.util.find_spec("pytorch_lightning")
]


def flare_installed():
    try:
        return version("nvflare").startswith(str(NEWEST))
    except PackageNotFoundError:
        return False


def load(name):
    """Our object; what needs a package that is not installed is left to where it is."""
    try:
        return name.load()
    except ModuleNotFoundError as error:
        if (error.name or "fedjob").partition(".")[0] in {"fedjob", "nvflare", "numpy"}:
            raise
        pytest.skip(f"{error.name} is not installed here")


@pytest.mark.parametrize("name", TABLE, ids=lambda n: n.path)
def test_every_row_loads(name):
    assert load(name) is not None


@pytest.mark.parametrize("name", TABLE, ids=lambda n: n.path)
def test_a_class_lives_where_the_table_says(name):
    loaded = load(name)
    # FLARE's StreamContext is another name of dict.
    if inspect.isclass(loaded) and loaded.__module__ != "builtins":
        module, _, attribute = name.target.partition(":")
        assert (loaded.__module__, loaded.__qualname__) == (module, attribute)


def test_no_name_has_two_objects_in_one_release():
    seen = {}
    for name in TABLE:
        for release in name.releases:
            assert seen.setdefault((name.path, release), name.target) == name.target


@pytest.mark.flare
@pytest.mark.skipif(not flare_installed(), reason="the newest nvflare is not installed here")
@pytest.mark.parametrize("name", [n for n in TABLE if NEWEST in n.releases], ids=lambda n: n.path)
def test_the_installed_flare_has_the_name(name):
    if name.target.endswith(":*"):
        importlib.import_module(name.path)
        return
    module, _, attribute = name.path.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        if (error.name or "").startswith("nvflare"):
            raise
        pytest.skip(f"{error.name} is not installed here")
    assert hasattr(found, attribute)


@pytest.mark.flare
@pytest.mark.skipif(not flare_installed(), reason="the newest nvflare is not installed here")
@pytest.mark.parametrize("path", sorted(p for p in signatures.paths() if signatures.of(p, NEWEST)))
def test_the_parameters_are_those_of_the_installed_flare(path):
    module, _, attribute = path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        if (error.name or "").startswith("nvflare"):
            raise
        pytest.skip(f"{error.name} is not installed here")
    known, own = list(signatures.of(path, NEWEST)), list(inspect.signature(cls.__init__).parameters)
    assert [name for name in own if name in known] == [name for name in known if name in own]
    assert set(own) - set(known) <= {"self", "args", "kwargs"} | {
        p.name for p in inspect.signature(cls.__init__).parameters.values() if p.kind.name.startswith("VAR")
    }


def test_load_and_path_of_invert_each_other():
    assert names.load("nvflare.job_config.api.FedJob") is FedJob
    assert names.path_of(FedJob) == names.path_of(FedJob("x")) == "nvflare.job_config.api.FedJob"


def test_what_is_not_in_the_table_has_no_path():
    assert names.path_of(test_every_row_loads) is None
    assert names.path_of(object()) is None


def test_an_unknown_name_says_who_can_run_it():
    with pytest.raises(NameUnknown) as caught:
        names.load("nvflare.nowhere.Nothing")
    assert str(caught.value) == (
        "nvflare.nowhere.Nothing is not part of the embedded FLARE; install nvflare and run with "
        'engine="simulator" to use it'
    )
    assert caught.value.name == "nvflare.nowhere.Nothing"


def test_a_name_that_a_release_lacks_says_which_have_it():
    path = "nvflare.job_config.script_runner.BaseScriptRunner"
    with pytest.raises(ReleaseError) as caught:
        names.path_of(names.load(path), "2.9")
    assert str(caught.value) == (
        f"FLARE 2.9 has no {path}; export for 2.5 or 2.6 or 2.7 or 2.8, or use another class"
    )
    assert names.path_of(names.load(path), "2.8") == path
