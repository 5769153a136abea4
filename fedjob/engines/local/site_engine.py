"""The engine as a site's components see it: FLARE's client engine, and who starts training scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.engines.local.custom import find_script
from fedjob.engines.local.external import ExternalRun
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.launch import Launch
from fedjob.engines.local.link import Link
from fedjob.engines.local.peers import AsksPeers
from fedjob.engines.local.place import work
from fedjob.engines.local.script import ScriptRun
from fedjob.engines.request import SERVER
from fedjob.exchange.workspace import Workspace


class SiteEngine(AsksPeers, FLEngine):
    """The engine as a site's components see it."""

    def __init__(self, *, link: Link, **fields: Any) -> None:
        super().__init__(**fields)
        self._link = link
        #: The training scripts that executors have started.
        self.scripts: list[ScriptRun | ExternalRun] = []
        self.work: tuple[int | None, str | None] = (None, None)
        self._encoded = self.name.encode()
        #: Where the files of the app come from, if the site has got a folder of its own for a process.
        self.app_source: Path = getattr(self.context, "app", None) or self.app_dir
        if getattr(self.context, "awaited", None) is not None:
            self._manager.before_places = self._have_home
        self.seed: int | None = None
        #: Whether the run has ended because something went wrong.
        self.failed = False

    def get_workspace(self) -> Workspace:
        self._have_home()
        return super().get_workspace()

    def _have_home(self) -> None:
        """Make the site's directories, if they are not there yet: somebody wants to know where they are."""
        have_home = getattr(self.context, "have_home", None)
        if have_home is not None:
            have_home()

    def start_script(self, script: str, args: list[str], config: dict[str, Any]) -> ScriptRun:
        """Start a training script of ``custom/`` beside the executor.

        `script` is looked for below ``custom/`` as FLARE does: the first path that ends in it; an absolute path is
        taken as it is. Raises ValueError if there is none. `config` is what the Client API shows as ``get_config()``.
        """
        run = ScriptRun(self, find_script(self.app_source, script), args, config)
        self.scripts.append(run)
        run.start()
        return run

    def start_process(self, command: list[str], config: dict[str, Any], **options: Any) -> ExternalRun:
        """Start a training script in a process of its own; `options` are the other fields of `Launch`.

        Raises ValueError if the command cannot be started, or its script does not get to the Client API.
        """
        self._have_home()
        run = ExternalRun(self, Launch(command=tuple(command), config=config, **options))
        self.scripts.append(run)
        run.start()
        return run

    def at_work(self, number: int | None, task: str) -> None:
        """Note which round and task the site is at, for reports."""
        self.work = (number, task)
        if (place := self.record.place) is not None:
            place.show(self._encoded, work(number, task))

    def only_scripts(self) -> bool:
        """Whether nothing but scripts of this process was started, which can be told of the end without waiting."""
        return {ScriptRun}.issuperset(map(type, self.scripts))

    def flush(self) -> None:
        """Have what was sent to the server leave now."""
        self._link.route.flush()

    def abort(self) -> None:
        super().abort()
        for script in self.scripts:
            script.end()

    def get_clients(self) -> list[Any]:
        raise NotImplementedError("a site does not know the other sites; ask on the server")

    def _default_targets(self) -> list[str]:
        return [SERVER]
