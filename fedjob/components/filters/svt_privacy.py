"""SVTPrivacy: send a random share of the largest changes, with noise (sparse vector technique).

Answers ``nvflare.app_common.filters.svt_privacy``; used as in Li et al., "Privacy-preserving federated brain tumour segmentation",
MLMI 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.components.filters.svt_budget import (
    SVT_PRIVACY_ACCOUNTANT,
    SVT_PRIVACY_BUDGET,
    Accountant,
    Budget,
    divide,
)
from fedjob.exchange.dxo import DXO, DataKind, MetaKey
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

# Random numbers come from numpy's global generator, which is the site's own here, in FLARE's order of draws.
# ruff: noqa: NPY002

#: Values are handled in pieces of this many, as in FLARE; the draws depend on it.
_CHUNK = 1_000_000

Array = Any


@dataclass(slots=True)
class _Variable:
    name: str
    value: Array
    accepted: Array  #: bool per value, flat
    count: int = 0  #: how many were accepted

    @property
    def scalar(self) -> bool:
        return bool(np.ndim(self.value) == 0)

    def chunks(self) -> list[slice]:
        size = self.value.size
        return [slice(start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK)]


class SVTPrivacy(DXOFilter):
    """Sends the `fraction` of all values, chosen among those whose noisy magnitude per step passes a noisy threshold
    around `tau`; they are clipped to +-`gamma` and get noise, all others become 0. Scalars pass as they are.

    `epsilon` is divided between threshold and queries unless `epsilon_threshold` or `epsilon_query` say how;
    `epsilon_release`, or `noise_var` times the number of values, is for the values themselves. The context of the
    result's meta tells what was spent. Raises ValueError for parts that do not add up.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(
        self,
        fraction: float = 0.1,
        epsilon: float = 0.1,
        noise_var: float = 0.1,
        gamma: float = 1e-05,
        tau: float = 1e-06,
        data_kinds: list[str] | None = None,
        replace: bool = True,
        epsilon_threshold: float | None = None,
        epsilon_query: float | None = None,
        epsilon_release: float | None = None,
    ) -> None:
        super().__init__(
            supported_data_kinds=[DataKind.WEIGHTS, DataKind.WEIGHT_DIFF],
            data_kinds_to_filter=data_kinds or [DataKind.WEIGHT_DIFF, DataKind.WEIGHTS],
        )
        self.fraction = fraction
        self.epsilon = epsilon
        self.noise_var = noise_var
        self.gamma = gamma
        self.tau = tau
        self.replace = replace
        self.epsilon_threshold = epsilon_threshold
        self.epsilon_query = epsilon_query
        self.epsilon_release = epsilon_release
        self._accountant = Accountant()

    def get_privacy_spent(self) -> float:
        """Epsilon spent since the run started."""
        return self._accountant.spent

    def get_privacy_ledger(self) -> list[dict[str, Any]]:
        """What each call spent since the run started."""
        return list(self._accountant.ledger)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._accountant = Accountant()

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO:
        values = {name: np.asarray(dxo.data[name]) for name in sorted(dxo.data)}
        variables = [_Variable(name, v, np.zeros(v.size, dtype=np.bool_)) for name, v in values.items()]
        total = sum(v.value.size for v in variables)
        n_upload = min(math.ceil(float(total) * self.fraction), total)
        if total == 0:
            return dxo
        if n_upload <= 0:
            dxo.data = {v.name: v.value if v.scalar else np.zeros_like(v.value) for v in variables}
            return dxo
        budget = divide(
            epsilon=self.epsilon,
            n_upload=n_upload,
            noise_var=self.noise_var,
            threshold=self.epsilon_threshold,
            query=self.epsilon_query,
            release=self.epsilon_release,
        )
        steps = np.float64(dxo.get_meta_prop(MetaKey.NUM_STEPS_CURRENT_ROUND, 1))
        passes = self._accept(variables, n_upload, budget, steps)
        scale = self.gamma * 2.0 * n_upload / budget.release
        chosen = _split([v.count for v in variables], n_upload, replace=self.replace)
        dxo.data = {v.name: self._release(v, n, scale, steps) for v, n in zip(variables, chosen, strict=True)}
        round_number = shareable.get_header(
            MetaKey.CURRENT_ROUND, dxo.get_meta_prop(MetaKey.CURRENT_ROUND, None)
        )
        scalars = any(v.scalar for v in variables)
        self._accountant.record(
            budget, round_number=round_number, n_upload=n_upload, passes=passes, scalars=scalars
        )
        dxo.set_meta_prop(SVT_PRIVACY_BUDGET, dict(self._accountant.ledger[-1]))
        dxo.set_meta_prop(SVT_PRIVACY_ACCOUNTANT, self._accountant.total())
        return dxo

    def _accept(self, variables: list[_Variable], n_upload: int, budget: Budget, steps: Any) -> int:
        """Compare values with the threshold until enough have passed; how many passes it took."""
        threshold = self.tau + np.random.laplace(scale=self.gamma / budget.threshold)
        scale = self.gamma * 2.0 * n_upload / budget.query
        passes = 0
        while sum(v.count for v in variables) < n_upload:
            passes += 1
            for variable in variables:
                flat = variable.value.reshape(-1)
                for chunk in variable.chunks():
                    accepted = variable.accepted[chunk]
                    remaining = np.flatnonzero(~accepted)
                    if remaining.size == 0:
                        continue
                    response = np.abs(self._clipped(flat[chunk][remaining], steps))
                    response += np.random.laplace(scale=scale, size=remaining.size)
                    passed = remaining[response >= threshold]
                    accepted[passed] = True
                    variable.count += int(passed.size)
        return passes

    def _release(self, variable: _Variable, n_chosen: int, scale: float, steps: Any) -> Array:
        """The variable with `n_chosen` of its accepted values, noise added, and 0 elsewhere."""
        value = variable.value
        chunks = variable.chunks()
        counts = [int(np.sum(variable.accepted[c])) for c in chunks]
        released = np.zeros_like(value, order="C")
        flat, output = value.reshape(-1), released.reshape(-1)
        # The share of each chunk is drawn just before the chunk's own draws.
        shares = _Shares(counts, n_chosen, replace=self.replace)
        for chunk in chunks:
            n = shares.next()
            if variable.scalar or n == 0:
                continue
            candidates = np.flatnonzero(variable.accepted[chunk])
            chosen = np.random.choice(candidates, size=n, replace=self.replace)
            noise = np.random.laplace(scale=scale, size=n)
            output[chunk][chosen] = (self._clipped(flat[chunk][chosen], steps) + noise) * steps
        return value if variable.scalar else released

    def _clipped(self, values: Array, steps: Any) -> Array:
        return np.clip(values.astype(np.float64, copy=False) / steps, -self.gamma, self.gamma)


class _Shares:
    """Deals out a number of draws over groups of given sizes, one group at a time."""

    def __init__(self, sizes: Sequence[int], total: int, *, replace: bool) -> None:
        self._sizes = list(sizes)
        self._left = int(total)
        self._size_left = sum(self._sizes)
        self._replace = replace

    def next(self) -> int:
        """The share of the next group."""
        size = self._sizes.pop(0)
        if not self._sizes:
            share = self._left
        elif self._left == 0 or size == 0:
            share = 0
        elif self._replace:
            share = int(np.random.binomial(self._left, float(size) / float(self._size_left)))
        else:
            others = self._size_left - size
            share = int(np.random.hypergeometric(ngood=size, nbad=others, nsample=self._left))
        self._size_left -= size
        self._left -= share
        return share


def _split(sizes: Sequence[int], total: int, *, replace: bool) -> list[int]:
    shares = _Shares(sizes, total, replace=replace)
    return [shares.next() for _ in sizes]
