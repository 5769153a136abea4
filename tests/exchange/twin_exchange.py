"""What apis and FLModel do, written against FLARE's names. Run by twin.py, twice."""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from nvflare.apis import dxo, job_def
from nvflare.apis.analytix import AnalyticsData, AnalyticsDataType, LogWriterName
from nvflare.apis.client import Client
from nvflare.apis.client import from_dict as client_from_dict
from nvflare.apis.dxo import DXO, DataKind
from nvflare.apis.fl_constant import FLMetaKey, ReservedKey
from nvflare.apis.fl_context import FLContext, FLContextManager
from nvflare.apis.fl_exception import FLCommunicationError
from nvflare.apis.shareable import Shareable, make_copy, make_reply
from nvflare.apis.signal import Signal
from nvflare.apis.workspace import Workspace
from nvflare.app_common.abstract.fl_model import FLModel, ParamsType
from nvflare.app_common.abstract.model import (
    ModelLearnable,
    make_model_learnable,
    model_learnable_to_dxo,
    validate_model_learnable,
)
from nvflare.app_common.utils.fl_model_utils import FLModelUtils
from nvflare.app_common.utils.math_utils import parse_compare_criteria
from nvflare.fuel.utils import log_utils
from nvflare.security import logging as safe_logging

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.exchange.twin import outcome

MODELS = {
    "empty": dict,
    "full": lambda: {"params": {"w": np.ones(2)}},
    "diff": lambda: {"params": {"w": np.ones(2)}, "params_type": "DIFF"},
    "enum diff": lambda: {"params": {"w": 1.0}, "params_type": ParamsType.DIFF},
    "type without params": lambda: {"params_type": "FULL"},
    "unknown type": lambda: {"params": {"w": 1}, "params_type": "HALF"},
    "no keys": lambda: {"params": {}},
    "list": lambda: {"params": [1.0, 2.0]},
    "metrics": lambda: {"metrics": {"acc": 0.5}},
    "both": lambda: {
        "params": {"w": 1.0},
        "metrics": {"acc": 0.5},
        "meta": {"initial_metrics": {"other": 1}},
    },
    "bad metrics": lambda: {"metrics": [1]},
    "no metrics": lambda: {"metrics": {}},
    "bad meta": lambda: {"params": {}, "meta": [1]},
    "rounds": lambda: {"params": {"w": 1}, "start_round": 1, "current_round": 2, "total_rounds": 3},
    "no start": lambda: {"params": {"w": 1}, "start_round": None},
    "true round": lambda: {"params": {"w": 1}, "current_round": True},
    "float round": lambda: {"params": {"w": 1}, "current_round": 1.0},
    "negative round": lambda: {"params": {"w": 1}, "total_rounds": -1},
    "negative start": lambda: {"params": {"w": 1}, "start_round": -1},
    "optimizer": lambda: {"params": {"w": 1}, "optimizer_params": {"lr": 1}},
    "validate": lambda: {"params": {"w": 1}, "meta": {FLMetaKey.VALIDATE_TYPE: "model_validate", "x": 1}},
    "steps": lambda: {"params": {"w": 1}, "meta": {FLMetaKey.NUM_STEPS_CURRENT_ROUND: 7}},
}


def model(name):
    return FLModel(**MODELS[name]())


def typed(change):
    found = model("full")
    change(found)
    return found


def there_and_back(name):
    return FLModelUtils.from_shareable(FLModelUtils.to_shareable(model(name)))


def with_headers(**headers):
    s = DXO(DataKind.WEIGHTS, {"w": 1}, {"a": 1}).to_shareable()
    for key, value in headers.items():
        s.set_header(key, value)
    return s


def submit_request():
    s = Shareable()
    s.set_header("submit_model_name", "best_model")
    return s


def update(first, second, **kwargs):
    target, change = model(first), model(second)
    result = FLModelUtils.update_model(target, change, **kwargs)
    return result is target, result


def models():
    for name in MODELS:
        yield f"FLModel {name}", lambda n=name: model(n)
        yield f"summary {name}", lambda n=name: model(n).summary()
        yield f"to_shareable {name}", lambda n=name: FLModelUtils.to_shareable(model(n))
        yield f"round trip {name}", lambda n=name: there_and_back(n)
        yield f"to_dxo {name}", lambda n=name: FLModelUtils.to_dxo(model(n))
        yield f"dxo trip {name}", lambda n=name: FLModelUtils.from_dxo(FLModelUtils.to_dxo(model(n)))
        yield f"learnable {name}", lambda n=name: FLModelUtils.to_model_learnable(model(n))
        yield f"update by {name}", lambda n=name: update("full", n)
        yield f"update of {name}", lambda n=name: update(n, "full")
    yield (
        "type taken away",
        lambda: FLModelUtils.to_shareable(typed(lambda m: setattr(m, "params_type", None))),
    )
    yield "meta taken away", lambda: FLModelUtils.to_shareable(typed(lambda m: setattr(m, "meta", None)))
    yield "params_type after summary", lambda: str(model("both"))
    yield "update keeps meta", lambda: update("both", "steps", replace_meta=False)
    yield "update other keys", lambda: FLModelUtils.update_model(model("full"), FLModel("DIFF", {"v": 1}))
    yield "from submit request", lambda: FLModelUtils.from_shareable(submit_request())
    yield "from error reply", lambda: FLModelUtils.from_shareable(make_reply("EXECUTION_EXCEPTION"))
    yield (
        "from task",
        lambda: FLModelUtils.from_shareable(
            with_headers(current_round=1, num_rounds=3, job_id="j", site_name="s", _validate_type="t")
        ),
    )
    for kind in DataKind:
        yield (
            f"from {kind.value}",
            lambda k=kind: FLModelUtils.from_shareable(DXO(k, {"a": 1}).to_shareable()),
        )
    yield "from unknown kind", lambda: FLModelUtils.from_shareable(DXO("mine", {"a": 1}).to_shareable())
    yield "from_dxo wrong kind", lambda: FLModelUtils.from_dxo(DXO(DataKind.WEIGHTS, {}))
    yield (
        "get_meta_prop",
        lambda: FLModelUtils.get_meta_prop(model("steps"), FLMetaKey.NUM_STEPS_CURRENT_ROUND),
    )
    yield "get_meta_prop default", lambda: FLModelUtils.get_meta_prop(model("full"), "no", 5)
    yield "get_meta_prop type", lambda: FLModelUtils.get_meta_prop({}, "no", 5)
    yield "set_meta_prop type", lambda: FLModelUtils.set_meta_prop({}, "no", 5)
    yield "get_configs", lambda: FLModelUtils.get_configs(FLModel(meta={"configs": {"a": 1}}))
    yield (
        "from learnable",
        lambda: FLModelUtils.from_model_learnable(make_model_learnable({"w": 1}, {"m": 1})),
    )
    yield "from empty learnable", lambda: FLModelUtils.from_model_learnable(make_model_learnable(None, {}))
    yield "learnable empty", lambda: [make_model_learnable(w, {}).is_empty() for w in ({}, None, {"w": 1})]
    yield "learnable to dxo", lambda: model_learnable_to_dxo(make_model_learnable({"w": 1}, {"m": 1}))
    yield "learnable bad", lambda: model_learnable_to_dxo(ModelLearnable(weights={}))
    yield "learnable no weights", lambda: bool(validate_model_learnable(ModelLearnable(meta={})))
    yield "learnable a dict", lambda: bool(validate_model_learnable({"weights": 1, "meta": 1}))


def history(*names):
    found = DXO(DataKind.WEIGHTS, {})
    for name in names:
        found.add_filter_history(name)
    return found.get_filter_history()


def collection():
    leaf = DXO(DataKind.WEIGHTS, {"w": 1})
    inner = DXO(DataKind.COLLECTION, {"x": leaf, "bad": 3, "again": leaf})
    found, errors = dxo.get_leaf_dxos(DXO(DataKind.COLLECTION, {"a": inner, "b": DXO("METRICS", {})}), "root")
    return found, len(errors)


def changed(action):
    found = DXO(DataKind.WEIGHTS, {"w": 1}, {"a": 1, "b": 2})
    action(found)
    return found


def dxos():
    for kind in [*DataKind, "mine"]:
        for data in ({}, None, [1], 3, {"a": 1}):
            yield f"DXO {kind} {data}", lambda k=kind, d=data: DXO(k, d)
    yield "DXO meta", lambda: DXO(DataKind.WEIGHTS, {}, [1])
    yield "dxo to_dict", lambda: DXO(DataKind.WEIGHTS, {"w": 1}, {"m": 1}).to_dict()
    yield "dxo to_shareable", lambda: DXO(DataKind.WEIGHTS, {"w": 1}, {"m": 1}).to_shareable()
    yield "dxo update", lambda: DXO(DataKind.WEIGHTS, {"w": 1}).update_shareable(make_reply("OK", {"h": 1}))
    yield "dxo from nothing", lambda: dxo.from_shareable(Shareable())
    yield "dxo from empty", lambda: dxo.from_shareable(changed_content({}))
    yield "dxo from list", lambda: dxo.from_shareable(changed_content([1]))
    yield "dxo from partial", lambda: dxo.from_shareable(changed_content({"kind": "WEIGHTS"}))
    yield "dxo from bad data", lambda: dxo.from_shareable(changed_content({"kind": "WEIGHTS", "data": 3}))
    yield "dxo from dict", lambda: dxo.from_dict({"kind": "WEIGHTS", "data": {"w": 1}, "meta": {}})
    yield "dxo from no dict", lambda: dxo.from_dict([])
    yield "dxo from bytes", lambda: dxo.from_bytes(DXO(DataKind.WEIGHTS, {"w": 1}, {"m": 2}).to_bytes())
    yield "dxo from wrong bytes", lambda: dxo.from_bytes(Shareable({"a": 1}).to_bytes())
    yield "dxo history", lambda: history("a", ["b", "c"], "", None)
    yield "dxo no history", history
    yield "dxo leaves", collection
    yield "dxo leaf", lambda: dxo.get_leaf_dxos(DXO(DataKind.WEIGHTS, {}), "root")
    yield "dxo list collection", lambda: len(dxo.get_leaf_dxos(changed(lambda d: None), "r")[1])
    yield "dxo set prop", lambda: changed(lambda d: d.set_meta_prop("c", 3))
    yield "dxo remove props", lambda: changed(lambda d: d.remove_meta_props(["a", "zz"]))
    yield "dxo update props", lambda: changed(lambda d: d.update_meta_props({"a": 5}))
    yield (
        "dxo get props",
        lambda: (
            changed(lambda d: None).get_meta_prop("a"),
            changed(lambda d: None).get_meta_prop("z", 1),
            changed(lambda d: None).get_meta_props(),
        ),
    )
    yield "dxo kind is text", lambda: (DataKind.WEIGHTS == "WEIGHTS", {"WEIGHTS": 1}[DataKind.WEIGHTS])


def changed_content(content):
    s = DXO(DataKind.WEIGHTS, {"w": 1}).to_shareable()
    s["DXO"] = content
    return s


def cookies():
    s = Shareable()
    before = s.get_cookie("a"), s.get_cookie_jar()
    s.add_cookie("a", 1)
    s.add_cookie("b", 2)
    return before, s.get_cookie("a"), s.get_cookie("z", 9), s


def copied(**kwargs):
    s = make_reply("OK", {"h": {"deep": 1}, "x": 1})
    s["content"] = content = {"c": 1}
    c = make_copy(s, **kwargs)
    c.get_header("h")["deep"] = 2
    return s, c, c["content"] is content


def lost_headers(value):
    s = Shareable({"a": 1})
    s["__headers__"] = value
    first = s.get_header("x", 7)
    s.set_header("x", 1)
    return first, s


def shareables():
    yield "Shareable", Shareable
    yield "Shareable data", lambda: Shareable({"a": 1, "__headers__": {"x": 1}})
    yield "return code", lambda: (Shareable().get_return_code(), make_reply("TIMEOUT").get_return_code())
    yield "return code default", lambda: Shareable().get_return_code("mine")
    yield "make_reply", lambda: make_reply("OK", {"a": 1})
    yield "make_reply bad headers", lambda: make_reply("OK", [1])
    yield "cookies", cookies
    yield "copy", copied
    yield "copy without", lambda: copied(exclude_headers=["x", "none"])
    yield "copy no shareable", lambda: make_copy({})
    for value in (None, {}, [], [1], "x"):
        yield f"headers {value!r}", lambda v=value: lost_headers(v)
    yield "peer props", lambda: peers({"a": 1})
    yield "peer no props", lambda: peers(None)
    yield "bytes", lambda: Shareable.from_bytes(make_reply("OK", {"a": 1}).to_bytes())


def peers(props):
    s = Shareable()
    s.set_peer_props(props)
    return s.get_peer_props(), s.get_peer_prop("a", 5), s.get_peer_prop("z", 5)


def two_contexts(*steps):
    """Apply steps to contexts a and b of one manager; what each sees at the end."""
    manager = FLContextManager(
        engine="engine", identity_name="site-1", job_id="job", public_stickers={"p": 0}
    )
    a, b = manager.new_context(), manager.new_context()
    results = [step(a, b) for step in steps]
    c = manager.new_context()

    def view(x):
        return {k: (x.get_prop(k), x.get_prop_detail(k)) for k in ("p", "q", "k")}

    return (
        results,
        view(a),
        view(b),
        view(c),
        c.get_all_public_props(),
        manager.public_stickers,
        manager.private_stickers,
    )


FLAGS = [(private, sticky) for private in (True, False) for sticky in (True, False)]


def contexts():
    for first in FLAGS:
        yield f"ctx {first}", lambda f=first: two_contexts(lambda a, b: a.set_prop("k", 1, *f))
        for second in FLAGS:
            yield (
                f"ctx {first} then {second}",
                lambda f=first, s=second: two_contexts(
                    lambda a, b: a.set_prop("k", 1, *f), lambda a, b: a.set_prop("k", 2, *s)
                ),
            )
            yield (
                f"ctx {first}, other {second}",
                lambda f=first, s=second: two_contexts(
                    lambda a, b: a.set_prop("k", 1, *f),
                    lambda a, b: b.set_prop("k", 2, *s),
                    lambda a, b: (a.get_prop("k"), b.get_prop("k")),
                ),
            )
            yield (
                f"ctx put {first}, set {second}",
                lambda f=first, s=second: two_contexts(
                    lambda a, b: a.put("k", 1, *f), lambda a, b: a.set_prop("k", 2, *s)
                ),
            )
    yield "ctx sticker", lambda: two_contexts(lambda a, b: a.set_prop("p", 5, private=False))
    yield "ctx sticker private", lambda: two_contexts(lambda a, b: a.set_prop("p", 5))
    yield "ctx key", lambda: FLContext().set_prop(3, 1)
    yield (
        "ctx missing",
        lambda: (FLContext().get_prop("x"), FLContext().get_prop("x", 3), FLContext().get_prop_detail("x")),
    )
    yield "ctx alone", lambda: two_flags(FLContext())
    yield "ctx simple", lambda: simple(FLContextManager("e", "me", "job").new_context())
    yield "ctx simple empty", lambda: simple(FLContext())
    yield "ctx workspace", lambda: FLContext().get_workspace()
    yield "ctx remove", lambda: removed(False)
    yield "ctx remove forced", lambda: removed(True)
    yield "ctx remove no key", lambda: FLContext().remove_prop(3)
    yield "ctx custom", custom
    yield "ctx peer", peer
    yield "ctx public props", public_props
    yield "ctx clone", cloned
    yield "ctx unsafe", unsafe
    yield "ctx with", lambda: entered()
    yield "ctx public key", lambda: [two_flags(FLContext())[1].public_key_exists(k) for k in ("a", "b", "z")]
    yield "ctx text", lambda: str(two_flags(FLContext())[1])


def two_flags(ctx):
    done = ctx.set_prop("a", 1), ctx.set_prop("b", 2, private=False, sticky=False)
    return done, ctx, ctx.get_all_public_props(), sorted(ctx.get_prop_keys())


def simple(ctx):
    return (
        ctx.get_engine(),
        ctx.get_engine("d"),
        ctx.get_job_id(),
        ctx.get_job_id("d"),
        ctx.get_identity_name(),
        ctx.get_identity_name("d"),
        ctx.get_process_type(),
        ctx.get_run_abort_signal(),
        ctx.get_peer_context(),
        sorted(ctx.get_all_public_props()),
        sorted(ctx.get_prop_keys()),
    )


def removed(force):
    ctx = FLContext()
    ctx.set_prop("__mine__", 1)
    ctx.set_prop("mine", 1)
    ctx.remove_prop("__mine__", force)
    ctx.remove_prop("mine", force)
    ctx.remove_prop("none", force)
    return ctx.get_prop_keys()


def custom():
    ctx = FLContext()
    before = ctx.get_custom_prop("a", 3)
    ctx.set_custom_prop("a", 1)
    return (
        before,
        ctx.get_custom_prop("a"),
        ctx.get_custom_prop("z", 2),
        ctx.get_prop_detail(ReservedKey.CUSTOM_PROPS),
    )


def peer():
    ctx, other = FLContext(), FLContext()
    other.put(ReservedKey.IDENTITY_NAME, "site-2", private=False, sticky=False)
    ctx.set_peer_context(other)
    return ctx.get_peer_context().get_identity_name(), ctx.get_prop_detail(ReservedKey.PEER_CTX)["private"]


def public_props():
    ctx = FLContextManager("e", "me", "job", {"p": 1}, {"q": 2}).new_context()
    ctx.set_public_props({"x": 1, "y": 2})
    return sorted(ctx.get_prop_keys()), ctx.get_all_public_props()


def cloned():
    ctx = FLContextManager("e", "me", "job").new_context()
    ctx.set_prop("own", 1, sticky=False)
    ctx.set_prop("shared", 1, sticky=True)
    twin = ctx.clone()
    twin.set_prop("own", 2, sticky=False)
    twin.set_prop("shared", 2, sticky=True)
    return [c.get_prop(k) for c in (ctx, twin) for k in ("own", "shared")]


def unsafe():
    ctx = FLContextManager("e", "me", "job").new_context()
    before = ctx.is_job_unsafe()
    ctx.set_job_is_unsafe()
    return before, ctx.is_job_unsafe()


def entered():
    ctx = FLContext()
    with ctx as same:
        return same is ctx


class Item:
    shape = ()

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value

    def __repr__(self):
        return f"Item({self.value!r})"


VALUES = {
    "int": 1,
    "float": 0.5,
    "bool": True,
    "text": "x",
    "none": None,
    "array0": np.array(1.5),
    "array1": np.array([1.5]),
    "int array0": np.array(3),
    "scalar": np.float32(0.5),
    "item": Item(2),
    "item text": Item("x"),
    "dict": {"a": 1, "b": np.float64(2)},
    "text dict": {"a": "x"},
    "empty": {},
    "list": [1],
}


def analytics():
    for data_type in AnalyticsDataType:
        for name, value in VALUES.items():
            yield (
                f"log {name} as {data_type.name}",
                lambda v=value, t=data_type: AnalyticsData("k", v, t).value,
            )
    for name, step in {**VALUES, "negative": -1}.items():
        yield (
            f"log step {name}",
            lambda s=step: AnalyticsData("k", 1, AnalyticsDataType.SCALAR, global_step=s),
        )
    yield "log key", lambda: AnalyticsData(3, 1, AnalyticsDataType.SCALAR)
    yield "log type", lambda: AnalyticsData("k", 1, "SCALAR")
    yield "log path", lambda: AnalyticsData("k", "x", AnalyticsDataType.TEXT, path="a/b").to_dxo()
    yield "log bad path", lambda: AnalyticsData("k", "x", AnalyticsDataType.TEXT, path=3)
    yield "log no path", lambda: AnalyticsData("k", "x", AnalyticsDataType.TEXT, path=None).to_dxo()
    yield "log text", lambda: str(AnalyticsData("k", 1, AnalyticsDataType.SCALAR, global_step=2))
    for sender in LogWriterName:
        for receiver in LogWriterName:
            for t in AnalyticsDataType:
                yield (
                    f"words {t.name} {sender.name} {receiver.name}",
                    lambda a=t, s=sender, r=receiver: AnalyticsData.convert_data_type(a, s, r),
                )
        yield (
            f"log trip {sender.name}",
            lambda s=sender: AnalyticsData.from_dxo(
                AnalyticsData("k", 1, AnalyticsDataType.SCALAR, s, global_step=3, more=1).to_dxo(),
                LogWriterName.MLFLOW,
            ),
        )
    yield "log from no dxo", lambda: AnalyticsData.from_dxo({})
    yield "log from empty", lambda: AnalyticsData.from_dxo(DXO(DataKind.ANALYTIC, {}))
    yield (
        "log from untyped",
        lambda: AnalyticsData.from_dxo(DXO(DataKind.ANALYTIC, {"track_key": "k", "track_value": 1})),
    )
    yield "log from partial", lambda: AnalyticsData.from_dxo(DXO(DataKind.ANALYTIC, {"track_key": "k"}))


def client_of(**changes):
    found = Client("site-1", "token")
    for name, value in changes.items():
        getattr(found, f"set_{name}")(value)
    return found


def smaller():
    for expression in (
        "accuracy >= 80", "loss < 0.5", "a = 1", "a > 1", "a <= 1e3", "a == 1", "a>=1", "a  > 1", " a > 1", "a > b", "", "a > "
    ):  # fmt: skip
        yield f"criteria {expression!r}", lambda e=expression: judged(parse_compare_criteria(e))
    yield "client", lambda: client_of().to_dict()
    yield (
        "client full",
        lambda: client_of(fqcn="a.b", fqsn="c", is_leaf=False, site_config={"x": 1}).to_dict(),
    )
    yield (
        "client trip",
        lambda: client_from_dict(client_of(fqcn="a.b", is_leaf=False, site_config={}).to_dict()).props,
    )
    yield "client no dict", lambda: client_from_dict([])
    yield "client no name", lambda: client_from_dict({"fqcn": "x"})
    yield (
        "client props",
        lambda: (client_of().get_prop("none", 3), client_of().get_token(), client_of().get_is_leaf()),
    )
    yield "signal", signals
    yield (
        "job ids",
        lambda: [
            job_def.is_valid_job_id(j)
            for j in (job_def.new_job_id(), "x", None, "11111111-1111-1111-1111-111111111111", "0" * 32, 3)
        ],
    )
    yield (
        "custom props",
        lambda: (
            job_def.get_custom_prop({"custom_props": {"a": 1}}, "a"),
            job_def.get_custom_prop({}, "a", 3),
            job_def.get_custom_props({"custom_props": {"a": 1}}),
            job_def.get_custom_props({}, 4),
            repr(job_def.JobMetaKey.JOB_ID),
        ),
    )
    yield (
        "communication error",
        lambda: (str(FLCommunicationError("lost")), FLCommunicationError("x").message),
    )
    yield "comm error from", lambda: sorted(vars(FLCommunicationError("lost", NamedError())))


class NamedError(Exception):
    def __init__(self):
        self.code = 3


def judged(found):
    key, target, compare = found
    return key, target, [compare(target + d, target) for d in (-1, 0, 1)]


def signals():
    parent = Signal()
    child = Signal(parent)
    child.trigger("c")
    seen = [(child.triggered, parent.triggered, child.value, child.trigger_time is None)]
    child.reset("r")
    seen.append((child.triggered, child.value, child.trigger_time))
    parent.trigger(3)
    seen.append((child.triggered, child.value, parent.value))
    return seen


WORKSPACE_METHODS = (
    "get_run_dir", "get_app_dir", "get_app_config_dir", "get_app_custom_dir", "get_server_app_config_file_path",
    "get_client_app_config_file_path", "get_job_meta_path", "get_result_root", "get_log_root", "get_audit_root",
    "get_audit_file_path", "get_app_error_log_file_path", "get_stats_pool_summary_path", "get_stats_pool_records_path",
)  # fmt: skip
PLAIN_METHODS = (
    "get_root_dir", "get_startup_kit_dir", "get_site_config_dir", "get_site_custom_dir", "get_client_custom_dir",
    "get_server_startup_file_path", "get_client_startup_file_path", "get_admin_startup_file_path",
    "get_authorization_file_path", "get_resources_file_path", "get_job_resources_file_path", "get_log_config_file_path",
    "get_site_privacy_file_path", "get_log_root", "get_audit_root", "get_audit_file_path",
)  # fmt: skip


def in_workspace(look, files=(), environment=None, folders=("startup", "local")):
    with tempfile.TemporaryDirectory() as root:
        root = os.path.realpath(root)
        for folder in folders:
            os.mkdir(os.path.join(root, folder))
        for file in files:
            Path(root, file).touch()
        variables = {k: v.replace("ROOT", root) for k, v in (environment or {}).items()}
        os.environ.update(variables)
        try:
            found = look(Workspace(root, "site-1"))
        finally:
            for name in variables:
                del os.environ[name]
        return str(found).replace(root, "ROOT"), sorted(p.name for p in Path(root).rglob("*"))


def workspaces():
    for name in WORKSPACE_METHODS:
        yield f"ws {name}", lambda n=name: in_workspace(lambda w: getattr(w, n)("simulate_job"))
        for variable in ("RESULT", "LOG", "AUDIT"):
            yield (
                f"ws {name} {variable}",
                lambda n=name, v=variable: in_workspace(
                    lambda w: getattr(w, n)("simulate_job"), environment={f"NVFL_{v}_ROOT": "ROOT/other"}
                ),
            )
    for name in PLAIN_METHODS:
        yield f"ws plain {name}", lambda n=name: in_workspace(lambda w: getattr(w, n)())
        yield (
            f"ws plain {name} outside",
            lambda n=name: in_workspace(
                lambda w: getattr(w, n)(), environment={"NVFL_RESULT_ROOT": "ROOT/other"}
            ),
        )
    for files in (
        ["resources.json"],
        ["resources.json.default"],
        ["resources.json", "resources.json.default"],
    ):
        yield (
            f"ws resources {files}",
            lambda f=files: in_workspace(
                lambda w: w.get_resources_file_path(), files=[f"local/{x}" for x in f]
            ),
        )
    for job_id in ("a", "a.b-c_d", "../x", "", ".", None, "a b", 7, "-a"):
        yield f"ws job {job_id!r}", lambda j=job_id: in_workspace(lambda w: w.get_run_dir(j))
    yield "ws missing", lambda: Workspace("/no/such/place")
    yield "ws no startup", lambda: in_workspace(lambda w: w, folders=("local",))
    yield "ws no local", lambda: in_workspace(lambda w: w, folders=("startup",))
    yield "ws config name", lambda: in_workspace(lambda w: w.get_file_path_in_site_config("x"))
    yield (
        "ws config names",
        lambda: in_workspace(lambda w: w.get_file_path_in_site_config(["x", "y"]), ["local/y"]),
    )
    yield "ws config none", lambda: in_workspace(lambda w: w.get_file_path_in_site_config(3))
    yield "ws prefix", lambda: in_workspace(lambda w: w.get_stats_pool_summary_path("j", prefix="p"))


class Thing:
    pass


def failing(depth, secure, action):
    os.environ["NVFLARE_SECURE_LOGGING"] = secure
    try:
        nested(depth)
    except ValueError as error:
        return action(error)
    finally:
        del os.environ["NVFLARE_SECURE_LOGGING"]


def nested(depth):
    if depth:
        nested(depth - 1)
    raise ValueError("secret")


def loggers():
    yield "logger of object", lambda: log_utils.get_obj_logger(Thing()).name
    yield "logger of class", lambda: log_utils.get_obj_logger(Thing).name
    yield "logger of nothing", lambda: (log_utils.get_obj_logger(None), log_utils.get_obj_logger({}))
    yield "logger of text", lambda: log_utils.get_obj_logger("text")
    yield (
        "logger of module",
        lambda: [log_utils.get_module_logger(*a).name for a in ((), ("m",), ("m", "n"), (None, "n"))],
    )
    yield "logger of script", lambda: log_utils.get_script_logger().name
    yield "custom logger", lambda: log_utils.custom_logger(log_utils.get_obj_logger(Thing)).name
    for secure in ("", "1", "TRUE", "0", "yes"):
        yield f"secure {secure!r}", lambda s=secure: failing(0, s, lambda e: safe_logging.is_secure())
        yield f"exception {secure!r}", lambda s=secure: failing(0, s, safe_logging.secure_format_exception)
        for depth in (0, 1, 4):
            yield (
                f"traceback {secure!r} {depth}",
                lambda s=secure, d=depth: failing(d, s, lambda e: safe_logging.secure_format_traceback()),
            )
    yield "no traceback", safe_logging.secure_format_traceback


def outcomes():
    groups = (models, dxos, shareables, contexts, analytics, smaller, workspaces, loggers)
    return {name: outcome(action) for group in groups for name, action in group()}
