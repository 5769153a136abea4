"""Statistics over a few numbers, a different set at each site."""

import numpy as np
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.abstract.statistics_spec import (
    Bin,
    DataType,
    Feature,
    Histogram,
    HistogramType,
    Statistics,
)
from share import number


class Numbers(Statistics):
    def initialize(self, fl_ctx: FLContext) -> None:
        n = number(fl_ctx.get_identity_name())
        self.data = {"age": np.arange(8) * n, "height": np.arange(16) / 4 + n}

    def features(self):
        return {"train": [Feature("age", DataType.INT), Feature("height", DataType.FLOAT)]}

    def count(self, dataset_name, feature_name):
        return len(self.data[feature_name])

    def sum(self, dataset_name, feature_name):
        return float(self.data[feature_name].sum())

    def mean(self, dataset_name, feature_name):
        return float(self.data[feature_name].mean())

    def stddev(self, dataset_name, feature_name):
        return float(self.data[feature_name].std())

    def variance_with_mean(self, dataset_name, feature_name, global_mean, global_count):
        return float(((self.data[feature_name] - global_mean) ** 2).sum() / (global_count - 1))

    def histogram(self, dataset_name, feature_name, num_of_bins, global_min_value, global_max_value):
        counts, edges = np.histogram(
            self.data[feature_name], num_of_bins, (global_min_value, global_max_value)
        )
        bins = [
            Bin(float(a), float(b), float(c)) for a, b, c in zip(edges[:-1], edges[1:], counts, strict=True)
        ]
        return Histogram(HistogramType.STANDARD, bins)

    def max_value(self, dataset_name, feature_name):
        return float(self.data[feature_name].max())

    def min_value(self, dataset_name, feature_name):
        return float(self.data[feature_name].min())
