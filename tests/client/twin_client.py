"""What the Client API does for a script, written against FLARE's names. Run by twin.py, twice.

A host stands for the executor: it gives tasks, collects results and stops or aborts the job. FLARE's own host is its
in-process API object on its data bus; ours is a Session.
"""

import os
import sys
import warnings
from collections import deque
from pathlib import Path

import numpy as np
import nvflare.client as flare
import torch
from nvflare.apis.analytix import AnalyticsDataType
from nvflare.app_common.utils.fl_model_utils import FLModelUtils
from nvflare.client import api, config, converter_utils, tracking, utils
from nvflare.client.config import ExchangeFormat

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.exchange.twin import outcome, plain

try:
    from nvflare.client import decorator
    from nvflare.client.in_process import api as in_process
except ImportError:
    in_process = None

EXCHANGE = {
    "train_with_eval": True,
    "exchange_format": "numpy",
    "server_expected_format": "numpy",
    "transfer_type": "FULL",
    "train_task_name": "train",
    "eval_task_name": "validate",
    "submit_model_task_name": "submit_model",
}


def settings(**exchange):
    return {
        "site_name": "site-1",
        "job_id": "simulate_job",
        "TASK_NAME": None,
        "TASK_EXCHANGE": EXCHANGE | exchange,
    }


class FlareHost:
    def __init__(self, **exchange):
        from nvflare.client.api_spec import CLIENT_API_KEY
        from nvflare.fuel.data_event.data_bus import DataBus
        from nvflare.fuel.data_event.event_manager import EventManager

        api.context_dict.clear()
        api.default_context = None
        decorator.object_holder = decorator.ObjectHolder()
        self.meta = settings(**exchange)
        self.bus = DataBus()
        self.bus.subscribers.clear()
        self.api = in_process.InProcessClientAPI(self.meta, result_check_interval=0.01)
        self.bus.put_data(CLIENT_API_KEY, self.api)
        self.fire = EventManager(self.bus).fire_event
        self.results, self.logs = [], []
        self.bus.subscribe([in_process.TOPIC_LOCAL_RESULT], self._keep)
        self.bus.subscribe([in_process.TOPIC_LOG_DATA], lambda topic, data, bus: self.logs.append(data))

    def _keep(self, topic, data, bus):
        self.results.append(FLModelUtils.from_shareable(data))

    def give(self, name, model):
        self.api.set_meta({**self.meta, "TASK_NAME": name})
        self.fire(in_process.TOPIC_GLOBAL_RESULT, FLModelUtils.to_shareable(model))

    def stop(self):
        self.fire(in_process.TOPIC_STOP, "END_RUN received")

    def abort(self):
        self.fire(in_process.TOPIC_ABORT, "trouble")


def our_host(**exchange):
    from fedjob.client import session

    class Host(session.Session):
        def __init__(self):
            super().__init__(site_name="site-1", job_id="simulate_job", config=settings(**exchange))
            self.tasks, self.results, self.logs = deque(), [], []
            self.open, self.reason = True, None

        def is_open(self):
            if self.reason is not None:
                raise session.aborted(self.reason)
            return self.open

        def next_task(self, timeout=None):
            if not self.is_open():
                return None
            assert self.tasks or timeout is not None, "this would block for ever"
            return self.tasks.popleft() if self.tasks else None

        def reply(self, model):
            self.results.append(FLModelUtils.from_shareable(FLModelUtils.to_shareable(model)))

        def log(self, key, value, data_type, **kwargs):
            self.logs.append({"key": key, "value": value, "data_type": data_type, **kwargs})

        def stop(self):
            self.open = False

        def give(self, name, model):
            self.tasks.clear()
            model = FLModelUtils.from_shareable(FLModelUtils.to_shareable(model))
            self.tasks.append(session.TaskIn(name=name, model=model))

        def abort(self):
            self.reason = "trouble"

    release_all()
    host = Host()
    session.bind(host)
    return host


def release_all():
    from fedjob.client import session

    for bound in list(session._open):
        session.release(bound)


def make_host(**exchange):
    return our_host(**exchange) if in_process is None else FlareHost(**exchange)


class Play:
    """Steps of one case; each step's outcome is kept, an error ends nothing."""

    def __init__(self, init=True, **exchange):
        self.host = make_host(**exchange)
        self.seen = []
        if init:
            flare.init()

    def do(self, action):
        self.seen.append(outcome(action))
        return self

    def give(self, name="train", **kwargs):
        kwargs.setdefault("params", {"w": np.zeros(2, np.float32)})
        self.host.give(name, flare.FLModel(**kwargs))
        return self

    def stop(self):
        self.host.stop()
        return self

    def abort(self):
        self.host.abort()
        return self

    def end(self):
        return " | ".join(
            [*self.seen, f"results {plain(self.host.results)}", f"logs {plain(self.host.logs)}"]
        )


def ones(**kwargs):
    return flare.FLModel(params={"w": np.ones(2, np.float32)}, **kwargs)


def receive():
    return flare.receive(timeout=0.05)


QUESTIONS = (
    "is_running", "is_train", "is_evaluate", "is_submit_model", "system_info", "get_config", "get_job_id",
    "get_site_name", "get_task_name",
)  # fmt: skip


def questions():
    for name in QUESTIONS:
        ask = getattr(flare, name)
        yield f"{name} before init", lambda a=ask: Play(init=False).do(a)
        for task in ("train", "validate", "submit_model", "other"):
            yield f"{name} in {task}", lambda a=ask, t=task: Play().give(t).do(a).do(receive).do(a)
        yield (
            f"{name} after send",
            lambda a=ask: Play().give().do(receive).do(lambda: flare.send(ones())).give("validate").do(a),
        )
        yield f"{name} after stop", lambda a=ask: Play().give().do(receive).stop().do(a)
        if name not in {"is_running"}:
            yield f"{name} before a task", lambda a=ask: Play().do(a)
            yield f"{name} after abort", lambda a=ask: Play().give().do(receive).abort().do(a)
        else:
            yield f"{name} after abort", lambda a=ask: Play().abort().do(a)
            yield f"{name} twice", lambda a=ask: Play().give().do(a).do(a).do(receive).do(a)


def same_object():
    first, second = receive(), receive()
    return first is second


def keep(clear_cache):
    received, sent = receive(), ones(optimizer_params={"lr": 1})
    flare.send(sent, clear_cache=clear_cache)
    return received, sent


def exchange():
    yield (
        "receive",
        lambda: Play().give(current_round=1, total_rounds=3, metrics={"a": 1}, meta={"m": 1}).do(receive),
    )
    yield "receive before init", lambda: Play(init=False).do(receive)
    yield "receive nothing", lambda: Play().do(receive)
    yield "receive after stop", lambda: Play().stop().do(receive)
    yield "receive after abort", lambda: Play().abort().do(receive)
    yield "receive held after abort", lambda: Play().give().do(receive).abort().do(receive)
    yield "receive twice", lambda: Play().give().do(same_object)
    yield "receive empty params", lambda: Play().give(params={}).do(receive).do(lambda: flare.send(ones()))
    yield "receive metrics only", lambda: Play().give("validate", params=None, metrics={"a": 1}).do(receive)
    yield (
        "send",
        lambda: Play().give().do(receive).do(lambda: flare.send(ones(metrics={"a": 1}, meta={"m": 1}))),
    )
    yield "send before init", lambda: Play(init=False).do(lambda: flare.send(ones()))
    yield "send before receive", lambda: Play().give().do(lambda: flare.send(ones()))
    yield "send no model", lambda: Play().give().do(receive).do(lambda: flare.send({"w": 1}))
    yield "send no model before init", lambda: Play(init=False).do(lambda: flare.send(None))
    yield "send empty", lambda: Play().give().do(receive).do(lambda: flare.send(flare.FLModel()))
    yield (
        "send metrics",
        lambda: Play().give("validate").do(receive).do(lambda: flare.send(flare.FLModel(metrics={"a": 1}))),
    )
    yield (
        "send no metrics",
        lambda: Play().give("validate").do(receive).do(lambda: flare.send(flare.FLModel(metrics={}))),
    )
    yield (
        "send twice",
        lambda: Play().give().do(receive).do(lambda: flare.send(ones())).do(lambda: flare.send(ones())),
    )
    yield "send after abort", lambda: Play().give().do(receive).abort().do(lambda: flare.send(ones()))
    yield "send clears", lambda: Play().give().do(lambda: keep(True))
    yield "send keeps", lambda: Play().give().do(lambda: keep(False)).do(receive)
    yield (
        "send keeps, next task",
        lambda: (
            Play()
            .give()
            .do(lambda: keep(False))
            .give("validate", current_round=2)
            .do(receive)
            .do(flare.is_evaluate)
        ),
    )
    yield "send keeps, clear", lambda: Play().give().do(lambda: keep(False)).do(api.clear).do(receive)
    yield "clear", lambda: Play().give().do(receive).do(api.clear).do(lambda: flare.send(ones())).do(receive)
    yield (
        "two rounds",
        lambda: (
            Play()
            .give(current_round=0)
            .do(receive)
            .do(lambda: flare.send(ones()))
            .give(current_round=1)
            .do(receive)
        ),
    )
    yield "replaced task", lambda: Play().give(current_round=0).give(current_round=1).do(receive)
    yield "shutdown", lambda: Play().give().do(flare.shutdown).do(flare.is_running).do(receive)


def kept(**kwargs):
    """Send FULL, with DIFF asked for: what the script's model has become."""
    _received, sent = receive(), flare.FLModel(**kwargs)
    flare.send(sent, clear_cache=False)
    return sent.params_type, sent.params


def differences():
    for form in ("numpy", "raw", "pytorch"):
        convert = torch.as_tensor if form == "pytorch" else np.asarray
        exchange = {"transfer_type": "DIFF", "exchange_format": form}
        for name, params in {
            "same keys": {"w": [3.0, 4.0]},
            "more keys": {"w": [3.0, 4.0], "v": [1.0]},
            "other keys": {"v": [1.0]},
            "no keys": {},
            "other shape": {"w": [1.0, 2.0, 3.0]},
        }.items():
            yield (
                f"diff {form} {name}",
                lambda e=exchange, p=params, c=convert: (
                    Play(**e)
                    .give(params={"w": np.ones(2), "u": np.ones(1)})
                    .do(lambda: kept(params={k: c(v) for k, v in p.items()}))
                ),
            )
    diff = {"transfer_type": "DIFF"}
    yield (
        "diff of diff",
        lambda: Play(**diff).give().do(lambda: kept(params={"w": np.ones(2)}, params_type="DIFF")),
    )
    yield "diff of metrics", lambda: Play(**diff).give().do(lambda: kept(metrics={"a": 1}))
    yield (
        "diff without received",
        lambda: (
            Play(**diff)
            .give("validate", params=None, metrics={"a": 1})
            .do(lambda: kept(params={"w": np.ones(2)}))
        ),
    )
    yield (
        "diff after clear",
        lambda: Play(**diff).give().do(receive).do(api.clear).do(lambda: flare.send(ones())),
    )
    yield "diff lists", lambda: utils.numerical_params_diff({"a": [1, 2], "b": 1}, {"a": [3, 5], "c": 1})
    yield "diff longer list", lambda: utils.numerical_params_diff({"a": [1]}, {"a": [3, 5]})
    yield "diff nothing common", lambda: utils.numerical_params_diff({"a": 1}, {"b": 1})


def with_extras():
    received = receive()
    params = {"w": received.params["w"] + 1, "name": "net", "count": 3}
    flare.send(flare.FLModel(params=params))


PARAMS = {
    "float": {"w": np.ones((2, 2), np.float32)},
    "int": {"w": np.array(3)},
    "mixed": {"a": np.ones(1), "b": np.arange(3), "c": np.array([True])},
    "list": {"w": [1.0, 2.0]},
    "number": {"w": 1.5},
    "text": {"w": "x"},
    "layers": {"l_nvf_0": np.ones(1), "l_nvf_1": np.zeros(2), "m_nvf_0": np.ones(1), "odd": np.ones(1)},
}
TENSORS = {
    "tensor": {"w": torch.ones(2, 2)},
    "gradient": {"w": torch.ones(2, requires_grad=True)},
    "scalar": {"w": torch.tensor(3)},
    "half": {"w": torch.ones(2, dtype=torch.float16)},
    "bfloat": {"w": torch.ones(2, dtype=torch.bfloat16)},
    "with array": {"w": torch.ones(1), "v": np.ones(1)},
}


def conversions():
    for source in ExchangeFormat:
        for target in ExchangeFormat:
            yield (
                f"pair {source.value} {target.value}",
                lambda s=source, t=target: converter_utils.validate_format_pair(s, t),
            )
            for name, params in {**PARAMS, **TENSORS, "none": None, "no dict": [1], "empty": {}}.items():
                yield (
                    f"{source.value} to {target.value}: {name}",
                    lambda p=params, s=source, t=target: converter_utils.convert_params(p, s, t, {}),
                )
    yield "pair unknown", lambda: converter_utils.validate_format_pair("numpy", "onnx")
    yield "pair none", lambda: converter_utils.validate_format_pair(None, "numpy")
    yield (
        "layers there and back",
        lambda: converter_utils.convert_params(
            {"a": [1, 2], "b": [], "c": [3]}, "keras_layer_weights", "numpy", {}
        ),
    )
    yield (
        "script in torch",
        lambda: (
            Play(exchange_format="pytorch")
            .give()
            .do(with_extras)
            .give(params={"w": np.ones(2, np.float32)})
            .do(receive)
        ),
    )
    yield (
        "shape comes back",
        lambda: (
            Play(exchange_format="pytorch")
            .give(params={"w": np.zeros((2, 3))})
            .do(with_extras)
            .give(params={"w": np.ones(6)})
            .do(receive)
        ),
    )
    yield (
        "script in torch sends arrays",
        lambda: Play(exchange_format="pytorch").give().do(receive).do(lambda: flare.send(ones())),
    )
    yield (
        "script in torch to torch",
        lambda: (
            Play(exchange_format="pytorch", server_expected_format="pytorch")
            .give(params={"w": torch.zeros(2)})
            .do(receive)
            .do(lambda: flare.send(flare.FLModel(params={"w": torch.ones(2), "name": "net"})))
        ),
    )
    yield (
        "received cannot be converted",
        lambda: (
            Play(exchange_format="pytorch")
            .give(params={"w": "text"})
            .do(receive)
            .do(receive)
            .give()
            .do(receive)
        ),
    )
    yield (
        "running cannot be converted",
        lambda: Play(exchange_format="pytorch").give(params=[1]).do(flare.is_running),
    )
    yield (
        "sent cannot be converted",
        lambda: (
            Play(exchange_format="pytorch")
            .give()
            .do(receive)
            .do(lambda: flare.send(flare.FLModel(params=[1])))
        ),
    )
    yield "no format", lambda: Play(exchange_format="").give(params={"w": "text"}).do(receive)
    yield "bad format", lambda: Play(exchange_format="onnx").give().do(receive)
    yield (
        "normalize",
        lambda: [config.normalize_exchange_format(f, "f") for f in ("raw", "numpy", ExchangeFormat.PYTORCH)],
    )
    yield "normalize bad", lambda: config.normalize_exchange_format([], "f")
    for method in ("get_exchange_format", "get_server_expected_format", "get_transfer_type", "get_train_task",
                   "get_eval_task", "get_submit_model_task", "get_config"):  # fmt: skip
        yield (
            f"config {method}",
            lambda m=method: [
                getattr(config.ClientConfig(c), m)() for c in (None, {}, settings(), {"TASK_EXCHANGE": {}})
            ],
        )


def ranked(rank):
    context = flare.init(rank=rank)
    return context.rank, context.config_file, flare.init(rank=rank) is context


def scoped():
    with flare.init() as context:
        flare.receive(timeout=0.05)
        inside = context.api is not None
    return inside, context.api


def environment_rank(action):
    os.environ["RANK"] = "1"
    try:
        return action()
    finally:
        del os.environ["RANK"]


def contexts():
    for rank in (None, "0", 0, 1, "1", 1.5, [1]):
        yield f"init {rank!r}", lambda r=rank: Play(init=False).do(lambda: ranked(r))
        for name in ("is_train", "is_evaluate", "is_submit_model", "get_task_name"):
            yield (
                f"{name} at rank {rank!r}",
                lambda r=rank, n=name: Play(init=False).give().do(lambda: ranked(r)).do(getattr(flare, n)),
            )
    yield "init environment", lambda: Play(init=False).do(lambda: environment_rank(lambda: ranked(None)))
    yield "init true", lambda: Play(init=False).do(lambda: ranked(True)).do(flare.is_train)
    yield "init config", lambda: Play(init=False).do(lambda: flare.init(config_file="c.json").config_file)
    yield "init other", lambda: Play().do(lambda: flare.init(rank=1) is flare.init()).do(flare.is_train)
    yield "get_context", lambda: Play().do(lambda: api.get_context() is flare.init())
    yield "get_context given", lambda: Play(init=False).do(lambda: api.get_context("mine"))
    yield "get_context before init", lambda: Play(init=False).do(api.get_context)
    yield "context", lambda: Play(init=False).do(scoped).do(lambda: api.get_context().api)
    yield "given context", lambda: Play(init=False).do(lambda: flare.get_site_name(ctx=flare.init()))


def writers():
    T = AnalyticsDataType
    yield "log", lambda: Play().do(lambda: flare.log("k", 1, T.SCALAR, global_step=3, more=2))
    yield "log before init", lambda: Play(init=False).do(lambda: flare.log("k", 1, T.SCALAR))
    yield (
        "log at rank 1",
        lambda: Play(init=False).do(lambda: flare.init(rank=1).rank).do(lambda: flare.log("k", 1, T.SCALAR)),
    )
    yield "log nonsense", lambda: Play().do(lambda: flare.log(3, "x", "SCALAR"))
    calls = {
        "SummaryWriter": [
            ("add_scalar", ("a", 0.5), {}),
            ("add_scalar", ("a", 0.5, 3), {"walltime": 1}),
            ("add_scalar", ("a",), {"scalar": 1, "global_step": 2}),
            ("add_scalars", ("a", {"x": 1}), {"global_step": 1}),
            ("flush", (), {}),
        ],
        "WandBWriter": [("log", ({"a": 1},), {}), ("log", ({"a": 1}, 3), {})],
        "MLflowWriter": [
            ("log_param", ("a", "b"), {}),
            ("log_params", ({"a": 1},), {}),
            ("log_metric", ("a", 1.0), {"step": 2}),
            ("log_metrics", ({"a": 1.0}, 2), {}),
            ("log_text", ("text", "dir/file.txt"), {}),
            ("set_tag", ("a", "b"), {}),
            ("set_tags", ({"a": 1},), {}),
        ],
    }
    for writer, methods in calls.items():
        yield f"{writer} before init", lambda w=writer: Play(init=False).do(getattr(tracking, w))
        for i, (method, args, kwargs) in enumerate(methods):
            yield (
                f"{writer}.{method} {i}",
                lambda w=writer, m=method, a=args, k=kwargs: Play().do(
                    lambda: getattr(getattr(tracking, w)(), m)(*a, **k)
                ),
            )
    yield "writer has no close", lambda: Play().do(lambda: tracking.SummaryWriter().close())


def quiet(make):
    with warnings.catch_warnings(record=True):
        return make()


def trained(returned):
    @flare.train
    def step(model=None, factor=1):
        return returned(model, factor)

    return step


def evaluated(returned):
    @flare.evaluate
    def check(model, factor=1):
        return returned(model, factor)

    return check


def decorated():
    metrics = {"acc": 0.5}
    yield "train", lambda: Play().give().do(lambda: trained(lambda m, f: ones())())
    yield (
        "train kwargs",
        lambda: Play().give().do(lambda: trained(lambda m, f: ones(meta={"f": f}))(factor=3)),
    )
    yield (
        "train drops positions",
        lambda: Play().give().do(lambda: trained(lambda m, f: ones(meta={"f": f}))(1, 2)),
    )
    yield (
        "train model",
        lambda: Play().give().do(lambda: trained(lambda m, f: ones(meta={"r": str(m.params)}))(model=3)),
    )
    yield "train none", lambda: Play().give().do(lambda: trained(lambda m, f: None)())
    yield "train dict", lambda: Play().give().do(lambda: trained(lambda m, f: {"w": 1})())
    yield "train brackets", lambda: Play().give().do(lambda: flare.train()(lambda m: ones())())
    yield (
        "evaluate then train",
        lambda: (
            Play()
            .give()
            .do(lambda: evaluated(lambda m, f: metrics)())
            .do(lambda: trained(lambda m, f: ones())())
        ),
    )
    yield (
        "evaluate once",
        lambda: (
            Play()
            .give()
            .do(lambda: evaluated(lambda m, f: metrics)())
            .do(lambda: trained(lambda m, f: ones())())
            .give()
            .do(lambda: trained(lambda m, f: ones())())
        ),
    )
    yield (
        "evaluate in validate",
        lambda: Play().give("validate").do(lambda: evaluated(lambda m, f: metrics)()),
    )
    yield "evaluate number", lambda: Play().give("validate").do(lambda: evaluated(lambda m, f: 0.5)())
    yield "evaluate none", lambda: Play().give().do(lambda: evaluated(lambda m, f: None)())
    yield "keeps its name", lambda: Play().do(lambda: trained(lambda m, f: None).__name__)


def outcomes():
    groups = (questions, exchange, differences, conversions, contexts, writers, decorated)
    found = {}
    for group in groups:
        for name, action in group():
            value = quiet(lambda a=action: outcome(lambda: ended(a())))
            found[name] = value
    if in_process is None:
        release_all()
    return found


def ended(result):
    return result.end() if isinstance(result, Play) else result
