"""The scripts that executors start: are they in ``custom/``, and can FLARE start them?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

from fedjob.flare import paths
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.walk import Spot, spots
from fedjob.folder.model import JobModel


def check(model: JobModel) -> Iterator[Finding]:
    for spot in spots(model):
        path = spot.component.args.get("task_script_path")
        if spot.role == "executor" and isinstance(path, str) and path:
            yield from _in_process(spot, path)
        for argument in ("command", "script"):
            if argument == "command" or spot.component.path == paths.SUBPROCESS_LAUNCHER:
                yield from _commanded(spot, argument)


def _in_process(spot: Spot, path: str) -> Iterator[Finding]:
    place = f"{spot.place}.args.task_script_path"
    if not path.endswith(".py"):
        yield error(
            "script-not-python",
            place,
            f"FLARE starts Python scripts only, not {path}",
            "name a .py file, or start it as a process of its own: launch_external_process=True",
        )
    elif PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute():
        yield warning(
            "script-elsewhere",
            place,
            f"{path} does not travel with the job",
            "make sure that the file is at every site, or name it relative to the job script",
        )
    # FLARE takes the first file below custom/ whose path ends with the script's.
    elif not any(f"/{file.path}".endswith(f"/{path}") for file in spot.app.files if _is_custom(file.path)):
        yield _missing(place, path)


def _commanded(spot: Spot, argument: str) -> Iterator[Finding]:
    command = spot.component.args.get(argument)
    words = command if isinstance(command, list) else str(command or "").split()
    have = {file.path for file in spot.app.files}
    for word in words:
        if isinstance(word, str) and _is_custom(word) and word.endswith(".py") and word not in have:
            yield _missing(f"{spot.place}.args.{argument}", word)


def _missing(place: str, path: str) -> Finding:
    return error(
        "script-missing",
        place,
        f"the script {path} is not in this app's custom/",
        "correct the path, or export the job from where the script is",
    )


def _is_custom(path: str) -> bool:
    return path.startswith("custom/")
