"""A task decoded once gives every site what it would have decoded itself, and nothing in common."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fedjob.engines.local.template import Template, model_of
from fedjob.engines.local.wire import encoded, freeze
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils

LATER = {"metrics_aggregation_info": {"site_weights": [{"name": "site-1", "weight": 1.0}]}}

MODELS = {
    "arrays": FLModel(params={"w": np.arange(6.0).reshape(2, 3), "b": np.float32([1])}, metrics={"a": 0.5}),
    "columns": FLModel(params={"w": np.asfortranarray(np.arange(6.0).reshape(2, 3))}),
    "large": FLModel(params={"w": np.arange(100_000, dtype=np.float32)}, current_round=3, total_rounds=5),
    "a list among them": FLModel(params={"w": np.ones(3), "layers": [np.ones(2)]}),
    "numbers": FLModel(params={"w": 1.5, "n": 3}),
    "meta of its own": FLModel(params={"w": np.ones(2)}, meta={"deep": {"er": [1]}, "flat": {"x": 1}}),
    "metrics alone": FLModel(metrics={"a": 1.0}),
}


def body_of(model, later=None):
    data = FLModelUtils.to_shareable(model)
    if later:
        data["DXO"]["meta"] |= dict.fromkeys(later)
    return freeze((data, {}), encoded(later) if later else b"")


def attributes(model):
    """All of a model, in whatever order it has come by them."""
    _ = model.meta
    return {name: repr(value) for name, value in vars(model).items()}


@pytest.mark.parametrize("name", MODELS)
def test_each_site_gets_what_it_would_have_decoded(name):
    body = body_of(MODELS[name])
    models = [model_of(body, f"site-{n}", "job")[0] for n in range(4)]
    assert isinstance(body.memo, Template)
    for number, model in enumerate(models):
        assert model.meta["site_name"] == f"site-{number}"
        model.meta["site_name"] = "site"
        assert attributes(model) == attributes(models[0])
        if isinstance(model.params, dict) and isinstance(model.params.get("w"), np.ndarray):
            assert model.params["w"].flags.f_contiguous == models[0].params["w"].flags.f_contiguous
            assert model.params["w"].flags.writeable


@pytest.mark.parametrize("name", MODELS)
def test_no_site_changes_what_another_has(name):
    body = body_of(MODELS[name])
    models = [model_of(body, "site", "job")[0] for _ in range(4)]
    before = attributes(models[0])
    for model in models[1:]:
        for value in (model.params or {}).values():
            if isinstance(value, np.ndarray):
                value += 1
            elif isinstance(value, list):
                value[0] += 1
        for part in (model.metrics, model.meta, *filter(lambda v: isinstance(v, dict), model.meta.values())):
            if part is not None:
                part["changed"] = True
    assert attributes(models[0]) == before
    assert attributes(model_of(body, "site", "job")[0]) == before


@pytest.mark.parametrize(
    "use", [lambda m: m, copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_what_is_for_later_is_there_when_somebody_looks(use):
    body = body_of(FLModel(params={"w": np.ones(2)}, meta={"first": 1}), LATER)
    for _ in range(3):
        model = use(model_of(body, "site-1", "job")[0])
        assert list(model.meta) == ["first", "metrics_aggregation_info", "job_id", "site_name"]
        assert model.meta["metrics_aggregation_info"] == LATER["metrics_aggregation_info"]
        model.meta["metrics_aggregation_info"]["site_weights"].clear()


def test_a_model_has_no_attributes_but_its_own():
    model = model_of(body_of(FLModel(params={}), LATER), "site-1", "job")[0]
    with pytest.raises(AttributeError, match="'FLModel' object has no attribute 'weights'"):
        _ = model.weights


def test_a_task_without_a_model_is_an_error():
    with pytest.raises(ValueError, match="no DXO"):
        model_of(freeze((FLModelUtils.to_shareable(FLModel(metrics={})).__class__(), {})), "site-1", "job")
