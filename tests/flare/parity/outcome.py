"""What a run came to, read from its workspace alone and in one form for every engine.

An outcome is plain JSON: how the run ended, its rounds, what each site sent, and every file that the run
left in the directories of server and sites. What differs from run to run on FLARE itself (times, the order
in which sites answer, its logs) is left out or put in order.
"""

import json
import math
from pathlib import Path

import numpy as np

from fedjob.result import RunResult

#: FLARE's own traces: logs, statistics of its messaging, copies of the configuration.
_NOT_RESULTS = (
    "log",
    "pool_stats",
    "meta.json",
    "fl_app.txt",
    "audit.txt",
    "study",
    "__pycache__",
    "workspace",
)
_SERVER = "server"
#: Words in the names of events that the server fires for one site's task, result or contribution.
_OF_ONE_SITE = ("_task", "_filter", "_submission", "_contribution")


def outcome(result: RunResult, *, anyone: bool = False) -> dict:
    """`anyone`: sites are picked at random, so their names are taken out."""
    ended = "ok" if result.status == "ok" else "failed"
    files = {}
    for site in (_SERVER, *sorted(result.sites)):
        files.update(_files(result.workspace, site))
    # In a run that breaks off, and among sites picked at random, it is chance who is still heard.
    left_out = ("events.json",) * (ended != "ok") + ("events.json", ".jsonl") * anyone
    return {
        "ended": ended,
        "best_round": result.best_round,
        "key_metric": result.key_metric,
        "rounds": [_round(r, anyone) for r in result.rounds],
        "files": {path: content for path, content in files.items() if not path.endswith(left_out)},
    }


def _round(r, anyone):
    # FLARE tells nobody of an answer that failed, so only the good ones can be compared.
    sent = [
        {
            "site": "?" if anyone else c.site,
            "metrics": dict(c.metrics),
            "weight": c.weight,
            "params": c.params,
        }
        for c in r.contributions
        if c.rc == "OK"
    ]
    return {"number": r.number, "metrics": dict(r.metrics), "contributions": sorted(sent, key=json.dumps)}


def _files(workspace: Path, site: str) -> dict:
    """Content by path relative to the workspace."""
    root = workspace / site / "simulate_job"
    found = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        parts = path.relative_to(root).parts
        inside_app = len(parts) > 2 and parts[0].startswith("app_") and parts[1] in {"config", "custom"}
        if inside_app or any(part.startswith(_NOT_RESULTS) for part in parts):
            continue
        found["/".join((site, *parts))] = _content(path)
    return found


def _content(path: Path):
    if path.name == "events.json":
        return events(json.loads(path.read_text()), at_server=path.parent.parent.name == _SERVER)
    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix == ".jsonl":
        return [_in_site_order(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix == ".npy":
        return {"": _array(np.load(path))}
    if path.suffix == ".pt":
        return _checkpoint(path)
    return "a file"


def _in_site_order(record: dict) -> dict:
    """One line of round_metrics.jsonl; FLARE lists sites as they answered."""
    return {**record, "sites": sorted(record.get("sites", []), key=lambda s: s["name"])}


def _checkpoint(path: Path):
    import torch

    try:
        saved = torch.load(path, weights_only=True)
    except Exception:
        # FedAvg without a persistor and cross-site evaluation give this name to files that are no checkpoints;
        # for those of PyTorch's persistor, what is missing then is the model that was expected.
        return "a file"
    arrays = {k: _array(v.numpy()) for k, v in saved["model"].items()}
    return {"model": arrays, "rest": {k: _plain(v) for k, v in saved.items() if k != "model"}}


def _array(a: np.ndarray) -> list:
    return [str(a.dtype), list(a.shape), a.tolist()]


def _plain(value):
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__


def events(seen: list, *, at_server: bool) -> dict:
    """Split a log of [event, peer] where order is chance: the server hears its sites in any order.

    Returns {"": the workflow's events, "<site>": events on behalf of that site, ...}. A context keeps the last
    peer it had, so an event's name says whose it is.
    """
    split: dict[str, list[str]] = {}
    for event, peer in seen:
        of_site = at_server and any(word in event for word in _OF_ONE_SITE)
        split.setdefault(peer or "" if of_site else "", []).append(event)
    return split


def differences(expected, obtained, rtol: float = 0.0, place: str = "") -> list[str]:
    """One line per place at which two outcomes differ; numbers may differ by `rtol` relative to the expected."""
    if isinstance(expected, dict) and isinstance(obtained, dict):
        lines = [
            f"{place}/{k}: missing, expected {_short(expected[k])}" for k in expected.keys() - obtained.keys()
        ]
        lines += [f"{place}/{k}: unexpected {_short(obtained[k])}" for k in obtained.keys() - expected.keys()]
        for k in expected.keys() & obtained.keys():
            lines += differences(expected[k], obtained[k], rtol, f"{place}/{k}")
        return sorted(lines)
    if isinstance(expected, list) and isinstance(obtained, list):
        pairs = zip(expected, obtained, strict=False)
        lines = [d for i, (e, o) in enumerate(pairs) for d in differences(e, o, rtol, f"{place}[{i}]")]
        if len(expected) == len(obtained):
            return lines
        # One item more or less shifts all that follows: the first difference says where.
        return [f"{place}: expected {len(expected)} items, obtained {len(obtained)}", *lines[:1]]
    if type(expected) is type(obtained) and (expected == obtained or _near(expected, obtained, rtol)):
        return []
    return [f"{place}: expected {_short(expected)}, obtained {_short(obtained)}"]


def _near(expected, obtained, rtol: float) -> bool:
    if not isinstance(expected, float):
        return False
    return math.isclose(expected, obtained, rel_tol=rtol) or (math.isnan(expected) and math.isnan(obtained))


def _short(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
