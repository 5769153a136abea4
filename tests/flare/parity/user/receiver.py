"""Keeps what the sites log, by site, as JSON."""

import json
import os

from nvflare.apis.analytix import AnalyticsData
from nvflare.apis.dxo import from_shareable
from nvflare.app_common.widgets.streaming import AnalyticsReceiver


class JsonReceiver(AnalyticsReceiver):
    def initialize(self, fl_ctx):
        self._path = os.path.join(
            fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id()), "logged.json"
        )
        self._seen = {}

    def save(self, fl_ctx, shareable, record_origin):
        data = AnalyticsData.from_dxo(from_shareable(shareable))
        self._seen.setdefault(record_origin, []).append(
            [data.tag, data.value, str(data.data_type), data.step]
        )

    def finalize(self, fl_ctx):
        with open(self._path, "w") as f:
            json.dump(self._seen, f)
