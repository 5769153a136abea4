"""What an external training script is started with: its command, environment and settings."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedjob.engines.local.custom import original
from fedjob.engines.local.generators import seed_of
from fedjob.engines.local.installed import is_installed
from fedjob.engines.local.nursery import ONE_THREAD
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

if TYPE_CHECKING:
    from fedjob.engines.local.site_engine import SiteEngine

_BOOT = Path(__file__).with_name("boot")
_ROOT = str(Path(__file__).parents[3])
_FILE = re.compile(r'^(\s*File ")([^"]+)(", line )', re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What is started, and how."""

    command: tuple[str, ...]
    #: What ``get_config()`` shows.
    config: dict[str, Any]
    #: One process for the whole run, or one for each task.
    once: bool = True
    #: Seconds within which the script must first use the Client API, and within which it must send a result.
    launch_timeout: float | None = None
    result_timeout: float | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    #: Hands a logged value on: called with the event's data and a context.
    publish: Callable[[Shareable, FLContext], None] | None = None

    @property
    def name(self) -> str:
        """What to call it: the script, if one can be seen in the command."""
        scripts = [word for word in self.command if word.endswith(".py")]
        bundled = [word for word in scripts if word.startswith("custom/")]
        return Path((bundled or scripts or self.command)[0]).name


def settings_of(engine: SiteEngine, launch: Launch, number: int) -> dict[str, Any]:
    """What the process is told about its job; see ``boot/sitecustomize.py``."""
    own = engine.run_dir / f".external-{number}"
    # The first process draws what a script in the site's process would; later ones something else.
    party = engine.name if number == 0 else f"{engine.name}#{number}"
    return {
        "root": _ROOT,
        "socket": f"{own}.sock",
        "stacks": f"{own}.stacks",
        "custom": str(engine.app_dir / "custom"),
        "site_name": engine.name,
        "job_id": engine.job_id,
        "config": launch.config,
        "seed": None if engine.seed is None else seed_of(engine.seed, party),
    }


def environment(engine: SiteEngine, launch: Launch) -> dict[str, str]:
    """The process's environment: the site's, with FLARE's search path and ours before it."""
    custom = str(engine.app_dir / "custom")
    own = [path for path in sys.path if path and path != custom and not is_installed(path)]
    env = {**os.environ, **ONE_THREAD, **launch.environ}
    env["PYTHONPATH"] = os.pathsep.join([str(_BOOT), *own, custom])
    env["PATH"] = _with_interpreter(env.get("PATH", os.defpath))
    return env


def _with_interpreter(path: str) -> str:
    """PATH by which ``python3`` is the interpreter of the tests, as in its activated environment."""
    here = Path(sys.executable).parent
    found = shutil.which("python3", path=path)
    if found is not None and Path(found).parent == here:
        return path
    return f"{here}{os.pathsep}{path}"


def check(launch: Launch, env: Mapping[str, str], cwd: Path) -> None:
    word = launch.command[0]
    found = os.access(cwd / word, os.X_OK) if os.sep in word else shutil.which(word, path=env["PATH"])
    if not found:
        raise ValueError(
            f"the command {word!r} of {launch.name} is not there or not executable; "
            "install it, or give it by a path that starts from the app's folder"
        )


def own_app(engine: SiteEngine) -> None:
    """Give a site that shares its app folder with others one of its own, since the process works in there."""
    if engine.app_dir.is_symlink():
        engine.app_source = engine.app_dir.resolve()
        engine.app_dir.unlink()
        shutil.copytree(engine.app_source, engine.app_dir)


def with_originals(text: str | None, engine: SiteEngine) -> str | None:
    """A traceback that points to the user's own files."""

    def show(match: re.Match[str]) -> str:
        file = engine.app_dir / match[2]
        if file.is_relative_to(engine.app_dir):
            file = original(engine.app_source / file.relative_to(engine.app_dir))
        return f"{match[1]}{file}{match[3]}"

    return None if text is None else _FILE.sub(show, text)
