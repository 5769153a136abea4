"""simulator_run: what it asks the local engine for, and how it answers."""

import pytest

from fedjob import engines
from fedjob.errors import FedJobError, RunFailed
from fedjob.folder.read import read
from fedjob.job import run
from fedjob.result import RunResult
from tests.job.parts import Part


class Engine:
    """Keeps what it was asked for."""

    name = "local"
    problems = ()

    def run(self, folder, request):
        self.model, self.request = read(folder), request
        return RunResult(
            engine="local",
            job=self.model.meta.name,
            status="ok",
            workspace=request.workspace,
            sites=request.sites(self.model),
            rounds=(),
            problems=self.problems,
        )


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr(run, "get", {"local": engine}.__getitem__)
    assert engines.get  # the real one is not asked
    return engine


def refused(call):
    with pytest.raises(FedJobError) as caught:
        call()
    return str(caught.value)


def test_sites_are_counted_or_named(job, engine, repo):
    job.to_clients(Part())
    assert job.simulator_run("ws", n_clients=3) == 0
    assert engine.request.clients == ("site-1", "site-2", "site-3")
    assert job.simulator_run("ws", clients=["a", "b"]) == 0
    assert engine.request.clients == ("a", "b")


def test_the_request_is_what_was_said(job, engine, repo):
    job.to(Part(), "site-1")
    assert job.simulator_run("ws", threads=1, gpu="0", log_config="full") == 0
    request = engine.request
    assert (str(request.workspace), request.threads, request.gpu, request.log_config) == (
        "ws",
        1,
        "0",
        "full",
    )
    assert request.source_roots[0] == repo
    assert engine.model == job.freeze()


def test_how_many_sites_must_be_said(job, engine):
    job.to_clients(Part())
    assert refused(lambda: job.simulator_run("ws")) == (
        "job 'job' goes to all clients and does not say how many there are; give n_clients or clients"
    )
    assert (
        refused(lambda: job.simulator_run("ws", n_clients=-1)) == "n_clients must be at least 1, but got -1"
    )


def test_named_sites_are_not_counted(job, engine):
    job.to(Part(), "a")
    assert refused(lambda: job.simulator_run("ws", n_clients=2)) == (
        "job 'job' names its clients ['a'], so n_clients=2 cannot be used; leave one of them out"
    )


def test_a_failed_run_raises(job, engine, monkeypatch):
    engine.problems = ("site-1 never answered",)
    job.to(Part(), "site-1")
    with pytest.raises(RunFailed) as caught:
        job.simulator_run("ws")
    assert str(caught.value) == "job 'job' failed: site-1 never answered"
    assert caught.value.result.problems == engine.problems
    monkeypatch.setattr(run, "SILENT", True)
    assert job.simulator_run("ws") == 2
