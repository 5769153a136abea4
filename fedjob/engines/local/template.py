"""A task that many sites get, decoded once: each gets a model of its own, copied from that."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from fedjob.components.executors.client_api import ScriptExecutor
from fedjob.engines.local.wire import Frozen, thaw, thaw_later
from fedjob.exchange.fl_model import FLModel, postpone_meta
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import Shareable

_ATOMS = frozenset({str, int, float, bool, bytes, type(None)})


class Template:
    """What a task's body holds. `data` is common to all sites and must not be changed."""

    def __init__(self, body: Frozen) -> None:
        self._body = body
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

    def model(self, site: str, job_id: str) -> FLModel:
        """The model for one site, which shares nothing with any other."""
        if self._arrays is None:
            model = ScriptExecutor.taken(thaw(self._body)[0], site, job_id)
        else:
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
        if self._body.later:
            postpone_meta(model, partial(thaw_later, self._body))
        return model


def _is_flat(value: Any) -> bool:
    """Whether a shallow copy of the value shares nothing that can be changed."""
    return type(value) in _ATOMS or (type(value) is dict and _ATOMS.issuperset(map(type, value.values())))


def template_of(body: Frozen) -> Template:
    """The template of a body, made when the first site asks for it."""
    template = body.memo
    if template is None:
        template = body.memo = Template(body)
    return template  # type: ignore[no-any-return]
