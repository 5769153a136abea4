"""SCAFFOLD by hand: the control differences travel in the model's meta."""

import numpy as np
import nvflare.client as flare
from nvflare.app_common.app_constant import AlgorithmConstants
from share import number, steps

flare.init()
site = flare.get_site_name()
while flare.is_running():
    model = flare.receive()
    controls = model.meta[AlgorithmConstants.SCAFFOLD_CTRL_GLOBAL]
    flare.send(
        flare.FLModel(
            params={k: np.full_like(v, number(site)) - controls[k] for k, v in model.params.items()},
            params_type=flare.ParamsType.DIFF,
            metrics={"accuracy": 0.5},
            meta={
                "NUM_STEPS_CURRENT_ROUND": steps(site),
                AlgorithmConstants.SCAFFOLD_CTRL_DIFF: {
                    k: np.full_like(v, 0.25) for k, v in model.params.items()
                },
            },
        )
    )
