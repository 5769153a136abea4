"""Run: what a recipe's `run` and `execute` return."""

from __future__ import annotations

from fedjob.errors import JobError
from fedjob.recipe.environment import ExecEnv


class Run:
    """A job that was given to an environment. Once its result was fetched, status and result stay as they are."""

    def __init__(self, exec_env: ExecEnv, job_id: str) -> None:
        if not job_id or not isinstance(job_id, str):
            raise JobError(f"job_id must be a non-empty string, but is {job_id!r}")
        self.exec_env = exec_env
        self.job_id = job_id
        self._stopped = False
        self._status: str | None = None
        self._result: str | None = None

    def get_job_id(self) -> str:
        return self.job_id

    def get_status(self) -> str | None:
        return self._status if self._stopped else self.exec_env.get_job_status(self.job_id)

    def get_result(self, timeout: float = 0.0, clean_up: bool = True) -> str | None:
        """The workspace with the results; the environment is stopped."""
        if not self._stopped:
            self._result = self.exec_env.get_job_result(self.job_id, timeout=timeout)
            self._status = self.exec_env.get_job_status(self.job_id)
            self.exec_env.stop(clean_up=clean_up)
            self._stopped = True
        return self._result

    def abort(self) -> None:
        if not self._stopped:
            self.exec_env.abort_job(self.job_id)
