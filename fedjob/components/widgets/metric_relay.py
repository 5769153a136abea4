"""Widgets that go with an external script in folders of FLARE 2.5 to 2.8."""

from __future__ import annotations

from fedjob.components.roles import Widget
from fedjob.exchange.analytics import ANALYTIC_EVENT_TYPE
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey
from fedjob.exchange.shareable import Shareable


class MetricRelay(Widget):
    """Hands on what an external script logs: ``nvflare.app_common.widgets.metric_relay``."""

    def __init__(
        self,
        pipe_id: str,
        read_interval: float = 0.1,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 60.0,
        pipe_channel_name: str = "metric",
        event_type: str = ANALYTIC_EVENT_TYPE,
        fed_event: bool = True,
    ) -> None:
        super().__init__()
        self.pipe_id = pipe_id
        self._read_interval = read_interval
        self._heartbeat_interval = heartbeat_interval
        self._heartbeat_timeout = heartbeat_timeout
        self._pipe_channel_name = pipe_channel_name
        self._event_type = event_type
        self._fed_event = fed_event

    def publish(self, data: Shareable, fl_ctx: FLContext) -> None:
        """Fire the event of a logged value, for the federation or for this site only."""
        if self._fed_event:
            self.fire_fed_event(self._event_type, data, fl_ctx)
        else:
            self.fire_event_with_data(self._event_type, fl_ctx, FLContextKey.EVENT_DATA, data)


class ExternalConfigurator(Widget):
    """Tells an external script which components connect it; on the local engine it knows without.

    ``nvflare.app_common.widgets.external_configurator``.
    """

    def __init__(self, component_ids: list[str], config_file_name: str = "client_api_config.json") -> None:
        super().__init__()
        self._component_ids = component_ids
        self._config_file_name = config_file_name
