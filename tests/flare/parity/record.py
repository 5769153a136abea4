"""Run jobs on FLARE's simulator and write down what they came to: ``python record.py [JOB...]``, from the root.

A recorded outcome belongs to one folder, by its digest: when a job changes, its outcome must be recorded
again. One job takes 10 to 30 s; nothing else has to run meanwhile, but sites that compete for a processor may
answer in another order.
"""

import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
sys.path[:1] = [str(HERE.parents[2]), str(HERE.parent)]

from fedjob.engines.request import RunRequest  # noqa: E402
from fedjob.engines.simulator import SimulatorEngine  # noqa: E402
from fedjob.folder.read import read  # noqa: E402
from parity.jobs import JOBS  # noqa: E402
from parity.outcome import outcome  # noqa: E402


def export(root: Path, names: list[str]) -> dict[str, str]:
    """Write the named jobs under `root`; returns the tracebacks of those that cannot be written, by name."""
    subprocess.run([sys.executable, str(HERE / "export.py"), "ours", str(root), *names], check=True)
    return json.loads((root / "errors.json").read_text())


def job_folder(root: Path, name: str) -> Path:
    (folder,) = (root / name).iterdir()
    return folder


def request(folder: Path, name: str, workspace: Path) -> RunRequest:
    named = any(site.startswith("site-") for where in read(folder).meta.deploy_map.values() for site in where)
    entry = JOBS[name]
    return RunRequest(
        workspace=workspace,
        n_clients=None if named else entry.sites,
        seed=1,
        preload=(entry.needs,) if entry.needs else (),
    )


def simulate(folder: Path, name: str, workspace: Path) -> dict:
    """The job's outcome on FLARE."""
    result = SimulatorEngine().run(folder, request(folder, name, workspace))
    return outcome(result, anyone=JOBS[name].anyone)


def render(record: dict) -> str:
    """JSON with one line per round and per file, so that a change shows where it is."""
    lines = []
    for key, value in sorted(record.items()):
        if value and isinstance(value, dict):
            inner = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(value.items())]
            lines.append(f" {json.dumps(key)}: {{\n" + ",\n".join(inner) + "\n }")
        elif value and isinstance(value, list):
            lines.append(
                f" {json.dumps(key)}: [\n" + ",\n".join(f"  {json.dumps(v)}" for v in value) + "\n ]"
            )
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    names = sys.argv[1:] or [n for n in JOBS if not (RECORDED / f"{n}.json").exists()]
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parity-") as temporary:
        root = Path(temporary)
        errors = export(root / "jobs", names)
        for name, trace in errors.items():
            print(f"{name} cannot be exported:\n{trace}")
        for name in (n for n in names if n not in errors):
            began = time.monotonic()
            folder = job_folder(root / "jobs", name)
            seen = simulate(folder, name, root / "runs" / name)
            record = {"flare": version("nvflare"), "digest": read(folder).digest, **seen}
            (RECORDED / f"{name}.json").write_text(render(record))
            print(
                f"{name}: {seen['ended']}, {len(seen['rounds'])} rounds, {time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
