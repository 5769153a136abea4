"""Building components from a frozen configuration, and what is said of those that cannot be built."""

import pytest

from fedjob.engines.local.load import build_component, load_client, load_server
from fedjob.errors import FolderError
from fedjob.flare import shim
from fedjob.folder.model import App, ClientConfig, Component, ExecutorEntry, FilterChain, ServerConfig

FEDAVG = Component(id="controller", path="nvflare.app_common.workflows.fedavg.FedAvg", args={"num_rounds": 2})
SELECTOR = "nvflare.app_common.widgets.intime_model_selector.IntimeModelSelector"

CODE = """
from nvflare.apis.executor import Executor
from nvflare.apis.filter import Filter
from nvflare.apis.fl_component import FLComponent

class Run(Executor):
    def __init__(self, where="", part=None, plain=None, many=()):
        super().__init__()
        self.where, self.part, self.plain, self.many = where, part, plain, many

class Part(FLComponent):
    def __init__(self, n=0):
        super().__init__()
        self.n = n

class Pass(Filter):
    def process(self, shareable, fl_ctx):
        return shareable

class Bad:
    def __init__(self):
        raise ValueError("no")
"""


@pytest.fixture(autouse=True)
def user_code(tmp_path, monkeypatch):
    (tmp_path / "user_parts.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    with shim.active():
        yield
    import sys

    sys.modules.pop("user_parts", None)


def server(*components, workflows=(FEDAVG,), **fields):
    return App(name="app", server=ServerConfig(workflows=workflows, components=components, **fields))


def client(executor, *components, tasks=("*",), **fields):
    entry = ExecutorEntry(tasks=tasks, executor=executor)
    return App(name="app", client=ClientConfig(executors=(entry,), components=components, **fields))


def run(**args):
    return Component(path="user_parts.Run", args=args)


def test_builds_workflows_and_components_by_id():
    app = load_server(server(Component(id="selector", path=SELECTOR, args={"key_metric": "acc"})), {})
    assert app.workflows["controller"].num_rounds == 2
    assert app.components["selector"].key_metric == "acc"
    assert app.components["controller"] is app.workflows["controller"]
    assert app.handlers == [app.workflows["controller"], app.components["selector"]]


def test_builds_nested_objects_inside_out_and_leaves_dicts_alone():
    part = {"path": "user_parts.Part", "args": {"n": 3}}
    app = load_client(client(run(part=part, plain={**part, "config_type": "dict"}, many=[part])), {})
    executor = app.executors[0][1]
    assert executor.part.n == 3
    assert executor.plain["path"] == "user_parts.Part"
    assert executor.many[0].n == 3
    assert app.handlers == [executor.part, executor.many[0], executor]


def test_fills_in_variables_of_the_site_and_of_the_configuration():
    app = load_client(
        client(run(where="{SITE_NAME}/{own}/{unknown}"), extra={"own": "x"}), {"SITE_NAME": "site-1"}
    )
    assert app.executors[0][1].where == "site-1/x/{unknown}"


def test_a_reference_alone_is_what_it_refers_to():
    args = {"where": "{rounds}", "part": "{settings}", "plain": "{unknown}", "many": " {SITE_NAME} "}
    extra = {"rounds": 3, "settings": {"sizes": ["{rounds}"]}}
    built = load_client(client(run(**args), extra=extra), {"SITE_NAME": "site-1"}).executors[0][1]
    assert (built.where, built.part, built.plain, built.many) == (3, {"sizes": [3]}, None, "site-1")
    with pytest.raises(FolderError, match=r"\{a\} refers to itself"):
        load_client(client(run(where="{a}"), extra={"a": ["{b}"], "b": "{a}"}), {})


def test_routes_exact_names_before_patterns():
    entries = (
        ExecutorEntry(tasks=("*",), executor=run(where="any")),
        ExecutorEntry(tasks=("train", "swarm_*"), executor=run(where="train")),
    )
    app = load_client(App(name="app", client=ClientConfig(executors=entries)), {})
    assert app.executor_for("train").where == "train"
    assert app.executor_for("validate").where == "any"
    narrow = load_client(client(run(), tasks=("train",)), {})
    assert narrow.executor_for("validate") is None


def test_filters_are_found_by_task_kind_and_direction():
    chain = FilterChain(tasks=("train",), filters=(Component(path="user_parts.Pass"),))
    both = FilterChain(
        tasks=("train",), filters=(Component(path="user_parts.Pass"),), extra={"direction": "inout"}
    )
    app = load_client(client(run(), task_data_filters=(chain,), task_result_filters=(both,)), {})
    assert sorted(app.filters) == [
        ("train", "data", "in"),
        ("train", "result", "in"),
        ("train", "result", "out"),
    ]
    at_server = load_server(server(task_data_filters=(chain,), task_result_filters=(chain,)), {})
    assert sorted(at_server.filters) == [("train", "data", "out"), ("train", "result", "in")]


def test_a_disabled_component_is_left_out():
    off = Component(id="off", path="nowhere.At.All", extra={"disabled": True})
    assert "off" not in load_server(server(off), {}).components


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (
            server(workflows=()),
            "app 'app' has no workflow for the server in 'app/config/config_fed_server'",
        ),
        (
            server(Component(id="x", path="user_parts.Missing")),
            "the class user_parts.Missing cannot be loaded: AttributeError: module 'user_parts' has no attribute "
            "'Missing' in 'app/config/config_fed_server: components[0]'",
        ),
        (
            server(Component(id="x", path="not_there.Thing")),
            "the class not_there.Thing cannot be loaded: ModuleNotFoundError: No module named 'not_there' in "
            "'app/config/config_fed_server: components[0]'",
        ),
        (
            server(Component(id="x", path="user_parts.Bad", args={})),
            "user_parts.Bad cannot be built with the arguments none: ValueError: no in "
            "'app/config/config_fed_server: components[0]'",
        ),
        (
            server(Component(id="x", path=SELECTOR, args={"nonsense": 1})),
            f"{SELECTOR} cannot be built with the arguments ['nonsense']: TypeError: IntimeModelSelector.__init__() got "
            "an unexpected keyword argument 'nonsense' in 'app/config/config_fed_server: components[0]'",
        ),
        (
            server(Component(id="controller", path=SELECTOR)),
            "the id 'controller' is used twice in 'app/config/config_fed_server: components[0]'",
        ),
        (
            server(Component(id="x", path="nvflare.not.Known")),
            'the local engine cannot run nvflare.not.Known; run this job with engine="simulator" in '
            "'app/config/config_fed_server: components[0]'",
        ),
    ],
)
def test_what_cannot_be_built_is_named_with_its_place(app, message):
    with pytest.raises(FolderError) as e:
        load_server(app, {})
    assert str(e.value) == message


def test_a_task_has_one_executor():
    entries = (
        ExecutorEntry(tasks=("train",), executor=run()),
        ExecutorEntry(tasks=("a", "train"), executor=run()),
    )
    with pytest.raises(FolderError) as e:
        load_client(App(name="app", client=ClientConfig(executors=entries)), {})
    assert str(e.value) == (
        "task 'train' has more than one executor in 'app/config/config_fed_client: executors[1]'"
    )


def test_sites_of_one_configuration_have_components_of_their_own():
    app = client(Component(path=SELECTOR, args={"key_metric": "acc"}))
    one, other = (load_client(app, {"SITE_NAME": site}).executors[0][1] for site in ("site-1", "site-2"))
    assert one is not other
    assert one.key_metric == other.key_metric == "acc"


def test_what_is_to_be_filled_in_is_filled_in_for_each_site():
    app = client(Component(path=SELECTOR, args={"key_metric": "{SITE_NAME}"}))
    sites = ("site-1", "site-2", "site-1")
    built = [load_client(app, {"SITE_NAME": site}).executors[0][1].key_metric for site in sites]
    assert built == list(sites)


def test_a_component_that_cannot_be_built_is_named_at_each_site():
    app = client(Component(path=SELECTOR, args={"negate_key_metric": "maybe", "nonsense": 1}))
    for _ in range(2):
        with pytest.raises(FolderError, match="nonsense") as caught:
            load_client(app, {})
        assert "executors[0]" in str(caught.value)


def test_what_is_asked_for_is_built_also_where_it_is_marked_as_data():
    """As in FLARE: the mark only keeps it from being built together with the object that has it as an argument."""
    part = build_component({"path": "user_parts.Part", "args": {"n": 3}, "config_type": "dict"}, "here")
    assert part.n == 3
