"""SimulatorRunner: runs a job folder from a script, on the local engine.

Answers ``nvflare.private.fed.app.simulator.simulator_runner``, which FLARE also has as ``nvflare.SimulatorRunner``.
"""

from __future__ import annotations

from pathlib import Path

from fedjob.engines import RunRequest
from fedjob.errors import RequestError
from fedjob.folder.read import read
from fedjob.folder.sources import source_roots
from fedjob.job import run

WORKSPACE = "simulator_workspace"


class SimulatorRunner:
    """`clients` are names with commas between them and win over `n_clients`; paths are relative to the directory
    in which `run` is called. `end_run_for_all` has no effect: every site ends its run here.
    """

    def __init__(
        self,
        job_folder: str,
        workspace: str | None,
        clients: str | None = None,
        n_clients: int | None = None,
        threads: int | None = None,
        gpu: str | None = None,
        log_config: str | None = None,
        max_clients: int = 100,
        end_run_for_all: bool = False,
    ) -> None:
        self.job_folder = job_folder
        self.workspace = workspace or WORKSPACE
        self.clients = clients
        self.n_clients = n_clients
        self.threads = threads
        self.gpu = gpu
        self.log_config = log_config
        self.max_clients = max_clients
        self.end_run_for_all = end_run_for_all

    def run(self) -> int:
        """Run the folder; returns 0, raises RunFailed with the result.

        Raises FolderError for what is no job folder, RequestError for sites that cannot be.
        """
        folder = Path(self.job_folder).resolve()
        if run.handed_over(folder):
            return 0
        model = read(folder)
        names = tuple(name.strip() for name in (self.clients or "").split(",") if name.strip())
        request = RunRequest(
            workspace=Path(self.workspace).resolve(),
            n_clients=None if names else self.n_clients,
            clients=names,
            threads=self.threads,
            gpu=self.gpu,
            timeout=run.DEADLINE,
            log_config=self.log_config,
            source_roots=source_roots(model, *run.source_roots()),
        )
        if (n := len(request.sites(model))) > self.max_clients:
            raise RequestError(f"{n} clients are more than max_clients={self.max_clients}")
        return run.run_folder(folder, request, model.meta.name)
