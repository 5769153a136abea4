"""ListModelLocator: models in files that the job's author names.

Answers ``nvflare.app_common.model_locator.list_model_locator``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.locator import ModelLocator
from fedjob.components.persistor import ModelPersistor
from fedjob.exchange.dxo import DXO
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import model_learnable_to_dxo


class ListModelLocator(ModelLocator):
    """`model_list` gives file locations by model name; the persistor must have ``get_model_from_location``."""

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self, persistor_id: str, model_list: dict[str, str] = {}) -> None:  # noqa: B006  # FLARE's default
        super().__init__()
        self.persistor_id = persistor_id
        self.model_persistor: Any = None
        self.model_list = model_list

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Find the persistor. Raises ValueError when there is none of that id."""
        if event_type != EventType.START_RUN:
            return
        found = fl_ctx.get_engine().get_component(self.persistor_id)
        if not isinstance(found, ModelPersistor):
            raise ValueError(
                f"ListModelLocator needs the id of a ModelPersistor, but component {self.persistor_id!r} "
                f"is {type(found).__name__}"
            )
        self.model_persistor = found

    def get_model_names(self, fl_ctx: FLContext) -> list[str]:
        return list(self.model_list)

    def locate_model(self, model_name: str, fl_ctx: FLContext) -> DXO:
        """The model. Raises ValueError for a name that is not listed."""
        if model_name not in self.model_list:
            raise ValueError(
                f"there is no model {model_name!r} in the list; there are {list(self.model_list)}"
            )
        found = self.model_persistor.get_model_from_location(self.model_list[model_name], fl_ctx)
        return model_learnable_to_dxo(found)
