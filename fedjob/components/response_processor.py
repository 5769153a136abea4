"""The response processor's role: the two halves of one question to all sites.

Answers ``nvflare.app_common.abstract.response_processor.ResponseProcessor``; BroadcastAndProcess runs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from fedjob.components.roles import FLComponent
from fedjob.exchange.client import Client
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class ResponseProcessor(FLComponent, ABC):
    """Makes the task's data and takes the sites' answers."""

    @abstractmethod
    def create_task_data(self, task_name: str, fl_ctx: FLContext) -> Shareable:
        """What is sent to every site; forget earlier answers here."""

    @abstractmethod
    def process_client_response(
        self, client: Client, task_name: str, response: Shareable, fl_ctx: FLContext
    ) -> bool:
        """Take one answer; False ends the workflow."""

    @abstractmethod
    def final_process(self, fl_ctx: FLContext) -> bool:
        """Called when all have answered; False when the outcome is not usable."""
