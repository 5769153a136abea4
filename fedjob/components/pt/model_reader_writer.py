"""PTModelReaderWriter: parameters of a torch module as numpy arrays, and back.

Answers ``nvflare.app_opt.pt.model_reader_writer``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.model_processor import ModelProcessor
from fedjob.components.persistors.pt_params import feed_vars
from fedjob.exchange.fl_context import FLContext


class PTModelReaderWriter(ModelProcessor):
    """`multi_processes` says that the module is wrapped and is to be found as ``network.module``."""

    def extract_model(
        self, network: Any, multi_processes: bool, model_vars: dict[str, Any], fl_ctx: FLContext
    ) -> dict[str, Any]:
        module = network.module if multi_processes else network
        return {name: value.cpu().numpy() for name, value in module.state_dict().items()}

    def apply_model(
        self,
        network: Any,
        multi_processes: bool,
        model_params: dict[str, Any],
        fl_ctx: FLContext,
        options: Any = None,
    ) -> list[Any]:
        """The assigned values. Raises RuntimeError for parameters that do not fit."""
        module = network.module if multi_processes else network
        assigned, state = feed_vars(module, model_params)
        module.load_state_dict(state)
        return assigned
