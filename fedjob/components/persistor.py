"""The persistor's role: where the global model comes from and where it is kept.

Answers ``nvflare.app_common.abstract.learnable_persistor``, ``...model_persistor``, ``...persistor_filter``
and ``nvflare.app_common.model_desc``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import Learnable, ModelLearnable


class ModelDescriptor:
    """A stored model: `name`, where it is, and its format (see ModelFormat)."""

    def __init__(
        self, name: str, location: str, model_format: str, props: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.location = location
        self.model_format = model_format
        self.props = props


class LearnablePersistor(FLComponent, ABC):
    """Loads and saves what is learned."""

    @abstractmethod
    def load(self, fl_ctx: FLContext) -> Learnable:
        """The learnable to start from."""

    @abstractmethod
    def save(self, learnable: Learnable, fl_ctx: FLContext) -> None:
        """Keep the learnable."""


class PersistorFilter(FLComponent):
    """Changes a model on its way from and to a persistor that names it as `filter_id`."""

    def process_post_load(self, learnable: Learnable, fl_ctx: FLContext) -> Learnable:
        """After `load`."""
        return learnable

    def process_pre_save(self, learnable: Learnable, fl_ctx: FLContext) -> Learnable:
        """Before `save`."""
        return learnable

    def process_post_save(self, learnable: Learnable, fl_ctx: FLContext) -> Learnable:
        """After `save`; gets what `process_pre_save` gave."""
        return learnable

    def process_post_get(self, learnable: Learnable, fl_ctx: FLContext) -> Learnable:
        """After `get`."""
        return learnable


class ModelPersistor(LearnablePersistor, ABC):
    """Loads and saves models; write `load_model` and `save_model`.

    `filter_id` is the component id of a PersistorFilter.
    """

    def __init__(self, filter_id: str | None = None) -> None:
        super().__init__()
        self.filter_id = filter_id

    def load(self, fl_ctx: FLContext) -> Any:
        """The model to start from. Raises ValueError when `filter_id` names no PersistorFilter."""
        learnable = self.load_model(fl_ctx)
        if found := self._filter(fl_ctx):
            return found.process_post_load(learnable=learnable, fl_ctx=fl_ctx)
        return learnable

    def save(self, learnable: Any, fl_ctx: FLContext) -> None:
        """Keep the model. Raises ValueError when `filter_id` names no PersistorFilter."""
        found = self._filter(fl_ctx)
        if found:
            learnable = found.process_pre_save(learnable=learnable, fl_ctx=fl_ctx)
        self.save_model(learnable, fl_ctx)
        if found:
            found.process_post_save(learnable=learnable, fl_ctx=fl_ctx)

    def get(self, model_file: str, fl_ctx: FLContext) -> Any:
        """A stored model by its file name. Raises ValueError when `filter_id` names no PersistorFilter."""
        learnable: Any = self.get_model(model_file, fl_ctx)
        if found := self._filter(fl_ctx):
            return found.process_post_get(learnable=learnable, fl_ctx=fl_ctx)
        return learnable

    @abstractmethod
    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The model to start from."""

    @abstractmethod
    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Keep the model."""

    def get_model_inventory(self, fl_ctx: FLContext) -> dict[str, ModelDescriptor] | None:
        """The stored models by file name; None when this persistor keeps no inventory."""
        return None

    def get_model(self, model_file: str, fl_ctx: FLContext) -> ModelLearnable | None:
        """A stored model by its file name. Raises NotImplementedError where only one model is kept."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot look up {model_file!r}: it keeps one model only; "
            "override get_model, or use a persistor that keeps several"
        )

    def _filter(self, fl_ctx: FLContext) -> PersistorFilter | None:
        if not self.filter_id:
            return None
        found = fl_ctx.get_engine().get_component(self.filter_id)
        if not isinstance(found, PersistorFilter):
            raise ValueError(
                f"component {self.filter_id!r} must be a PersistorFilter, but is {type(found).__name__}"
            )
        return found
