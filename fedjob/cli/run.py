"""``fedjob run JOB --clients N``: run a job, with one live line per round."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import threading
from os.path import samestat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedjob.cli.output import FAILED, FINE, add_job, add_json, add_release, opened_job, say, say_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedjob.cli.types import Commands
    from fedjob.result import RunResult

#: Seconds between two looks at the run's record.
_LOOK = 0.1


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("run", help="run a job", description=__doc__)
    add_job(parser)
    parser.add_argument(
        "-n",
        "--clients",
        metavar="N|A,B",
        help="number of sites, or their names (default: the job's, else its script's, else two or as many as it needs)",
    )
    parser.add_argument("--engine", default="local", help="local (default), simulator, deployment, ...")
    parser.add_argument("--isolation", choices=("process", "shared", "inline"), default="process")
    parser.add_argument("-t", "--threads", type=int, metavar="N", help="sites at work at a time")
    parser.add_argument("--gpu", metavar="IDS", help="GPUs in FLARE's syntax, e.g. 0,1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--timeout", type=float, default=3600.0, metavar="S", help="deadline of the run in seconds"
    )
    parser.add_argument(
        "-w", "--workspace", metavar="DIR", help="where the run works (default: a new directory)"
    )
    add_release(parser)
    add_json(parser)
    parser.set_defaults(function=run)


def run(arguments: argparse.Namespace) -> int:
    from fedjob.folder.write import write
    from fedjob.plugins import engine

    with (
        _workspace(arguments.workspace) as workspace,
        opened_job(arguments.job, arguments.release, arguments.job_args) as (job, model),
        tempfile.TemporaryDirectory(prefix="fedjob-") as scratch,
    ):
        request = _request(arguments, workspace, model, getattr(job, "default_sites", None))
        folder = write(model, scratch)
        show = (lambda _: None) if arguments.json else _print_event
        with Watch(workspace / "events.jsonl", show):
            result = engine(arguments.engine).run(folder, request)
    _report(result, as_json=arguments.json)
    return FINE if result.ok else FAILED


@contextlib.contextmanager
def _workspace(given: str | None) -> Iterator[Path]:
    """The directory of the run: the one that was asked for, or a new one, which is kept unless nothing is in it."""
    if given:
        yield Path(given)
        return
    made = Path(tempfile.mkdtemp(prefix="fedjob-run-"))
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.rmdir()


def _request(arguments: argparse.Namespace, workspace: Path, model: Any, default_sites: Any) -> Any:
    from fedjob.engines.request import RunRequest
    from fedjob.folder.sources import source_roots

    clients = arguments.clients or ""
    number = int(clients) if clients.isdigit() else None
    return RunRequest(
        workspace=workspace,
        n_clients=number,
        clients=tuple(c.strip() for c in clients.split(",") if c.strip()) if number is None else (),
        default_sites=default_sites,
        threads=arguments.threads,
        gpu=arguments.gpu,
        seed=arguments.seed,
        timeout=arguments.timeout,
        isolation=arguments.isolation,
        source_roots=source_roots(model, Path(arguments.job).resolve().parent),
    )


def _report(result: RunResult, *, as_json: bool) -> None:
    from fedjob.result.failure import failure_lines

    if as_json:
        say_json(to_json(result))
    elif result.ok:
        say([*result.lines(), f"run directory: {result.workspace}"])
    else:
        say(failure_lines(result))


def to_json(result: RunResult) -> dict[str, Any]:
    """The outcome of a run, and its metrics by round and site."""
    return {
        "job": result.job,
        "engine": result.engine,
        "ok": result.ok,
        "status": result.status,
        "problems": list(result.problems),
        "seconds": result.seconds,
        "workspace": str(result.workspace),
        "sites": list(result.sites),
        "rounds": [{"round": r.number, "metrics": dict(r.metrics), "sites": r.sites} for r in result.rounds],
    }


class Watch:
    """Shows a run's events while it goes on, whichever engine writes them."""

    def __init__(self, path: Path, show: Callable[[dict[str, Any]], None]) -> None:
        self._path, self._show = path, show
        #: The record of an earlier run, which this one's will replace; open, so that no other file is taken for it.
        self._old = path.open("rb") if path.exists() else None
        self._before = os.fstat(self._old.fileno()) if self._old else None
        self._offset = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="fedjob-watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._old:
            self._old.close()

    def _follow(self) -> None:
        while not self._over.wait(_LOOK):
            self._look()
        self._look()

    def _has_begun(self) -> bool:
        try:
            now = self._path.stat()
        except OSError:
            return False
        before = self._before
        return before is None or not samestat(now, before) or now.st_mtime_ns != before.st_mtime_ns

    def _look(self) -> None:
        import json

        if not self._has_begun():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for line in whole.splitlines():
            self._show(json.loads(line))


def _print_event(event: dict[str, Any]) -> None:
    if event["event"] == "run_started":
        print(f"{event['job']}: {len(event['sites'])} sites on the {event['engine']} engine", flush=True)
    elif event["event"] == "round_done":
        numbers = [m for m in event["metrics"] if isinstance(m["value"], (int, float))]
        metrics = "  ".join(f"{m['name']} {m['value']:.4g}" for m in numbers)
        when = f"{event['time']:7.2f} s  " if "time" in event else ""
        print(f"{when}round {event['round']}  {metrics}".rstrip(), flush=True)
    elif event["event"] == "error":
        print(f"error at {event['site']}: {event['message']}", flush=True)
