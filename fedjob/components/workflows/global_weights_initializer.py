"""GlobalWeightsInitializer: the model to start from is a site's.

Answers ``nvflare.app_common.response_processors.global_weights_initializer``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.response_processor import ResponseProcessor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.dxo import DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import make_model_learnable
from fedjob.exchange.shareable import Shareable


class WeightMethod:
    """Whose weights count."""

    FIRST = "first"
    CLIENT = "client"


class GlobalWeightsInitializer(ResponseProcessor):
    """Puts the first weights that come, or those of the site `client_name`, into the context as `weights_prop_name`.

    Raises ValueError for another method, or when the site is not named by one string.
    """

    def __init__(
        self,
        weights_prop_name: str = AppConstants.GLOBAL_MODEL,
        weight_method: str = WeightMethod.FIRST,
        client_name: Any = None,
    ) -> None:
        if weight_method not in {WeightMethod.FIRST, WeightMethod.CLIENT}:
            raise ValueError(f"weight_method must be 'first' or 'client', but got {weight_method!r}")
        if weight_method == WeightMethod.CLIENT and not (client_name and isinstance(client_name, str)):
            raise ValueError(f"weight_method 'client' needs one site's name, but got {client_name!r}")
        super().__init__()
        self.weights_prop_name = weights_prop_name
        self.weight_method = weight_method
        self.client_name = client_name
        self.final_weights: Any = None

    def create_task_data(self, task_name: str, fl_ctx: FLContext) -> Shareable:
        self.final_weights = None
        return Shareable()

    def process_client_response(
        self, client: Client, task_name: str, response: Shareable, fl_ctx: FLContext
    ) -> bool:
        try:
            dxo = from_shareable(response)
        except Exception as e:
            self.log_exception(fl_ctx, f"the answer of {client.name} is no DXO: {e}")
            return False
        if dxo.data_kind != DataKind.WEIGHTS or not dxo.data:
            self.log_error(
                fl_ctx, f"the answer of {client.name} must be WEIGHTS, but is {dxo.data_kind}, {dxo.data}"
            )
            return False
        wanted = self.weight_method == WeightMethod.FIRST or client.name == self.client_name
        if wanted and not self.final_weights:
            self.final_weights = dxo.data
        return True

    def final_process(self, fl_ctx: FLContext) -> bool:
        if not self.final_weights:
            self.log_error(fl_ctx, "no site gave the weights to start from")
            return False
        model = make_model_learnable(self.final_weights, {})
        fl_ctx.set_prop(self.weights_prop_name, model, private=True, sticky=True)
        return True
