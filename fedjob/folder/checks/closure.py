"""Import what a site would import, from ``custom/`` alone, in an isolated interpreter with a deadline.

Unlike all other checks this one executes the job's code; it runs only when asked for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fedjob.errors import ReleaseError
from fedjob.flare import names
from fedjob.flare.releases import Release
from fedjob.folder.checks.finding import Finding, error
from fedjob.folder.checks.walk import spots
from fedjob.folder.model import JobModel

_REMEDIES = {
    "class-missing": "correct the path, or export the job again",
    "import-fails": "let what it needs travel with the job, or install it at the sites",
    "import-decoy": "rename the module: custom/ is searched last",
    "argument-rejected": "correct the arguments, or export the job again",
    "import-timeout": "keep work out of the top level of modules",
}


def check(model: JobModel, folder: Path, release: Release, *, seconds: float = 60.0) -> tuple[Finding, ...]:
    """Findings on the classes of the job written at `folder`.

    FLARE's own classes are tried on the installed FLARE when it is of `release`; otherwise they are left to
    the signatures. `seconds` is the deadline for each app.
    """
    real = _installed_release() == release
    return tuple(f for app in model.apps for f in _app(model, app.name, folder, real, seconds))


def _app(model: JobModel, name: str, folder: Path, real: bool, seconds: float) -> Iterator[Finding]:
    components = [
        {"place": spot.place, "path": spot.component.path, "args": list(spot.component.args)}
        for spot in spots(model)
        if spot.app.name == name and spot.component.key != "name" and "." in spot.component.path
        if real or not names.is_flare(spot.component.path)
    ]
    if not components:
        return
    custom = folder / name / "custom"
    custom.mkdir(exist_ok=True)
    request = {"custom": str(custom.resolve()), "shim": not real, "components": components}
    try:
        for answer in _probe(request, seconds):
            yield error(answer["code"], answer["place"], answer["reason"], _REMEDIES[answer["code"]])
    except subprocess.TimeoutExpired:
        place, reason = f"{name}: custom", f"importing the app's classes took longer than {seconds:g} s"
        yield error("import-timeout", place, reason, _REMEDIES["import-timeout"])


def _probe(request: dict[str, Any], seconds: float) -> list[dict[str, str]]:
    # -I: no PYTHONPATH, no current directory, no user site; -B: the folder stays as it is.
    command = [sys.executable, "-I", "-B", "-m", "fedjob.folder.checks.probe"]
    run = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, timeout=seconds, check=False
    )
    answers: list[dict[str, str]] = [json.loads(line) for line in run.stdout.splitlines()]
    if run.returncode != 0 and not answers:
        last = (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]
        place = request["components"][0]["place"]
        return [{"code": "import-fails", "place": place, "reason": f"the interpreter died: {last}"}]
    return answers


def _installed_release() -> Release | None:
    try:
        return Release.of_version(version(names.ROOT))
    except (PackageNotFoundError, ReleaseError):
        return None
