"""Job models for the folder's tests: small ones by hand, any one by Hypothesis."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import strategies as st

from fedjob.folder.model import (
    App,
    ClientConfig,
    Component,
    ExecutorEntry,
    File,
    FilterChain,
    JobModel,
    Meta,
    ServerConfig,
)


def make_file(directory: Path, path: str, content: bytes = b"x = 1\n") -> File:
    directory.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(content).hexdigest()
    source = directory / sha256
    source.write_bytes(content)
    return File(path=path, size=len(content), sha256=sha256, source=source)


def make_job(directory: Path, *, name: str = "hello", num_rounds: int = 5) -> JobModel:
    """A FedAvg job that is in order: one app for all, two workflows, two filters, three files."""
    server = ServerConfig(
        workflows=(
            Component(
                id="controller",
                path="nvflare.app_common.workflows.fedavg.FedAvg",
                args={"num_rounds": num_rounds},
            ),
            Component(id="audit", path="src.train.Audit"),
        ),
        components=(
            Component(
                id="persistor", path="nvflare.app_common.np.np_model_persistor.NPModelPersistor", args={}
            ),
            Component(
                id="selector",
                path="src.select.Selector",
                args={"key_metric": "accuracy", "tags": ["a", "b", "c"]},
            ),
        ),
    )
    client = ClientConfig(
        executors=(
            ExecutorEntry(
                tasks=("train", "validate"), executor=Component(path="src.train.Trainer", args={"lr": 0.1})
            ),
        ),
        task_result_filters=(
            FilterChain(
                tasks=("train",),
                filters=(
                    Component(path="src.filters.Clip", args={"bound": 1.5}),
                    Component(path="src.filters.Noise", args={"sigma": 0.25}),
                ),
            ),
        ),
    )
    files = (
        make_file(directory, "custom/src/train.py", b"class Trainer: ...\nclass Audit: ...\n"),
        make_file(directory, "custom/src/select.py", b"class Selector: ...\n"),
        make_file(directory, "custom/src/filters.py", b"class Clip: ...\nclass Noise: ...\n"),
    )
    return JobModel(
        meta=Meta(name=name, min_clients=2, deploy_map={"app": ("@ALL",)}),
        apps=(App(name="app", server=server, client=client, files=files),),
    )


_texts = st.text(max_size=8)
_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,6}", fullmatch=True)
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts
json_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_args = st.dictionaries(_texts, json_values, max_size=3)


def _extra(*taken: str):
    return st.dictionaries(_texts.filter(lambda k: k not in taken), json_values, max_size=2)


_component_keys = ("id", "path", "class_path", "name", "args")
components = st.builds(
    Component,
    id=st.none() | _texts,
    path=_texts,
    args=_args,
    extra=_extra(*_component_keys),
    key=st.sampled_from(["path", "class_path", "name"]),
)
_tasks = st.lists(_texts, max_size=3).map(tuple)
_many = st.lists(components, max_size=3).map(tuple)
chains = st.lists(
    st.builds(FilterChain, tasks=_tasks, filters=_many, extra=_extra("tasks", "filters")), max_size=2
).map(tuple)
_common = ("format_version", "components", "task_data_filters", "task_result_filters")
servers = st.builds(
    ServerConfig,
    format_version=st.just(2),
    workflows=_many,
    components=_many,
    task_data_filters=chains,
    task_result_filters=chains,
    extra=_extra(*_common, "workflows"),
)
clients = st.builds(
    ClientConfig,
    format_version=st.just(2),
    executors=st.lists(
        st.builds(ExecutorEntry, tasks=_tasks, executor=components, extra=_extra("tasks", "executor")),
        max_size=3,
    ).map(tuple),
    components=_many,
    task_data_filters=chains,
    task_result_filters=chains,
    extra=_extra(*_common, "executors"),
)


@st.composite
def jobs(draw, directory: Path) -> JobModel:
    """Any job that can be written; its files' bytes lie in `directory`."""
    names = draw(st.lists(_names, min_size=1, max_size=3, unique_by=str.lower))
    apps = []
    for name in names:
        paths = draw(st.lists(_names.map("custom/{}".format), max_size=3, unique_by=str.lower))
        files = tuple(make_file(directory, path, draw(st.binary(max_size=8))) for path in paths)
        apps.append(
            App(name=name, server=draw(st.none() | servers), client=draw(st.none() | clients), files=files)
        )
    keys = ("name", "resource_spec", "min_clients", "deploy_map", "mandatory_clients")
    meta = Meta(
        name=draw(_names),
        resource_spec=draw(_args),
        min_clients=draw(st.integers(1, 9)),
        deploy_map={name: tuple(draw(st.lists(_texts, max_size=2))) for name in names},
        mandatory_clients=draw(st.none() | st.lists(_texts, max_size=2).map(tuple)),
        extra=draw(_extra(*keys)),
    )
    return JobModel(meta=meta, apps=tuple(draw(st.permutations(apps))))
