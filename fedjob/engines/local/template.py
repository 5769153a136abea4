"""A task that many sites get, decoded once: each gets a model of its own, copied from that."""

from __future__ import annotations

import pickle
import sys
from functools import partial
from typing import Any

from fedjob.components.executors.client_api import ScriptExecutor
from fedjob.engines.local.plain import ATOMS
from fedjob.engines.local.wire import Frozen, thaw
from fedjob.exchange.fl_model import FLModel, postpone_meta
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import Shareable


class Template:
    """What a task's body holds. `data` is common to all sites and must not be changed.

    The body itself is not kept: it may lie in memory that its sender waits for.
    """

    def __init__(self, body: Frozen) -> None:
        self.data: Shareable = thaw(body)[0]
        self._model = ScriptExecutor.taken(self.data, "", "")
        self._arrays = self._find_arrays()
        self._dicts = tuple(name for name, value in self._model.meta.items() if type(value) is dict)

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
        model = FLModel.__new__(FLModel)
        own = model.__dict__
        own.update(self._model.__dict__)
        own["params"] = {name: array.copy("K") for name, array in self._arrays}
        own["meta"] = meta = {**model.meta, FLMetaKey.JOB_ID: job_id, FLMetaKey.SITE_NAME: site}
        for name in self._dicts:
            meta[name] = meta[name].copy()
        if model.metrics is not None:
            # One and the same, where FLARE puts both.
            own["metrics"] = meta.get(FLMetaKey.INITIAL_METRICS)
        own["_summary"] = {}
        return model


def _is_flat(value: Any) -> bool:
    """Whether a shallow copy of the value shares nothing that can be changed."""
    return type(value) in ATOMS or (type(value) is dict and ATOMS.issuperset(map(type, value.values())))


def model_of(body: Frozen, site: str, job_id: str) -> tuple[FLModel, Shareable]:
    """The model for one site, and the task, not to be changed. Raises ValueError for a task that holds no model."""
    model = None
    if body.memo is None:
        body.memo = _ONCE  # whether a second site will ask is not known yet.
    elif body.memo is _ONCE:
        body.memo = Template(body)
    if isinstance(template := body.memo, Template):
        model, data = template.model(site, job_id), template.data
    if model is None:
        data = thaw(body)[0]
        model = ScriptExecutor.taken(data, site, job_id)
    if body.later:
        postpone_meta(model, partial(pickle.loads, body.later))
    return model, data


#: The memo of a body that one site has asked for.
_ONCE = object()
