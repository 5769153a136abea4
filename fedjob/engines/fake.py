"""An engine that plays scripted rounds: for tests of the plugin, and of plugins on top of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedjob.engines.request import RunRequest
from fedjob.folder.read import read
from fedjob.result import RunResult


@dataclass(frozen=True)
class FakeEngine:
    """Plays `rounds`, each a mapping of metric name to value that every site reports.

    `error` ends the run as failed, with that message at the first site.
    """

    rounds: Sequence[Mapping[str, float]] = ({"accuracy": 0.5}, {"accuracy": 0.9})
    error: str | None = None
    name: str = "fake"

    def run(self, folder: Path, request: RunRequest) -> RunResult:
        model = read(folder)
        sites = request.sites(model)
        events: list[dict[str, object]] = [
            {"event": "run_started", "engine": self.name, "job": model.meta.name, "sites": sites,
             "seed": request.seed},
        ]  # fmt: skip
        for number, metrics in enumerate(self.rounds):
            entries = [{"name": k, "value": v} for k, v in metrics.items()]
            events += [
                {"event": "contribution", "round": number, "site": s, "task": "train", "rc": "OK",
                 "metrics": entries, "weight": 1.0, "params": 1, "bytes": 0}
                for s in sites
            ]  # fmt: skip
            events.append({"event": "round_done", "round": number, "metrics": entries})
        if self.error:
            events.append(
                {
                    "event": "error",
                    "site": sites[0],
                    "kind": "exception",
                    "message": self.error,
                    "fatal": True,
                }
            )
        events.append(
            {"event": "run_ended", "status": "failed" if self.error else "ok", "reason": self.error}
        )
        request.workspace.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(e) + "\n" for e in events)
        (request.workspace / "events.jsonl").write_text(text)
        return RunResult.load(request.workspace)
