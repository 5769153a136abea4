"""Where a site keeps its files: ``nvflare.apis.workspace``.

::

    <root>/startup/, local/        what the site was provisioned with
    <root>/<job id>/               the run directory
    <root>/<job id>/app_<site>/    the app: config/, custom/ and whatever else it brought
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from fedjob.errors import ExchangeError
from fedjob.exchange.keys import WorkspaceConstants as Names

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Workspace:
    """The directories of one site. Paths are returned as str.

    Results and logs may be sent elsewhere by the environment variables of WorkspaceConstants. Raises ValueError
    when `root_dir` is no directory, ExchangeError, a RuntimeError, when startup/ or local/ is missing in it.
    """

    def __init__(self, root_dir: str, site_name: str = "", config_folder: str = "config") -> None:
        self._name_places(root_dir, site_name, config_folder)
        self._name_roots()
        if not Path(root_dir).is_dir():
            raise ValueError(f"the workspace {root_dir} is not a directory")
        for needed in (self.get_startup_kit_dir(), self.get_site_config_dir()):
            if not Path(needed).is_dir():
                raise ExchangeError(
                    f"the workspace {root_dir} has no directory {Path(needed).name}/; make it first"
                )

    @classmethod
    def _to_be_made(cls, root_dir: str, site_name: str) -> Workspace:
        """A workspace whose directories will be there when somebody looks."""
        workspace = cls.__new__(cls)
        workspace._name_places(root_dir, site_name, "config")
        return workspace

    def _name_places(self, root_dir: str, site_name: str, config_folder: str) -> None:
        self.root_dir = root_dir
        self.site_name = site_name
        self.config_folder = config_folder
        self._run_dirs: dict[tuple[str, str], str] = {}

    def _name_roots(self) -> None:
        result = self._root(Names.ENV_VAR_RESULT_ROOT)
        audit = self._root(Names.ENV_VAR_AUDIT_ROOT)
        log = self._root(Names.ENV_VAR_LOG_ROOT) or audit or result
        self.result_root = result
        self.log_root = log
        self.audit_root = audit or log

    def __getattr__(self, name: str) -> str | None:
        # Of a workspace that is to be made: few of thousands of sites are asked.
        if name not in {"result_root", "log_root", "audit_root"}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._name_roots()
        root: str | None = self.__dict__[name]
        return root

    def _root(self, variable: str) -> str | None:
        root = os.environ.get(variable)
        if root:
            Path(root, self.site_name).mkdir(parents=True, exist_ok=True)
        return root or None

    def get_root_dir(self) -> str:
        return self.root_dir

    def get_startup_kit_dir(self) -> str:
        return self.get_file_path_in_root(Names.STARTUP_FOLDER_NAME)

    def get_site_config_dir(self) -> str:
        return self.get_file_path_in_root(Names.SITE_FOLDER_NAME)

    def get_site_custom_dir(self) -> str:
        return os.path.join(self.get_site_config_dir(), Names.CUSTOM_FOLDER_NAME)  # noqa: PTH118

    def get_client_custom_dir(self) -> str:
        return self.get_site_custom_dir()

    def get_file_path_in_root(self, file_basename: str) -> str:
        return os.path.join(self.root_dir, file_basename)  # noqa: PTH118 - the string FLARE gives

    def get_file_path_in_startup(self, file_basename: str) -> str:
        return os.path.join(self.get_startup_kit_dir(), file_basename)  # noqa: PTH118

    def get_file_path_in_site_config(self, file_basename: Any) -> Any:
        """The path of a file in local/; of several names, the first that exists, else None."""
        if isinstance(file_basename, str):
            return os.path.join(self.get_site_config_dir(), file_basename)  # noqa: PTH118
        if isinstance(file_basename, list):
            paths = (self.get_file_path_in_site_config(name) for name in file_basename)
            return next((path for path in paths if Path(path).exists()), None)
        raise ValueError(f"a file name is a str or a list of them, not {type(file_basename).__name__}")

    def get_server_startup_file_path(self) -> str:
        return self.get_file_path_in_startup(Names.SERVER_STARTUP_CONFIG)

    def get_client_startup_file_path(self) -> str:
        return self.get_file_path_in_startup(Names.CLIENT_STARTUP_CONFIG)

    def get_admin_startup_file_path(self) -> str:
        return self.get_file_path_in_startup(Names.ADMIN_STARTUP_CONFIG)

    def get_authorization_file_path(self) -> Any:
        names = [Names.AUTHORIZATION_CONFIG, Names.DEFAULT_AUTHORIZATION_CONFIG]
        return self.get_file_path_in_site_config(names)

    def get_resources_file_path(self) -> Any:
        return self.get_file_path_in_site_config([Names.RESOURCES_CONFIG, Names.DEFAULT_RESOURCES_CONFIG])

    def get_job_resources_file_path(self) -> Any:
        return self.get_file_path_in_site_config(Names.JOB_RESOURCES_CONFIG)

    def get_log_config_file_path(self) -> Any:
        return self.get_file_path_in_site_config([Names.LOGGING_CONFIG, Names.DEFAULT_LOGGING_CONFIG])

    def get_site_privacy_file_path(self) -> Any:
        return self.get_file_path_in_site_config(Names.PRIVACY_CONFIG)

    def get_run_dir(self, job_id: str) -> str:
        """The job's directory, with links resolved. Raises ValueError for what cannot be a job's id."""
        # Components ask for it again and again, each round, and links are looked for in every part of the path.
        place = (self.root_dir, job_id)
        if place not in self._run_dirs:
            self._run_dirs[place] = _below(self.root_dir, Names.WORKSPACE_PREFIX + _checked(job_id))
        return self._run_dirs[place]

    def get_app_dir(self, job_id: str) -> str:
        return os.path.join(self.get_run_dir(job_id), Names.APP_PREFIX + self.site_name)  # noqa: PTH118

    def get_app_config_dir(self, job_id: str) -> str:
        return os.path.join(self.get_app_dir(job_id), self.config_folder)  # noqa: PTH118

    def get_app_custom_dir(self, job_id: str) -> str:
        return os.path.join(self.get_app_dir(job_id), Names.CUSTOM_FOLDER_NAME)  # noqa: PTH118

    def get_server_app_config_file_path(self, job_id: str) -> str:
        return os.path.join(self.get_app_config_dir(job_id), Names.SERVER_APP_CONFIG)  # noqa: PTH118

    def get_client_app_config_file_path(self, job_id: str) -> str:
        return os.path.join(self.get_app_config_dir(job_id), Names.CLIENT_APP_CONFIG)  # noqa: PTH118

    def get_job_meta_path(self, job_id: str) -> str:
        return os.path.join(self.get_run_dir(job_id), Names.JOB_META_FILE)  # noqa: PTH118

    def get_result_root(self, job_id: str) -> str:
        """Where the job's results belong: its run directory, unless results are sent elsewhere."""
        return self._site_root(self.result_root, job_id) if self.result_root else self.get_run_dir(job_id)

    def get_log_root(self, job_id: str | None = None) -> str:
        return self._output_root(self.log_root, job_id)

    def get_audit_root(self, job_id: str | None = None) -> str:
        return self._output_root(self.audit_root, job_id)

    def get_audit_file_path(self, job_id: str | None = None) -> str:
        return os.path.join(self.get_audit_root(job_id), Names.AUDIT_LOG)  # noqa: PTH118

    def get_app_error_log_file_path(self, job_id: str) -> str:
        return os.path.join(self.get_log_root(job_id), Names.ERROR_LOG_FILE_NAME)  # noqa: PTH118

    def get_stats_pool_summary_path(self, job_id: str, prefix: str | None = None) -> str:
        return self._pool_path(job_id, Names.STATS_POOL_SUMMARY_FILE_NAME, prefix)

    def get_stats_pool_records_path(self, job_id: str, prefix: str | None = None) -> str:
        return self._pool_path(job_id, Names.STATS_POOL_RECORDS_FILE_NAME, prefix)

    def _pool_path(self, job_id: str, name: str, prefix: str | None) -> str:
        return os.path.join(self.get_log_root(job_id), f"{prefix}.{name}" if prefix else name)  # noqa: PTH118

    def _output_root(self, root: str | None, job_id: str | None) -> str:
        if root:
            return self._site_root(root, job_id)
        return self.get_run_dir(job_id) if job_id else self.root_dir

    def _site_root(self, root: str, job_id: str | None) -> str:
        if not job_id:
            return os.path.join(root, self.site_name)  # noqa: PTH118
        found = _below(root, self.site_name, _checked(job_id))
        Path(found).mkdir(parents=True, exist_ok=True)
        return found


def _checked(job_id: Any) -> str:
    if job_id is None:
        raise ValueError("a job's directory needs the job's id, and that is None")
    if not _JOB_ID.fullmatch(str(job_id)):
        raise ValueError(
            f"{str(job_id)!r} cannot be a job's id: letters, digits and '._-', a letter or digit first"
        )
    return str(job_id)


def _below(root: str, *parts: str) -> str:
    base = Path(root).resolve()
    path = base.joinpath(*parts).resolve()
    if not path.is_relative_to(base):
        raise ValueError(f"{path} is outside of {base}")
    return str(path)
