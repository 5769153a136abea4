"""What the locators of models in files have in common."""

from __future__ import annotations

from typing import Any

from fedjob.components.locator import ModelLocator
from fedjob.components.persistor import ModelDescriptor, ModelPersistor
from fedjob.exchange.dxo import DXO
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import model_learnable_to_dxo


class StoredModelLocator(ModelLocator):
    """Asks a persistor of class `PERSISTOR` for its inventory."""

    PERSISTOR: type[ModelPersistor]

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self) -> None:
        super().__init__()
        self.model_persistor: Any = None
        self.model_inventory: dict[str, ModelDescriptor] = {}

    def persistor_id(self) -> str:
        raise NotImplementedError

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Find the persistor. Raises ValueError when there is none of that id and class."""
        if event_type != EventType.START_RUN:
            return
        component_id = self.persistor_id()
        found = fl_ctx.get_engine().get_component(component_id) if component_id else None
        if not isinstance(found, self.PERSISTOR):
            raise ValueError(
                f"{type(self).__name__} needs the id of a {self.PERSISTOR.__name__}, "
                f"but component {component_id!r} is {type(found).__name__}"
            )
        self.model_persistor = found

    def get_model_names(self, fl_ctx: FLContext) -> list[str]:
        self.model_inventory = self.model_persistor.get_model_inventory(fl_ctx)
        return list(self.model_inventory)

    def locate_model(self, model_name: str, fl_ctx: FLContext) -> DXO:
        """The model. Raises ValueError for a name that `get_model_names` did not give."""
        if model_name not in self.model_inventory:
            raise ValueError(
                f"there is no stored model {model_name!r}; there are {list(self.model_inventory)}"
            )
        return model_learnable_to_dxo(self.model_persistor.get(model_name, fl_ctx))
