"""Errors of the exchange objects say what was wrong, where, and what to do."""

import logging

import pytest

from fedjob.errors import ExchangeError
from fedjob.exchange import dxo, fobs
from fedjob.exchange.client import from_dict
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext, FLContextManager
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.math import parse_compare_criteria
from fedjob.exchange.shareable import make_reply
from fedjob.exchange.workspace import Workspace

WRONG = {
    "no dxo": (
        lambda: from_shareable(make_reply("EXECUTION_EXCEPTION")),
        ValueError,
        "the Shareable holds no DXO: its content type is None, its return code EXECUTION_EXCEPTION",
    ),
    "dxo data": (
        lambda: DXO(DataKind.WEIGHTS, [1]),
        ValueError,
        "invalid DXO: data of kind WEIGHTS must be a dict, but is list",
    ),
    "dxo bytes": (
        lambda: dxo.from_bytes(fobs.dumps(3)),
        ValueError,
        "the bytes hold a int, not a DXO",
    ),
    "model type": (lambda: FLModel("FULL"), ValueError, "an FLModel with params_type FULL needs params"),
    "model metrics": (
        lambda: FLModel(metrics=[1]),
        TypeError,
        "metrics of an FLModel must be a dict, but is list",
    ),
    "model round": (
        lambda: FLModel(current_round=-1),
        ValueError,
        "current_round of an FLModel must not be negative, but is -1",
    ),
    "empty model": (
        lambda: FLModelUtils.to_shareable(FLModel()),
        ValueError,
        "the FLModel has neither params nor metrics; give it one of them before it is sent",
    ),
    "update": (
        lambda: FLModelUtils.update_model(FLModel("DIFF", {}), FLModel()),
        ExchangeError,
        "only a FULL model can be updated; this one is DIFF",
    ),
    "workspace": (lambda: Workspace("/no/such"), ValueError, "the workspace /no/such is not a directory"),
    "context": (
        lambda: FLContext().get_workspace(),
        ExchangeError,
        "the FLContext has no engine, hence no workspace; take one from engine.new_context()",
    ),
    "criteria": (
        lambda: parse_compare_criteria("accuracy>=0.8"),
        ValueError,
        "'accuracy>=0.8' is not '<metric> <operator> <number>' with one blank between the words",
    ),
    "operator": (
        lambda: parse_compare_criteria("accuracy == 0.8"),
        ValueError,
        "'accuracy == 0.8' compares with '=='; operators are >= <= > < =",
    ),
    "client": (lambda: from_dict({"fqcn": "x"}), ValueError, "a client's dict needs 'name'; it has ['fqcn']"),
}


@pytest.mark.parametrize("name", WRONG)
def test_message(name):
    action, kind, message = WRONG[name]
    with pytest.raises(kind) as caught:
        action()
    assert str(caught.value) == message


def test_refused_prop_warns(caplog):
    ctx = FLContextManager().new_context()
    ctx.set_prop("k", 1)
    with caplog.at_level(logging.WARNING):
        assert not ctx.set_prop("k", 2, private=False)
    assert caplog.messages == ["prop 'k' is private:sticky and stays so; not set as public:sticky"]
    assert ctx.get_prop("k") == 1
