"""Asks all sites once and adds their answers up."""

import json
import os

from nvflare.apis.client import Client
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.app_common.abstract.response_processor import ResponseProcessor


class Trails(ResponseProcessor):
    def create_task_data(self, task_name: str, fl_ctx: FLContext) -> Shareable:
        self._trails = {}
        data = Shareable()
        data["trail"] = [task_name]
        return data

    def process_client_response(
        self, client: Client, task_name: str, response: Shareable, fl_ctx: FLContext
    ) -> bool:
        self._trails[client.name] = response["trail"]
        return True

    def final_process(self, fl_ctx: FLContext) -> bool:
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        with open(os.path.join(run_dir, "trails.json"), "w") as f:
            json.dump(self._trails, f)
        return True
