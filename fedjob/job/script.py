"""Take the job out of a user's job script: run it, and catch the job where it would be exported or run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from fedjob.errors import JobError, ResourceError
from fedjob.flare import shim as flare_shim
from fedjob.job import foreign_script, run, sources

Shim = Literal["auto", "always", "never"]


def load_script(path: str | Path, args: Sequence[str] = (), *, shim: Shim = "auto") -> Any:
    """Run the script at `path` as ``__main__``, in its own directory, and return the one job that it describes.

    Nothing is exported and nothing runs: `export_job`, `simulator_run` and a Recipe's `export`, `run` and
    `execute` hand the job over instead. With `shim` ``always`` the script's ``nvflare`` is ours, with ``never``
    it is the installed one, ``auto`` takes the installed one where there is one.

    Raises ResourceError when there is no such script, JobError when it describes no job or several, and
    whatever the script raises before it comes to its job.
    """
    script = Path(path).resolve()
    if not script.is_file():
        raise ResourceError(f"there is no job script {path}; give the path of a Python file")
    ours = shim == "always" or (shim == "auto" and not flare_shim.real_flare())
    caught: list[Any] = []
    with ExitStack() as stack:
        stack.enter_context(_place(script, _without_export(args)))
        stack.enter_context(flare_shim.active(describe=True) if ours else foreign_script.catch(caught))
        stack.enter_context(run.handing_over(caught.append))
        _execute(script, caught)
    jobs = list({id(job): job for job in caught}.values())
    if len(jobs) == 1:
        return jobs[0]
    if not jobs:
        raise JobError(f"{path} describes no job: it calls neither export_job nor simulator_run")
    raise JobError(
        f"{path} describes {len(jobs)} jobs ({', '.join(str(getattr(j, 'name', j)) for j in jobs)}); give it "
        "arguments that leave one"
    )


def _without_export(args: Sequence[str]) -> list[str]:
    """FLARE's recipes take ``--export`` and ``--export-dir DIR`` away before the script looks; here nothing comes of them."""
    left: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--export-dir":
            next(rest, None)
        elif arg != "--export" and not arg.startswith("--export-dir="):
            left.append(arg)
    return left


def _execute(script: Path, caught: list[Any]) -> None:
    main = sys.modules["__main__"]
    code = compile(script.read_bytes(), str(script), "exec")
    try:
        exec(code, vars(main))  # noqa: S102  # running the user's script is the point
    except SystemExit as exit_:
        if exit_.code and not caught:
            raise JobError(
                f"{script.name} exited with status {exit_.code} before it described a job"
            ) from exit_
    except Exception:
        # What comes after the job reads results of a run that did not take place.
        if not caught:
            raise


@contextmanager
def _place(script: Path, args: Sequence[str]) -> Iterator[None]:
    """Be where a script finds itself: ``__main__``, argv, cwd, sys.path; then as before, its modules forgotten."""
    before, main, argv, path, cwd = set(sys.modules), sys.modules["__main__"], sys.argv, sys.path, Path.cwd()
    module = ModuleType("__main__")
    vars(module).update(__file__=str(script), __builtins__=__builtins__)
    sys.modules["__main__"], sys.argv, sys.path = module, [str(script), *args], [str(script.parent), *path]
    os.chdir(script.parent)
    try:
        yield
    finally:
        own = {
            name: m for name, m in sys.modules.items() if name not in before and _is_below(m, script.parent)
        }
        sources.remember([module, *own.values()])
        for name in own:
            del sys.modules[name]
        sys.modules["__main__"], sys.argv, sys.path = main, argv, path
        os.chdir(cwd)


def _is_below(module: ModuleType, folder: Path) -> bool:
    """Whether a module, or a namespace package, comes from the script's directory."""
    # By vars, for some modules (torch's) answer every attribute.
    places = [vars(module).get("__file__") or "", *(vars(module).get("__path__") or ())]
    return any(
        place and Path(place).resolve().is_relative_to(folder) and "site-packages" not in Path(place).parts
        for place in places
    )
