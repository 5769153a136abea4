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

from parity.jobs import JOBS  # noqa: E402
from parity.outcome import outcome  # noqa: E402

from fedjob.engines.request import RunRequest  # noqa: E402
from fedjob.engines.simulator import SimulatorEngine  # noqa: E402
from fedjob.folder.read import read  # noqa: E402


def export(root: Path, names: list[str], side: str = "ours") -> None:
    """Write the named jobs under `root`; raises RuntimeError with the first traceback when one cannot be."""
    subprocess.run([sys.executable, str(HERE / "export.py"), side, str(root), *names], check=True)
    errors = json.loads((root / "errors.json").read_text())
    if errors:
        name, trace = next(iter(errors.items()))
        raise RuntimeError(f"{len(errors)} of the jobs cannot be exported, first {name}:\n{trace}")


def job_folder(root: Path, name: str) -> Path:
    (folder,) = (root / name).iterdir()
    return folder


def simulate(folder: Path, name: str, workspace: Path) -> dict:
    """The job's outcome on FLARE."""
    entry = JOBS[name]
    result = SimulatorEngine().run(
        folder, RunRequest(workspace=workspace, n_clients=entry.sites, timeout=60.0)
    )
    return outcome(result, anyone=entry.anyone)


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
        export(root / "jobs", names)
        for name in names:
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
