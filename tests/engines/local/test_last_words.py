"""What sites say as they end is dealt with before the server ends."""

import pytest

from fedjob import FedAvg, FedJob, FrameworkType, ScriptRunner
from fedjob.components.persistors.np import NPModelPersistor
from jobs import ISOLATIONS, run

PARTS = """
import time
from pathlib import Path

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.shareable import Shareable, make_reply

SIZE = 200_000


class Says(FLComponent):
    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.ABOUT_TO_END_RUN:
            for number in range(5):
                data = Shareable({"n": number, "bytes": bytes(SIZE)})
                fl_ctx.get_engine().fire_and_forget_aux_request("last", data, fl_ctx)
                self.fire_fed_event("last_event", data, fl_ctx)


class Hears(FLComponent):
    def __init__(self):
        super().__init__()
        self.heard = []

    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            fl_ctx.get_engine().register_aux_message_handler("last", self.take)
        elif event_type == "last_event":
            self.note("event", fl_ctx.get_prop("__event_data__"))
        elif event_type == EventType.END_RUN:
            run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
            Path(run_dir, "heard.txt").write_text(" ".join(sorted(self.heard)))

    def take(self, topic, request, fl_ctx):
        self.note("aux", request)
        return make_reply(ReturnCode.OK)

    def note(self, kind, data):
        time.sleep(0.01 * data["n"])
        assert len(data["bytes"]) == SIZE
        self.heard.append(f"{kind}{data['n']}")
"""

TRAIN = """
import nvflare.client as flare

flare.init()
model = flare.receive()
flare.send(flare.FLModel(params=model.params, metrics={"accuracy": 0.5}))
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_it_is_dealt_with(tmp_path, monkeypatch, isolation):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last_parts.py").write_text(PARTS)
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.syspath_prepend(tmp_path)
    from fedjob.flare import shim

    with shim.active():
        from last_parts import Hears, Says

        job = FedJob(name="job", min_clients=2)
        job.to_server(FedAvg(num_clients=2, num_rounds=1))
        job.to_server(NPModelPersistor(), id="persistor")
        job.to_server(Hears())
        job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
        job.to_clients(Says())
        result = run(job, tmp_path, isolation=isolation)
    assert result.ok, result
    heard = (result.workspace / "server" / "simulate_job" / "heard.txt").read_text().split()
    assert heard == sorted(f"{kind}{n}" for kind in ("aux", "event") for n in range(5) for _ in range(2))
