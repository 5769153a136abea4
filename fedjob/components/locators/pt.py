"""PTFileModelLocator: the models that a PTFileModelPersistor stored.

Answers ``nvflare.app_opt.pt.file_model_locator``.
"""

from __future__ import annotations

from fedjob.components.locators.stored import StoredModelLocator
from fedjob.components.persistors.pt import PTFileModelPersistor


class PTFileModelLocator(StoredModelLocator):
    """`pt_persistor_id` is the component id of the persistor."""

    PERSISTOR = PTFileModelPersistor

    def __init__(self, pt_persistor_id: str) -> None:
        super().__init__()
        self.pt_persistor_id = pt_persistor_id

    def persistor_id(self) -> str:
        return self.pt_persistor_id
