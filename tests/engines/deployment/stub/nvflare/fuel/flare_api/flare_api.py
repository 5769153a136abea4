"""FLARE's API of a deployment that plays what ``scenario.json`` in the startup kit says.

`sites`: those that are connected. `statuses`: of the job, one after another at each look, the last one for good.
`events`: what the recorder has written. `logs`: the sites' logs. `refuse`: at "login", "submit" or "download".
`history`: why the job is not scheduled. What is done with the deployment stands in ``done.jsonl``.
"""

import json
from pathlib import Path
from types import SimpleNamespace

JOB = "f00d"


class NoConnection(ConnectionError):
    pass


class Refused(Exception):
    pass


def new_secure_session(username, startup_kit_location, debug=False, timeout=10.0):
    print("Connecting to FLARE ...")
    return Session(username, Path(startup_kit_location))


class Session:
    def __init__(self, username, kit):
        self.kit = kit
        self.scenario = json.loads((kit / "scenario.json").read_text())
        self.statuses = list(self.scenario.get("statuses", ["SUBMITTED", "RUNNING", "FINISHED:COMPLETED"]))
        self.do("login", username)
        if self.scenario.get("refuse") == "login":
            raise NoConnection("cannot connect to server")

    def do(self, what, which):
        with (self.kit / "done.jsonl").open("a") as done:
            done.write(json.dumps([what, which]) + "\n")

    def get_system_info(self):
        return SimpleNamespace(client_info=[SimpleNamespace(name=name) for name in self.scenario["sites"]])

    def submit_job(self, folder):
        self.do("submit", json.loads(Path(folder, "meta.json").read_text())["deploy_map"])
        if self.scenario.get("refuse") == "submit":
            raise Refused("not authorized")
        return JOB

    def get_job_meta(self, job_id):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"status": status, "schedule_history": self.scenario.get("history", ["now: scheduled"])}

    def abort_job(self, job_id):
        self.do("abort", job_id)
        self.statuses = ["FINISHED:ABORTED"]

    def download_job_result(self, job_id):
        if self.scenario.get("refuse") == "download":
            raise Refused("no space left")
        place = self.kit / "transfer" / job_id
        (place / "job").mkdir(parents=True)
        (place / "workspace" / "models").mkdir(parents=True)
        (place / "workspace" / "models" / "server.npy").write_bytes(b"model")
        events = self.scenario.get("events")
        if events is not None:
            lines = "".join(json.dumps(event) + "\n" for event in events)
            (place / "workspace" / "fedjob_events.jsonl").write_text(lines)
        return str(place)

    def tail_target(self, target, options, file):
        assert file == f"{JOB}/log.txt"
        return self.scenario["logs"][target]

    def close(self):
        self.do("logout", None)
