"""A task that many sites get, decoded once: each gets a model of its own, copied from that."""

from __future__ import annotations

import pickle
import sys
from functools import partial
from typing import Any

from fedjob.components.executors.script_executor import ScriptExecutor
from fedjob.engines.local.plain import ATOMS
from fedjob.engines.local.slab import Lease
from fedjob.engines.local.wire import Frozen, thaw, thaw_in_place
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_model import FLModel, postpone_meta, with_postponed_meta
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import Shareable


class Template:
    """What a task's body holds. `data` is common to all sites and must not be changed.

    Large arrays stay where the sender has put them: one site at a time reads them there, copy on write, and others get
    copies.
    """

    def __init__(self, body: Frozen) -> None:
        self._block = body.block if isinstance(body.block, Lease) else None
        self.data: Shareable = thaw_in_place(body)[0]
        self.number: Any = self.data.get_header(AppConstants.CURRENT_ROUND)
        self._model = ScriptExecutor.taken(self.data, "", "")
        self._arrays = self._find_arrays()
        #: Where each of the parameters begins in the block; None for those that lie elsewhere.
        self._begins = self._find_begins()
        #: All of the model but its meta.
        self._attributes = {name: v for name, v in vars(self._model).items() if name != "meta"}
        #: Not of the template itself: a script that keeps a model must not keep the parameters of all.
        self._meta = partial(_meta, self._model.meta, body.later)

    def _find_arrays(self) -> tuple[tuple[str, Any], ...] | None:
        """The parameters, where they and all else are of types whose copies are cheap to make; else None."""
        model = self._model
        numpy = sys.modules.get("numpy")
        if type(model.params) is not dict or numpy is None:
            return None
        if model.metrics is not None and model.metrics is not model.meta.get(FLMetaKey.INITIAL_METRICS):
            return None
        plain = all(type(v) is numpy.ndarray and v.dtype.kind in "biufc" for v in model.params.values())
        plain = plain and all(map(_is_flat, (model.metrics or {}, *model.meta.values())))
        return tuple(model.params.items()) if plain else None

    def model(self, site: str, job_id: str) -> FLModel | None:
        """The model for one site, which shares nothing with any other; None if it cannot be copied."""
        if self._arrays is None:
            return None
        own = self._block.own() if self._block is not None else None
        params: dict[str, Any] = {}
        if own is None:
            for name, array in self._arrays:
                params[name] = array.copy("K")
        else:
            params = self._lent(own)
        metrics = None if self._model.metrics is None else self._model.metrics.copy()
        attributes = {**self._attributes, "params": params, "metrics": metrics, "_summary": {}}
        return with_postponed_meta(attributes, partial(self._meta, site, job_id, metrics))

    def _find_begins(self) -> tuple[int | None, ...]:
        if self._block is None or self._arrays is None:
            return ()
        import numpy as np

        size, first = self._block.size, _address(np.frombuffer(self._block.view, np.uint8))
        found = [(_address(array) - first, array.nbytes) for _, array in self._arrays]
        return tuple(at if nbytes and 0 <= at <= size - nbytes else None for at, nbytes in found)

    def _lent(self, own: memoryview) -> dict[str, Any]:
        """The parameters for one site, the large ones in `own`, which shows it the block."""
        import numpy as np

        assert self._arrays is not None
        return {
            name: np.ndarray(array.shape, array.dtype, own, at, array.strides)
            if at is not None
            else array.copy("K")
            for (name, array), at in zip(self._arrays, self._begins, strict=True)
        }


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _meta(
    common: dict[str, Any], later: bytes, site: str, job_id: str, metrics: dict[str, Any] | None
) -> dict[str, Any]:
    """The meta for one site, all of it."""
    meta = {name: value.copy() if type(value) is dict else value for name, value in common.items()}
    meta |= {FLMetaKey.JOB_ID: job_id, FLMetaKey.SITE_NAME: site}
    if metrics is not None:
        # One and the same, where FLARE puts both.
        meta[FLMetaKey.INITIAL_METRICS] = metrics
    return meta | pickle.loads(later) if later else meta


def _is_flat(value: Any) -> bool:
    """Whether a shallow copy of the value shares nothing that can be changed."""
    return type(value) in ATOMS or (type(value) is dict and ATOMS.issuperset(map(type, value.values())))


def model_of(body: Frozen, site: str, job_id: str) -> tuple[FLModel, Shareable, Any]:
    """The model for one site, the task, not to be changed, and its round. Raises ValueError for a task without a model."""
    if body.memo is None:
        body.memo = _ONCE  # whether a second site will ask is not known yet.
    elif body.memo is _ONCE:
        body.memo = Template(body)
    template = body.memo
    if type(template) is Template and (model := template.model(site, job_id)) is not None:
        return model, template.data, template.number
    data = thaw(body)[0]
    model = ScriptExecutor.taken(data, site, job_id)
    if body.later:
        postpone_meta(model, partial(pickle.loads, body.later))
    return model, data, data.get_header(AppConstants.CURRENT_ROUND)


#: The memo of a body that one site has asked for.
_ONCE = object()
