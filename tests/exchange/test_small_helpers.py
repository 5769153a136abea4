import socket
import warnings

import pytest

from fedjob.exchange import deprecated as own
from fedjob.exchange.fedprox import get_fedprox_mu, normalize_fedprox_mu, set_fedprox_metadata
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.keys import WorkspaceConstants
from fedjob.exchange.optional import LazyImportError, optional_import
from fedjob.exchange.ports import get_local_addresses, get_open_ports
from fedjob.exchange.workspace import Workspace


def test_ports_are_open_and_different():
    ports = get_open_ports(5)
    assert len(set(ports)) == 5
    with socket.socket() as server:
        server.bind(("", ports[0]))
    assert [a.rpartition(":")[0] for a in get_local_addresses(2, "host")] == ["host", "host"]
    assert get_local_addresses(1)[0].startswith("127.0.0.1:")


@pytest.mark.parametrize(("given", "kept"), [(None, None), (0, None), (0.0, None), (1, 1.0), (0.5, 0.5)])
def test_a_coefficient_is_a_float_or_none(given, kept):
    assert normalize_fedprox_mu(given) == kept
    model = FLModel(params={}, meta={"fedprox_mu": 9, "other": 1})
    set_fedprox_metadata(model, kept)
    assert model.meta == ({"other": 1} if kept is None else {"other": 1, "fedprox_mu": kept})


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({}, "the model's meta has no 'fedprox_mu'; give the workflow a fedprox_mu above 0"),
        ({"fedprox_mu": 0}, "fedprox_mu must be a finite positive number, but got 0"),
        ({"fedprox_mu": True}, "fedprox_mu must be a finite positive number, but got True"),
        ({"fedprox_mu": float("nan")}, "fedprox_mu must be a finite positive number, but got nan"),
    ],
)
def test_a_site_needs_a_coefficient_above_zero(meta, message):
    with pytest.raises(ValueError, match=message.replace("'", ".")):
        get_fedprox_mu(FLModel(params={}, meta=meta))
    assert get_fedprox_mu(FLModel(params={}, meta={"fedprox_mu": 2})) == 2.0


def test_a_deprecated_thing_says_so_once(monkeypatch):
    monkeypatch.setattr(own, "_said", set())

    @own.deprecated("use new")
    def old(x):
        return x + 1

    @own.deprecated
    class Old: ...

    with warnings.catch_warnings(record=True) as caught:
        assert (old(1), old(2)) == (2, 3)
        Old()
    assert [str(w.message) for w in caught] == [
        "Call to deprecated function old (use new).",
        "Call to deprecated class Old.",
    ]
    assert {w.filename for w in caught} == {__file__}
    with pytest.raises(TypeError, match="the reason must be a string, but is a int"):
        own.deprecated(3)


@pytest.mark.parametrize(
    ("op", "version", "there"),
    [("==", "", True), (">=", "1.20", True), ("<", "1.20", False), ("==", "0.1", False), ("~", "1", False)],
)
def test_a_version_may_be_asked_for(op, version, there):
    found, is_there = optional_import("numpy", op, version, "ndarray")
    assert is_there is there
    if there:
        assert found.__name__ == "ndarray"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"module": "no_such"}, r"import no_such \(ModuleNotFoundError: No module named 'no_such'\)\."),
        ({"module": "numpy", "name": "none"}, r"from numpy import none \(AttributeError: .*\)\."),
        ({"module": "numpy", "version": "0.1"}, r"import numpy: requires 'numpy==0.1', here is .*\."),
        ({"module": "no_such", "descriptor": "<{}>"}, "<import no_such>"),
    ],
)
def test_what_is_not_there_is_missed_when_it_is_used(kwargs, message):
    absent, is_there = optional_import(**kwargs)
    assert not is_there
    for use in (lambda: absent.x, lambda: absent(1)):
        with pytest.raises(LazyImportError, match=message):
            use()


def test_a_workspace_to_be_made_looks_for_other_roots_when_it_is_asked(tmp_path, monkeypatch):
    """Few of thousands of sites are; it says what one says whose directories are there."""
    for folder in ("startup", "local"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    monkeypatch.setenv(WorkspaceConstants.ENV_VAR_RESULT_ROOT, str(tmp_path / "results"))
    root = str(tmp_path / "root")
    workspaces = [Workspace._to_be_made(root, "site-1"), Workspace(root, "site-1")]
    assert [w.get_result_root("job") for w in workspaces] == [
        str(tmp_path / "results" / "site-1" / "job")
    ] * 2
    assert (
        [w.log_root for w in workspaces]
        == [w.audit_root for w in workspaces]
        == [str(tmp_path / "results")] * 2
    )
    with pytest.raises(AttributeError, match="no attribute 'other_root'"):
        _ = workspaces[0].other_root
