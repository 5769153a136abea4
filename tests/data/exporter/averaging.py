"""An aggregator of the user's, for recipes of FLARE 2.7 and later."""

from nvflare.app_common.aggregators.model_aggregator import ModelAggregator


class Mean(ModelAggregator):
    def __init__(self, weight=1):
        super().__init__()
        self.weight = weight

    def accept_model(self, model):
        pass

    def aggregate_model(self):
        pass

    def reset_stats(self):
        pass
