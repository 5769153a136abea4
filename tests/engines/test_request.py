from pathlib import Path

import pytest

from fedjob.engines import RunRequest
from fedjob.errors import RequestError
from fedjob.folder.model import JobModel, Meta

WS = Path("ws")


def job(deploy_map=None, **meta):
    filled = {"resource_spec": {}, "min_clients": 1, "mandatory_clients": None, "extra": {}, **meta}
    return JobModel(meta=Meta(name="j", deploy_map=deploy_map or {"app": ("@ALL",)}, **filled), apps=())


SPLIT = {"app_server": ("server",), "app_a": ("site-a",), "app_b": ("site-b",)}


def test_sites_are_numbered_named_or_the_jobs_own():
    assert RunRequest(workspace=WS).sites(job()) == ("site-1", "site-2")
    assert RunRequest(workspace=WS, n_clients=3).sites(job()) == ("site-1", "site-2", "site-3")
    assert RunRequest(workspace=WS, clients=("x", "y")).sites(job()) == ("x", "y")
    assert RunRequest(workspace=WS).sites(job(SPLIT)) == ("site-a", "site-b")
    assert RunRequest(workspace=WS, clients=("site-b",)).sites(job(SPLIT)) == ("site-b",)


def test_what_a_request_leaves_open_is_the_jobs_the_scripts_or_what_the_job_needs():
    assert RunRequest(workspace=WS).sites(job(min_clients=3)) == ("site-1", "site-2", "site-3")
    assert RunRequest(workspace=WS, default_sites=4).sites(job(min_clients=3))[-1] == "site-4"
    assert RunRequest(workspace=WS, default_sites=("x", "y")).sites(job()) == ("x", "y")
    assert RunRequest(workspace=WS, default_sites=4, n_clients=1).sites(job()) == ("site-1",)
    assert RunRequest(workspace=WS, default_sites=4, clients=("x",)).sites(job()) == ("x",)
    assert RunRequest(workspace=WS, default_sites=4).sites(job(SPLIT)) == ("site-a", "site-b")


def test_a_number_is_taken_where_the_job_names_just_these_sites():
    numbered = job({"a": ("site-2", "server"), "b": ("site-1",)})
    assert RunRequest(workspace=WS, n_clients=2).sites(numbered) == ("site-2", "site-1")
    with pytest.raises(RequestError, match=r"\['site-2', 'site-1'\], so n_clients=1 cannot be used"):
        RunRequest(workspace=WS, n_clients=1).sites(numbered)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"n_clients": 2, "clients": ("a",)},
            "n_clients=2 and clients=['a'] were both given; give one of them",
        ),
        ({"n_clients": 0}, "n_clients must be a positive integer, not 0"),
        ({"n_clients": True}, "n_clients must be a positive integer, not True"),
        ({"default_sites": 0}, "default_sites must be a positive integer, not 0"),
        ({"default_sites": ("a", "a")}, "clients names a site twice: ['a', 'a']"),
        ({"threads": -1}, "threads must be a positive integer, not -1"),
        ({"concurrent_runs": 0}, "concurrent_runs must be a positive integer, not 0"),
        ({"concurrent_runs": None}, "concurrent_runs must be a positive integer, not None"),
        ({"clients": ("a", "a")}, "clients names a site twice: ['a', 'a']"),
        ({"clients": ("server",)}, "a client cannot be named 'server': that is the server's own name"),
        ({"timeout": 0}, "timeout must be a positive number of seconds, not 0"),
        ({"timeout": float("inf")}, "timeout must be a positive number of seconds, not inf"),
        ({"isolation": "thread"}, "unknown isolation 'thread'; choose one of process, shared, inline"),
    ],
)
def test_contradictions_are_refused(fields, message):
    with pytest.raises(RequestError) as e:
        RunRequest(workspace=WS, **fields)
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("request_fields", "model", "message"),
    [
        (
            {"n_clients": 2},
            job(min_clients=3),
            "job 'j' needs min_clients=3 sites but only 2 would run: ['site-1', 'site-2']",
        ),
        (
            {"default_sites": 2},
            job(min_clients=3),
            "job 'j' needs min_clients=3 sites but only 2 would run: ['site-1', 'site-2']",
        ),
        (
            {},
            job(mandatory_clients=("site-9",)),
            "mandatory clients ['site-9'] do not run; sites are ['site-1', 'site-2']",
        ),
        (
            {"n_clients": 2},
            job(SPLIT),
            "the job names its sites ['site-a', 'site-b'], so n_clients=2 cannot be used; leave it out, "
            "or send the objects to all clients with to_clients()",
        ),
        (
            {"clients": ("site-x",)},
            job(SPLIT),
            "the job has no app for ['site-x']; it names ['site-a', 'site-b']",
        ),
    ],
)
def test_a_request_must_fit_the_job(request_fields, model, message):
    with pytest.raises(RequestError) as e:
        RunRequest(workspace=WS, **request_fields).sites(model)
    assert str(e.value) == message
