"""What a job says about itself beside its apps: name, clients, resources, extra properties."""

from __future__ import annotations

import copy
import re
import shlex
from typing import Any

from fedjob.errors import JobError, JobTypeError, ReleaseError
from fedjob.flare.releases import R27, R29, Release
from fedjob.folder.model import Meta
from fedjob.job.defs import ALL_SITES, SERVER

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class FedJobConfig:
    """FLARE's ``FedJob.job``. Raises JobError, JobTypeError for what FLARE refuses."""

    def __init__(
        self,
        job_name: str,
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        meta_props: dict[str, Any] | None = None,
    ) -> None:
        check_job_name(job_name)
        check_positive_int("min_clients", min_clients)
        if mandatory_clients and not isinstance(mandatory_clients, list):
            raise JobTypeError(
                f"mandatory_clients must be a list of names, but got {type(mandatory_clients).__name__}"
            )
        check_meta_props(meta_props)
        self.job_name = job_name
        self.min_clients = min_clients
        self.mandatory_clients = mandatory_clients
        self.meta_props = meta_props
        self.app_packages: list[str] = []
        self._node_commands: list[tuple[str, str]] = []
        self.resource_specs: dict[str, dict[str, Any]] = {}

    def set_app_packages(self, app_packages: list[str] | None) -> None:
        """Code of these packages does not travel."""
        if app_packages and not isinstance(app_packages, list):
            raise JobTypeError(f"app_packages must be a list of names, but got {type(app_packages).__name__}")
        self.app_packages = app_packages or []

    def add_resource_spec(self, site_name: str, resource_spec: dict[str, Any]) -> None:
        """What a site must have to run the job, e.g. ``{"num_of_gpus": 1}``; once per site."""
        if site_name in self.resource_specs:
            raise JobError(f"the resources of {site_name!r} are given already")
        if not isinstance(resource_spec, dict):
            raise JobTypeError(f"resource_spec must be a dict, but got {type(resource_spec).__name__}")
        self.resource_specs[site_name] = resource_spec

    def add_node_command(self, target: str, command: list[str], *, launch_once: bool) -> None:
        """The command that further nodes of `target` start, where its ``launcher_spec`` asks for several nodes.

        Raises JobError when such a site does not launch its process once and for all.
        """
        blocks = _multi_node_blocks(self.meta_props or {}, target)
        if blocks and not launch_once:
            raise JobError(f"{target!r} runs on several nodes, which needs launch_once=True")
        self._node_commands.append((target, shlex.join(command)))

    def meta(self, name: str, deploy_map: dict[str, tuple[str, ...]], release: Release) -> Meta:
        """``meta.json`` of the job called `name`, as `release` writes it."""
        check_meta_props(self.meta_props)
        if self.meta_props and release < R27:
            raise ReleaseError(f"FLARE {release} has no meta_props; they came with 2.7")
        data: dict[str, Any] = {
            "name": name,
            "resource_spec": self.resource_specs,
            "min_clients": self.min_clients,
            "deploy_map": deploy_map,
        }
        if self.mandatory_clients:
            data["mandatory_clients"] = list(self.mandatory_clients)
        return Meta.from_dict({**data, **self._props(release)}, "meta.json: ")

    def _props(self, release: Release) -> dict[str, Any]:
        props = copy.deepcopy(self.meta_props or {})
        for target, command in self._node_commands if release >= R29 else ():
            for block in _multi_node_blocks(props, target):
                block["additional_node_command"] = command
        return props


def _multi_node_blocks(props: dict[str, Any], target: str) -> list[dict[str, Any]]:
    """The launcher blocks of `target` with more than one node and no command of their own."""
    spec = props.get("launcher_spec")
    sites = spec.items() if isinstance(spec, dict) else ()
    return [
        block
        for site, blocks in sites
        if site not in {"default", SERVER} and target in {ALL_SITES, site} and isinstance(blocks, dict)
        for block in blocks.values()
        if isinstance(block, dict) and "additional_node_command" not in block
        if isinstance(block.get("nodes"), int) and block["nodes"] > 1
    ]


def check_job_name(name: Any) -> None:
    """Raise JobError unless `name` can be the name of a job: it becomes a directory and a URL."""
    if not isinstance(name, str):
        raise JobTypeError(f"a job's name must be a str, but got {type(name).__name__}")
    if not _NAME.fullmatch(name):
        raise JobError(
            f"invalid job name {name!r}: it must start with a letter or digit and may hold only "
            "letters, digits, '.', '_' and '-'"
        )


def check_positive_int(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise JobTypeError(f"{name} must be an int, but got {type(value).__name__}")
    if value <= 0:
        raise JobError(f"{name} must be at least 1, but got {value}")


def check_meta_props(meta_props: Any) -> None:
    if meta_props and not isinstance(meta_props, dict):
        raise JobTypeError(f"meta_props must be a dict, but got {type(meta_props).__name__}")
    if meta_props and "name" in meta_props:
        raise JobError("meta_props must not hold 'name': the job's name is given to FedJob(name=...)")


def fail_fast_params(*, target: str, fail_fast: bool, release: Release) -> dict[str, Any]:
    """What `fail_fast` adds to the server's configuration."""
    if not fail_fast or target != SERVER:
        return {}
    if release < R29:
        raise ReleaseError(f"FLARE {release} has no fail_fast; it came with 2.9")
    return {"dead_client_grace_period": 0}
