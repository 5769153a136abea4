"""What starts and connects an external script in folders of FLARE 2.5 to 2.8: launcher and pipes.

The local engine starts the process itself and talks to it over a line of its own, so a launcher says here what to
start, and a pipe nothing that is needed.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.roles import FLComponent


class Launcher(FLComponent):
    """The role of launchers: ``nvflare.app_common.abstract.launcher``."""


class SubprocessLauncher(Launcher):
    """Starts a command: once and for all, or for every task."""

    def __init__(
        self,
        script: str,
        launch_once: bool | None = True,
        clean_up_script: str | None = None,
        shutdown_timeout: float | None = 0.0,
    ) -> None:
        super().__init__()
        self._script = script
        self._launch_once = launch_once
        self._clean_up_script = clean_up_script
        self._shutdown_timeout = shutdown_timeout


class Pipe:
    """The role of pipes: ``nvflare.fuel.utils.pipe.pipe``."""

    def __init__(self, mode: Any) -> None:
        self.mode = mode


class CellPipe(Pipe):
    """A pipe over FLARE's own messages."""

    def __init__(
        self,
        mode: Any,
        site_name: str,
        token: str,
        root_url: str = "",
        secure_mode: bool | str = True,
        workspace_dir: str = "",
    ) -> None:
        super().__init__(mode)
        self.site_name = site_name
        self.token = token
        self.root_url = root_url
        self.secure_mode = secure_mode
        self.workspace_dir = workspace_dir


class FilePipe(Pipe):
    """A pipe over files."""

    def __init__(self, mode: Any, root_path: str, file_check_interval: float = 0.1) -> None:
        super().__init__(mode)
        self.root_path = root_path
        self.file_check_interval = file_check_interval
