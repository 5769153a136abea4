"""FLARE's own examples: how many of the names they import are answered here, and which of their jobs run here.

Usage: python tools/flare_examples.py names CHECKOUT...
       python tools/flare_examples.py run CHECKOUT [--release R]

CHECKOUT is a work tree of FLARE's repository; several are taken together, a file that they share counts once.
`run` copies ``examples`` to a temporary directory and runs, there, the jobs of tools/flare_example_jobs.py, with the
interpreter that runs this; FLARE's own package is never imported.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from flare_example_jobs import JOBS, Job  # noqa: E402

from fedjob.flare import names  # noqa: E402

#: What the core set leaves out: whole areas of FLARE that jobs under test seldom touch.
LEFT_OUT = (
    r"recipe|\.collab|\.edge|app_opt\.p2p|xgboost|app_opt\.he|psi|app_opt\.sklearn|app_opt\.tf|statistic|monai|flower"
    r"|app_opt\.tracking|streamer|tensor_stream|flare_api|fuel\.hci|\.private"
)
#: Runs a script with the names of FLARE answered by ours.
BOOT = (
    "import runpy, sys; from fedjob.flare import shim; shim.install(); sys.argv = sys.argv[1:];"
    " sys.path[0] = ''; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    counting = commands.add_parser("names")
    counting.add_argument("checkouts", type=Path, nargs="+")
    running = commands.add_parser("run")
    running.add_argument("checkout", type=Path)
    running.add_argument("--release", default=None)
    options = parser.parse_args()
    if options.command == "names":
        return count(options.checkouts)
    return run_all(options.checkout, options.release)


def count(checkouts: list[Path]) -> int:
    files = {
        (place, imported)
        for checkout in checkouts
        for place, source in sources(checkout)
        if (imported := imports(source))
    }
    core = {(place, found) for place, found in files if not any(re.search(LEFT_OUT, n) for n in found)}
    for title, chosen in (("core set", core), ("all examples", files)):
        symbols = {name for _, found in chosen for name in found}
        answered = {name for name in symbols if is_answered(name)}
        whole = sum(found <= answered for _, found in chosen)
        print(
            f"{title}: {len(answered)} of {len(symbols)} names ({len(answered) / len(symbols):.1%}),"
            f" {whole} of {len(chosen)} files ({whole / len(chosen):.1%})"
        )
        missing = Counter(name for _, found in chosen for name in found - answered)
        for name, n in sorted(missing.items(), key=lambda item: (-item[1], item[0])):
            print(f"  {n:3} {name}")
    return 0


def is_answered(name: str) -> bool:
    path = name.replace(":", ".")
    return path in names.paths() or path in names.modules()


def imports(source: str) -> frozenset[str]:
    """What a source imports of FLARE: ``module`` and ``module:name``."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if names.is_flare(alias.name))
        elif isinstance(node, ast.ImportFrom) and not node.level and names.is_flare(node.module or ""):
            found.update(f"{node.module}:{alias.name}" for alias in node.names)
    return frozenset(found)


def sources(checkout: Path) -> Iterator[tuple[str, str]]:
    """The example sources and where they are; a cell that writes a file is a source of its own."""
    for path in sorted((checkout / "examples").rglob("*")):
        place = path.relative_to(checkout).as_posix()
        if path.suffix == ".py":
            yield place, path.read_text(encoding="utf-8", errors="replace")
        elif path.suffix == ".ipynb":
            yield from cells(place, path)


def cells(place: str, path: Path) -> Iterator[tuple[str, str]]:
    rest = []
    for cell in json.loads(path.read_text(encoding="utf-8")).get("cells", ()):
        if cell.get("cell_type") != "code":
            continue
        text = "".join(cell["source"])
        written = re.match(r"\s*%%writefile\s+(?:-a\s+)?(\S+)", text)
        if written:
            if written[1].endswith(".py"):
                yield f"{place}!{written[1]}", text[written.end() :]
            continue
        text = re.sub(r"(?m)^\s*[!%].*$", "", text)
        try:
            ast.parse(text)
        except SyntaxError:  # fragments of shell
            continue
        rest.append(text)
    yield place, "\n".join(rest)


def run_all(checkout: Path, release: str | None) -> int:
    fine = 0
    tried = [job for job in JOBS if is_there(job, checkout / "examples")]
    with tempfile.TemporaryDirectory(prefix="flare-examples-") as scratch:
        examples = Path(scratch) / "examples"
        shutil.copytree(checkout / "examples", examples)
        for job in tried:
            failure = run(job, examples, release)
            fine += not failure
            print(
                f"{'runs ' if not failure else 'FAILS'} {job.title}{failure and f': {failure}'}", flush=True
            )
    print(f"{fine} of {len(tried)} run")
    return fine != len(tried)


def is_there(job: Job, examples: Path) -> bool:
    return (examples / job.path).exists() and not (job.unless and (examples / job.home / job.unless).exists())


def run(job: Job, examples: Path, release: str | None) -> str:
    """Prepare and run one; returns the reason of a failure."""
    place = examples / job.home
    for step in job.prepare:
        done = subprocess.run(
            [sys.executable, "-c", BOOT, *step], check=False, cwd=place, capture_output=True, text=True
        )
        if done.returncode:
            return f"{step[0]}: {last_line(done.stderr)}"
    target = str((examples / (job.folder or job.path)).resolve())
    command = [sys.executable, "-m", "fedjob", "run", target, "--json", "--timeout", "300"]
    command += ["--release", release] if release and target.endswith(".py") else []
    command += ["-n", str(job.clients)] if job.clients else []
    command += ["--", *job.args] if job.args else []
    done = subprocess.run(command, check=False, cwd=place, capture_output=True, text=True)
    if done.returncode:
        return problem(done.stdout) if done.stdout.startswith("{") else last_line(done.stderr)
    return ""


def problem(report: str) -> str:
    """The cause in the JSON of a run that failed."""
    found = json.loads(report)
    events = (Path(found["workspace"]) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    errors = [event for event in map(json.loads, events) if event["event"] == "error"]
    return str(errors[0]["message"] if errors else found["problems"])


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("fedjob: this is")]
    return lines[-1].strip() if lines else ""


if __name__ == "__main__":
    sys.exit(main())
