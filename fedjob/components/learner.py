"""The learner's role: training and validation at a site, in terms of Shareables or of FLModels.

Answers ``nvflare.app_common.abstract.learner_spec.Learner``, which a LearnerExecutor runs, and
``...model_learner.ModelLearner``, which a ModelLearnerExecutor runs.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.components.workflows.wrapper import FLComponentWrapper
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class Learner(FLComponent):
    """What is not overridden answers TASK_UNSUPPORTED."""

    def initialize(self, parts: dict[str, Any], fl_ctx: FLContext) -> None:
        """Called once before the first task."""

    def train(self, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Train on the model in `data`; the reply carries the result."""
        return make_reply(ReturnCode.TASK_UNSUPPORTED)

    def get_model_for_validation(self, model_name: str, fl_ctx: FLContext) -> Shareable:
        """The site's own model of that name (see ModelName)."""
        return make_reply(ReturnCode.TASK_UNSUPPORTED)

    def validate(self, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Validate the model in `data`; the reply carries the metrics."""
        return make_reply(ReturnCode.TASK_UNSUPPORTED)

    def abort(self, fl_ctx: FLContext) -> None:
        """Called to end the current task early; more tasks may follow."""

    def finalize(self, fl_ctx: FLContext) -> None:
        """Called once after the last task."""


class ModelLearner(FLComponentWrapper):
    """Each method gives a model, or a return code (see ReturnCode) when it fails."""

    def train(self, model: FLModel) -> str | FLModel | None:
        """Train on `model`."""
        return None

    def get_model(self, model_name: str) -> str | FLModel | None:
        """The site's own model of that name (see ModelName)."""
        return None

    def validate(self, model: FLModel) -> str | FLModel | None:
        """Metrics of `model`."""
        return None

    def configure(self, model: FLModel) -> None:
        """Take settings from a model that carries no parameters."""
