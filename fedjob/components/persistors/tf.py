"""TFModelPersistor: the global Keras model, as a weights file in the server's app folder.

Answers ``nvflare.app_opt.tf.model_persistor``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.components.building import instantiate_class
from fedjob.components.persistor import ModelDescriptor, ModelPersistor
from fedjob.components.persistors.tf_layers import flat_layer_weights_dict, unflat_layer_weights_dict
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable


class TFModelPersistor(ModelPersistor):
    """Starts from `source_ckpt_file_full_name`, else from the weights of an earlier run, else from `model`.

    `model` is a Keras model or ``{"path", "args"}``; a source that is a whole model needs none.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(
        self,
        model: Any = None,
        save_name: str = "tf_model.weights.h5",
        filter_id: str | None = None,
        source_ckpt_file_full_name: str | None = None,
    ) -> None:
        super().__init__(filter_id=filter_id)
        self.save_name = save_name
        self.model = model
        self.source_ckpt_file_full_name = source_ckpt_file_full_name
        self.log_dir: str | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.log_dir = fl_ctx.get_engine().get_workspace().get_app_dir(fl_ctx.get_job_id())

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The model to start from; None when the run was ended for want of one."""
        try:
            self._build()
            self._load_weights()
            self._require_built()
        except Exception as e:
            self.log_exception(fl_ctx, f"cannot load the model: {e}")
            self.system_panic(f"cannot load the model: {e}", fl_ctx)
            return None  # type: ignore[return-value]  # as in FLARE: the run is over
        return self._learnable()

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        for layer, weights in unflat_layer_weights_dict(model[ModelLearnableKey.WEIGHTS]).items():
            self.model.get_layer(name=layer).set_weights(weights)
        self.model.save_weights(str(self._saved()))

    def get_model(self, model_file: str, fl_ctx: FLContext) -> ModelLearnable | None:
        """A stored model; None when there is no such file or it cannot be read."""
        found = self.get_model_inventory(fl_ctx).get(model_file)
        if found is None:
            return None
        try:
            self.model.load_weights(found.location)
            self._require_built()
        except Exception as e:
            self.log_exception(fl_ctx, f"cannot load the model {found.location}: {e}")
            return None
        return self._learnable()

    def get_model_inventory(self, fl_ctx: FLContext) -> dict[str, ModelDescriptor]:
        inventory = {}
        source = self.source_ckpt_file_full_name
        if source and Path(source).exists():
            inventory[Path(source).name] = _describe(source, source, {"source": "initial_ckpt"})
        if self.log_dir is not None and self._saved().exists():
            inventory[Path(self.save_name).name] = _describe(self.save_name, str(self._saved()), {})
        return inventory

    def _saved(self) -> Path:
        assert self.log_dir is not None  # START_RUN set it
        return Path(self.log_dir) / self.save_name

    def _build(self) -> None:
        import tensorflow as tf

        if not isinstance(self.model, dict):
            return
        path = self.model.get("path")
        if not path:
            raise ValueError("a model given as a dict must name its class as 'path'")
        self.model = instantiate_class(path, self.model.get("args", {}))
        if not isinstance(self.model, tf.keras.Model):
            raise TypeError(f"{path} must be a tf.keras.Model, but is {type(self.model).__name__}")

    def _load_weights(self) -> None:
        source = self.source_ckpt_file_full_name
        if source:
            self._load_source(source)
        elif self._saved().exists():
            self._require_model(f"for the weights in {self._saved()}").load_weights(str(self._saved()))
        self._require_model("and no source_ckpt_file_full_name with a whole one")

    def _load_source(self, source: str) -> None:
        import tensorflow as tf

        if not Path(source).exists():
            raise FileNotFoundError(f"there is no checkpoint {source}")
        if Path(source).is_dir():
            self.model = tf.keras.models.load_model(source)
            return
        if source.endswith((".h5", ".keras")):
            try:
                self.model = tf.keras.models.load_model(source)
            except Exception as e:  # a file of weights has the same ending
                self.logger.info("%s is no whole model (%s); taken as weights", source, e)
            else:
                return
        self._require_model(f"for the weights in {source}").load_weights(source)

    def _require_model(self, why: str) -> Any:
        if self.model is None:
            raise ValueError(f"there is no model {why}")
        return self.model

    def _require_built(self) -> None:
        if self.model.built:
            return
        if not hasattr(self.model, "_input_shape"):
            raise AttributeError("the model is not built yet; set model._input_shape so that it can be")
        self.model.build(input_shape=self.model._input_shape)

    def _learnable(self) -> ModelLearnable:
        layers = {layer.name: layer.get_weights() for layer in self.model.layers}
        return make_model_learnable(flat_layer_weights_dict(layers), {})


def _describe(name: str, location: str, props: dict[str, Any]) -> ModelDescriptor:
    return ModelDescriptor(name=name, location=location, model_format="TensorFlow", props=props)
