"""Runs with doubles: what the server and the sites do is given as source, the rest is the real mechanism."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, replace

import pytest

from fedjob.engines.local.record import Recorder
from fedjob.engines.local.run import _plan, carry_out
from fedjob.engines.request import RunRequest
from fedjob.result.read import read_events
from jobs import isolated

PRELUDE = """
import os, sys, time, random, signal
import numpy as np
from fedjob.engines.local.custom import run_script, user_traceback
from fedjob.engines.local.link import LinkClosed, Message
from fedjob.engines.local.wire import freeze, thaw
"""

#: Sends every site a model for some rounds and adds up what comes back.
SERVER = """
def run_server(*, model, app, app_dir, sites, links, hub, record, workspace, request):
    total = np.zeros(SIZE)
    for number in range(ROUNDS):
        record.emit("round_started", round=number)
        body = freeze(total)
        for site in sites:
            links[site].send(Message(kind="task", headers={"round": number}, body=body))
        for site in sites:
            reply = links[site].inbox.get()
            if isinstance(reply, LinkClosed):
                record.emit("told", site=reply.peer)
                return False
            total = total + thaw(reply.body)
        record.emit("round_done", round=number, metrics=[{"name": "sum", "value": float(total.sum())}])
    record.emit("end", total=total[:3].tolist())
    return True
"""

#: Calls work(model, round, site, hub) for every task.
SITE = """
def run_site(*, model, app, app_dir, site, link, hub, record, workspace, request):
    while True:
        task = link.inbox.get()
        if isinstance(task, LinkClosed):
            return True
        number = task.headers["round"]
        record.at(site, number, "train")
        link.send(Message(kind="result", body=freeze(work(thaw(task.body), number, site, hub))))
"""


@dataclass
class Outcome:
    status: str
    events: list[dict]
    workspace: object

    def all(self, event):
        return [e for e in self.events if e["event"] == event]

    @property
    def errors(self):
        return self.all("error")

    def log(self, name):
        return (self.workspace / name / "log.txt").read_text()


@pytest.fixture
def crew(tmp_path):
    """crew(work=source of work(), ...) runs a job of doubles and returns its Outcome."""

    def run(
        work="def work(model, number, site, hub): return model + 1",
        *,
        site=SITE,
        server=SERVER,
        rounds=2,
        size=9,
        files=None,
        name="ws",
        **request,
    ):
        folder = tmp_path / f"{name}-job" / "doubles"
        custom = folder / "app" / "custom"
        (folder / "app" / "config").mkdir(parents=True, exist_ok=True)
        custom.mkdir(exist_ok=True)
        part = {"format_version": 2, "components": [], "task_data_filters": [], "task_result_filters": []}
        (folder / "app/config/config_fed_server.json").write_text(json.dumps({**part, "workflows": []}))
        (folder / "app/config/config_fed_client.json").write_text(json.dumps({**part, "executors": []}))
        meta = {"name": "doubles", "resource_spec": {}, "min_clients": 1, "deploy_map": {"app": ["@ALL"]}}
        (folder / "meta.json").write_text(json.dumps(meta))
        sizes = f"\nROUNDS, SIZE = {rounds}, {size}\n"
        (custom / "double.py").write_text(PRELUDE + sizes + server + site + textwrap.dedent(work))
        for path, text in (files or {}).items():
            (custom / path).parent.mkdir(parents=True, exist_ok=True)
            (custom / path).write_text(textwrap.dedent(text))
        plan = _plan(folder, RunRequest(workspace=tmp_path / name, **isolated(request)))
        plan = replace(plan, run_server="double:run_server", run_site="double:run_site")
        record = Recorder(plan.layout.events, start=plan.start)
        try:
            status = carry_out(plan, record)
        finally:
            record.close()
        events = read_events(plan.layout.workspace)
        return Outcome(status, events, plan.layout.workspace)

    return run
