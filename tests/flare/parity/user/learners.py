"""A Learner and a ModelLearner of a user."""

import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey, from_shareable
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.app_common.abstract.fl_model import FLModel, ParamsType
from nvflare.app_common.abstract.learner_spec import Learner
from nvflare.app_common.abstract.model_learner import ModelLearner
from share import number, steps


class AddLearner(Learner):
    def initialize(self, parts: dict, fl_ctx: FLContext) -> None:
        self.site = fl_ctx.get_identity_name()

    def train(self, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        dxo = from_shareable(data)
        diff = {k: np.full_like(v, number(self.site)) for k, v in dxo.data.items()}
        return DXO(
            DataKind.WEIGHT_DIFF, data=diff, meta={MetaKey.NUM_STEPS_CURRENT_ROUND: steps(self.site)}
        ).to_shareable()


class AddModelLearner(ModelLearner):
    def train(self, model: FLModel) -> FLModel:
        params = {
            k: np.full_like(v, number(self.site_name) + self.current_round) for k, v in model.params.items()
        }
        return FLModel(
            params_type=ParamsType.DIFF,
            params=params,
            meta={"NUM_STEPS_CURRENT_ROUND": steps(self.site_name)},
        )
