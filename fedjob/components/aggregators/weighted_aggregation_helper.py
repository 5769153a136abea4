"""The weighted mean of dicts of values, key by key and contribution by contribution.

Answers ``nvflare.app_common.aggregators.weighted_aggregation_helper``. Only running sums are kept, so memory does not
grow with the number of contributions; the order of `add` is the order of summation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class AggregationStatsKey:
    """Keys of the statistics on how the contributions' keys matched."""

    ROUND = "round"
    ACCEPTED_CONTRIBUTIONS = "accepted_contributions"
    CONTRIBUTORS = "contributors"
    KEYS_AGGREGATED = "keys_aggregated"
    KEYS_SEEN = "keys_seen"
    FULLY_MATCHED_KEYS = "fully_matched_keys"
    PARTIALLY_MATCHED_KEYS = "partially_matched_keys"
    SKIPPED_KEYS = "skipped_keys"


class WeightedAggregationHelper:
    """Sums value * weight per key, then divides by the sum of the weights of those who had the key.

    `exclude_vars` is a regular expression for keys to leave out. With `weigh_by_local_iter` off, values are taken as
    weighted already. Values are numpy arrays, torch tensors or numbers; float32 stays float32.
    """

    def __init__(self, exclude_vars: str | None = None, weigh_by_local_iter: bool = True) -> None:
        self.exclude_vars = re.compile(exclude_vars) if exclude_vars else None
        self.weigh_by_local_iter = weigh_by_local_iter
        #: Of which contributions the last result was made, as `_stats` takes them.
        self._last: tuple[list[str], Counter[str], int] | None = None
        self.reset_stats()

    def reset_stats(self) -> None:
        """Forget all contributions."""
        self.total: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.key_contribution_counts: Counter[str] = Counter()
        self.skipped_keys: set[str] = set()

    def add(
        self, data: Mapping[str, Any], weight: Any, contributor_name: str, contribution_round: int | None
    ) -> None:
        """Take one contribution; `data` is not changed.

        Raises ValueError for an array of another shape than those before it: FLARE has numpy stretch it where that is
        possible, and the mean is that of nothing that any site has sent.
        """
        for key, value in data.items():
            if self.exclude_vars is not None and self.exclude_vars.search(key):
                self.skipped_keys.add(key)
                continue
            self.key_contribution_counts[key] += 1
            self._add(key, _materialized(value), weight, contributor_name)
        self.history.append(
            {"contributor_name": contributor_name, "round": contribution_round, "weight": weight}
        )

    def add_stack(
        self,
        data: Mapping[str, Any],
        weights: Sequence[float],
        contributor_names: Sequence[str],
        contribution_round: int | None,
    ) -> None:
        """`add` for contributions with the same keys, in their order: the same sums to the last bit.

        A value is an array of floats whose first dimension is that of the contributions, or a sequence of numbers or arrays.
        """
        for key, values in data.items():
            if self.exclude_vars is not None and self.exclude_vars.search(key):
                self.skipped_keys.add(key)
                continue
            self.key_contribution_counts[key] += len(weights)
            self._add(key, values[0], weights[0], contributor_names[0])
            self._add_rest(key, values[1:], weights[1:], contributor_names[1:])
        self.history += [
            {"contributor_name": name, "round": contribution_round, "weight": weight}
            for name, weight in zip(contributor_names, weights, strict=True)
        ]

    def get_result(self) -> dict[str, Any]:
        """The mean per key; forgets all contributions."""
        result = {k: _divided(total, self.counts[k]) for k, total in self.total.items()}
        self._last = self._contributors()
        self.reset_stats()
        return result

    def get_aggregation_stats(self) -> dict[str, Any]:
        """How far the contributions so far had the same keys (see AggregationStatsKey)."""
        return _stats(*self._contributors())

    @property
    def last_aggregation_stats(self) -> dict[str, Any] | None:
        """`get_aggregation_stats` as it was for the last result; None before there was one."""
        return _stats(*self._last) if self._last is not None else None

    def _contributors(self) -> tuple[list[str], Counter[str], int]:
        names = [item["contributor_name"] for item in self.history]
        return names, self.key_contribution_counts, len(self.skipped_keys)

    def get_history(self) -> list[dict[str, Any]]:
        """Contributor, round and weight of each contribution, in order."""
        return self.history

    def get_len(self) -> int:
        """How many contributions there are."""
        return len(self.history)

    def _add_rest(self, key: str, values: Any, weights: Sequence[float], names: Sequence[str]) -> None:
        total = self.total[key]
        if self.weigh_by_local_iter and _NUMBERS.issuperset(map(type, values)):
            for value, weight in zip(values, weights, strict=True):
                total = total + value * weight
            self.total[key] = total
        elif self.weigh_by_local_iter and len(weights) and _is_array(values) and _fit(values[0], total, 1):
            _accumulate(values, weights, total)
        elif self.weigh_by_local_iter and _all_fit(values, total, weights):
            for value, weight in zip(values, weights, strict=True):
                _find_pages(value)
                total += value if weight == 1 else value * weight
        else:
            for value, weight, name in zip(values, weights, names, strict=True):
                self._add(key, value, weight, name)
            return
        count = self.counts[key]
        for weight in weights:
            count += weight
        self.counts[key] = count

    def _add(self, key: str, value: Any, weight: Any, name: str) -> None:
        total = self.total.get(key)
        if total is None:
            self.total[key] = _first(value, weight if self.weigh_by_local_iter else None)
            self.counts[key] = weight
            return
        factor = weight if self.weigh_by_local_iter else 1
        if _fit(value, total, factor):
            # In place, and without multiplying by one: the same bits, and a quarter of the memory to go through.
            _find_pages(value)
            total += value if factor == 1 else value * factor
        elif _differ(value, total):
            raise ValueError(
                f"{name} sent {key!r} with shape {tuple(value.shape)}, and others with {tuple(total.shape)}: "
                "there is no mean of arrays of different shapes"
            )
        elif _is_tensor(value) and _is_tensor(total):
            total.add_(value, alpha=weight if self.weigh_by_local_iter else 1)
        else:
            self.total[key] = total + (value * weight if self.weigh_by_local_iter else value)
        self.counts[key] = self.counts[key] + weight


def _accumulate(values: Any, weights: Sequence[float], total: Any) -> None:
    """Add the weighted values to the total, one after another."""
    import numpy as np

    if set(weights) != {1}:
        values = values * np.array(weights, values.dtype).reshape(-1, *[1] * total.ndim)
    # A running sum, because numpy may take a plain one in pairs, which rounds otherwise.
    total[...] = np.add.accumulate(np.concatenate((total[None], values)))[-1]


def filter_aggregatable_metrics(
    metrics: Mapping[str, Any] | None,
    warn_skipped: Callable[[str, str], None] | None = None,
    warned_metric_keys: set[str] | None = None,
) -> dict[str, Any]:
    """The metrics that have a mean: numbers, arrays and the like.

    `warn_skipped(name, type name)` is called for each of the others; with `warned_metric_keys`, once per name.
    """
    kept = {}
    warned = warned_metric_keys if warned_metric_keys is not None else set()
    for name, value in (metrics or {}).items():
        if _has_mean(value):
            kept[name] = value
        elif warn_skipped and name not in warned:
            warn_skipped(name, type(value).__name__)
            warned.add(name)
    return kept


def compute_key_match_stats(contributions: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Statistics (see AggregationStatsKey) on contributions that are given as their keys, by contributor."""
    return _stats(list(contributions), Counter(k for keys in contributions.values() for k in keys), 0)


def _stats(contributors: list[str], counts: Counter[str], skipped: int) -> dict[str, Any]:
    full = sum(1 for n in counts.values() if n == len(contributors))
    return {
        AggregationStatsKey.ACCEPTED_CONTRIBUTIONS: len(contributors),
        AggregationStatsKey.CONTRIBUTORS: sorted(set(contributors)),
        AggregationStatsKey.KEYS_AGGREGATED: len(counts),
        AggregationStatsKey.KEYS_SEEN: len(counts) + skipped,
        AggregationStatsKey.FULLY_MATCHED_KEYS: full,
        AggregationStatsKey.PARTIALLY_MATCHED_KEYS: len(counts) - full,
        AggregationStatsKey.SKIPPED_KEYS: skipped,
    }


def _fit(value: Any, total: Any, factor: Any) -> bool:
    """Whether a sum of numpy arrays can be taken in place: all are of one floating type and shape."""
    if type(value) is not type(total) or type(factor) not in _NUMBERS or not _is_array(value):
        return False
    dtype = value.dtype
    return bool(dtype.kind == "f" and dtype == total.dtype and value.ndim > 0 and value.shape == total.shape)


def _differ(value: Any, total: Any) -> bool:
    """Whether two arrays, or tensors, have different shapes."""
    shape, wanted = getattr(value, "shape", None), getattr(total, "shape", None)
    return shape is not None and wanted is not None and shape != wanted


def _all_fit(values: Sequence[Any], total: Any, factors: Sequence[Any]) -> bool:
    """`_fit` for each value and its factor."""
    return (
        len(values) > 0
        and len(set(map(type, values))) == 1
        and _fit(values[0], total, 1)
        and len({(value.dtype, value.shape) for value in values}) == 1
        and _NUMBERS.issuperset(map(type, factors))
    )


def _find_pages(array: Any) -> None:
    """Have the processor look up the pages of a large array that is to be read, many of them at a time.

    When it is read it would wait for one after another, because what it fetches ahead ends with each page: in shared memory,
    of small pages, that is three tenths of the time that a sum takes.
    """
    if _PAGES[0] <= array.nbytes <= _PAGES[1] and array.flags.c_contiguous:
        array.reshape(-1).view("u1")[::_PAGE].max()


#: Bytes; and those of arrays for which it is worth while: of larger ones it has forgotten the first pages again.
_PAGE, _PAGES = 4096, (1 << 19, 1 << 24)

_NUMBERS = frozenset({int, float})

#: Whether the values of a type are numpy's arrays.
_ARRAYS: dict[type, bool] = {}


def _is_array(value: Any) -> bool:
    # By its name: numpy is not imported for this.
    kind = type(value)
    found = _ARRAYS.get(kind)
    if found is None:
        found = _ARRAYS[kind] = kind.__name__ == "ndarray" and kind.__module__ == "numpy"
    return found


#: Whether the values of a type are tensors.
_TENSORS: dict[type, bool] = {}


def _is_tensor(value: Any) -> bool:
    # By its methods: torch is not imported for this.
    kind = type(value)
    found = _TENSORS.get(kind)
    if found is None:
        found = _TENSORS[kind] = all(hasattr(value, method) for method in ("add_", "mul_", "clone"))
    return found


def _materialized(value: Any) -> Any:
    """The value itself where a contribution holds a reference to one in a file."""
    if type(value) in _NUMBERS or _is_array(value):
        return value
    materialize = getattr(value, "materialize", None)
    return materialize() if callable(materialize) else value


def _first(value: Any, weight: Any) -> Any:
    """A private copy to sum into, weighted unless `weight` is None."""
    if weight is not None:
        return value.mul(weight) if _is_tensor(value) else value * weight
    if _is_tensor(value):
        return value.clone()
    try:
        return value.copy() if hasattr(value, "copy") else value
    except (ValueError, RuntimeError):  # an encrypted value cannot be copied without its key, nor changed
        return value


def _divided(total: Any, count: Any) -> Any:
    # FLARE multiplies by the reciprocal where it cannot divide in place; the last bit tells.
    if _is_tensor(total):
        return total.div_(count)
    if _fit(total, total, count):
        total *= 1.0 / count
        return total
    return total * (1.0 / count)


def _has_mean(value: Any) -> bool:
    if type(value) in _NUMBERS:
        return True
    if value is None or isinstance(value, (dict, list, set, tuple, str)):
        return False
    try:
        _ = value * 1.0, value + value
    except (TypeError, ValueError, AttributeError):
        return False
    return True
