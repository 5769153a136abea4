"""TFFileModelLocator: the models that a TFModelPersistor stored.

Answers ``nvflare.app_opt.tf.file_model_locator``.
"""

from __future__ import annotations

from fedjob.components.locators.stored import StoredModelLocator
from fedjob.components.persistors.tf import TFModelPersistor


class TFFileModelLocator(StoredModelLocator):
    """`tf_persistor_id` is the component id of the persistor."""

    PERSISTOR = TFModelPersistor

    def __init__(self, tf_persistor_id: str) -> None:
        super().__init__()
        self.tf_persistor_id = tf_persistor_id

    def persistor_id(self) -> str:
        return self.tf_persistor_id
