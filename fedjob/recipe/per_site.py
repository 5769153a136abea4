"""Recipes whose clients run a script, the same or another at each site."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.checks import check_sites
from fedjob.recipe.spec import Recipe


class PerSiteRecipe(Recipe):
    """Sends a ScriptRunner to all clients or, after `set_per_site_config`, one to each site."""

    min_clients: int
    per_site_config: dict[str, dict[str, Any]] | None = None

    @abstractmethod
    def _create_client_runner(self, site_config: dict[str, Any]) -> ScriptRunner:
        """The runner of a site that differs by `site_config`."""

    def _apply_per_site_config(self, config: dict[str, dict[str, Any]]) -> None:
        check_sites(config, self.min_clients)
        for site_config in config.values():
            self._create_client_runner(site_config)  # refuses wrong values while the caller is at it
        self.per_site_config = config

    def _prepare_client_apps(self) -> None:
        if self.per_site_config is None:
            self._job.to_clients(self._create_client_runner({}))
            return
        for site, site_config in self.per_site_config.items():
            self._job.to(self._create_client_runner(site_config), site)
