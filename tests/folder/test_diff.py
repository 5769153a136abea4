"""The diff: each kind at its exact place, silence where order means nothing."""

import copy
import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedjob.folder.diff import diff
from fedjob.folder.explain import explain
from fedjob.folder.model import App, ClientConfig, File, JobModel, Meta, ServerConfig
from tests.folder.models import json_values, make_file, make_job


@pytest.fixture
def job(tmp_path):
    return make_job(tmp_path)


def unfold(job: JobModel) -> dict:
    """The job as one editable tree."""
    apps = {
        a.name: {"server": a.server and a.server.to_dict(), "client": a.client and a.client.to_dict()}
        for a in job.apps
    }
    files = {a.name: {f.path: f for f in a.files} for a in job.apps}
    return copy.deepcopy({"meta": job.meta.to_dict(), "apps": apps, "files": files})


def fold(tree: dict) -> JobModel:
    apps = []
    for name, sides in tree["apps"].items():
        server, client = sides["server"], sides["client"]
        apps.append(
            App(
                name=name,
                server=server and ServerConfig.from_dict(server, ""),
                client=client and ClientConfig.from_dict(client, ""),
                files=tuple(tree["files"][name].values()),
            )
        )
    return JobModel(meta=Meta.from_dict(tree["meta"], ""), apps=tuple(apps))


def changed(job: JobModel, edit) -> list[str]:
    """What the diff says of `edit`, in short."""
    tree = unfold(job)
    edit(tree)
    return [f"{c.kind}: {c.place}" for c in diff(job, fold(tree))]


def server(tree):
    return tree["apps"]["app"]["server"]


def client(tree):
    return tree["apps"]["app"]["client"]


CHANGES = {
    "value": (
        lambda t: server(t)["workflows"][0]["args"].update(num_rounds=3),
        ["changed: app: server.workflows[controller].args.num_rounds"],
    ),
    "type": (
        lambda t: server(t)["workflows"][0]["args"].update(num_rounds="5"),
        ["type changed: app: server.workflows[controller].args.num_rounds"],
    ),
    "number to flag": (
        lambda t: server(t)["workflows"][0]["args"].update(num_rounds=True),
        ["type changed: app: server.workflows[controller].args.num_rounds"],
    ),
    "argument added": (
        lambda t: server(t)["workflows"][0]["args"].update(start_round=None),
        ["added: app: server.workflows[controller].args.start_round"],
    ),
    "argument removed": (
        lambda t: server(t)["components"][1]["args"].pop("key_metric"),
        ["removed: app: server.components[selector].args.key_metric"],
    ),
    "class moved": (
        lambda t: server(t)["components"][1].update(path="src.pick.Selector"),
        ["moved class: app: server.components[selector].path"],
    ),
    "other class": (
        lambda t: client(t)["executors"][0]["executor"].update(path="src.train.Other"),
        ["changed: app: client.executors[train, validate].path"],
    ),
    "class found by name": (
        lambda t: server(t)["components"][1].update(name=server(t)["components"][1].pop("path")),
        ["changed: app: server.components[selector].path"],
    ),
    "component added": (
        lambda t: server(t)["components"].insert(0, {"id": "w", "path": "a.W"}),
        ["added: app: server.components[w]"],
    ),
    "component renamed": (
        lambda t: server(t)["components"][0].update(id="other"),
        ["removed: app: server.components[persistor]", "added: app: server.components[other]"],
    ),
    "workflows reordered": (lambda t: server(t)["workflows"].reverse(), ["reordered: app: server.workflows"]),
    "filters reordered": (
        lambda t: client(t)["task_result_filters"][0]["filters"].reverse(),
        ["reordered: app: client.task_result_filters[train].filters"],
    ),
    "filter's class": (
        lambda t: client(t)["task_result_filters"][0]["filters"][0].update(path="src.filters.Cut"),
        ["changed: app: client.task_result_filters[train].filters[Clip].path"],
    ),
    "filter's argument": (
        lambda t: client(t)["task_result_filters"][0]["filters"][1]["args"].update(sigma=0.5),
        ["changed: app: client.task_result_filters[train].filters[Noise].args.sigma"],
    ),
    "executor's tasks": (
        lambda t: client(t)["executors"][0].update(tasks=["train"]),
        ["changed: app: client.executors[train, validate].tasks"],
    ),
    "list argument reordered": (
        lambda t: server(t)["components"][1]["args"]["tags"].reverse(),
        ["reordered: app: server.components[selector].args.tags"],
    ),
    "list element": (
        lambda t: server(t)["components"][1]["args"]["tags"].__setitem__(1, "z"),
        ["changed: app: server.components[selector].args.tags[1]"],
    ),
    "list element inserted": (
        lambda t: server(t)["components"][1]["args"]["tags"].insert(0, "z"),
        ["added: app: server.components[selector].args.tags[0]"],
    ),
    "parameter of the app": (
        lambda t: server(t).update(task_check_timeout=1),
        ["added: app: server.task_check_timeout"],
    ),
    "side removed": (lambda t: t["apps"]["app"].update(client=None), ["removed: app: client"]),
    "fewer sites": (lambda t: t["meta"].update(min_clients=1), ["changed: meta.min_clients"]),
    "file removed": (
        lambda t: t["files"]["app"].pop("custom/src/train.py"),
        ["file removed: app: custom/src/train.py"],
    ),
    "components reordered": (lambda t: server(t)["components"].reverse(), []),
    "tasks reordered": (lambda t: client(t)["executors"][0]["tasks"].reverse(), []),
    "keys reordered": (lambda t: t["apps"]["app"].update(server=dict(reversed(server(t).items()))), []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_named_with_its_place(job, case):
    edit, expected = CHANGES[case]
    assert changed(job, edit) == expected


def test_equal_jobs_differ_in_nothing(job):
    assert diff(job, fold(unfold(job))) == ()


def test_the_text_of_a_diff(job, tmp_path):
    tree = unfold(job)
    server(tree)["workflows"][0]["args"]["num_rounds"] = 3
    del server(tree)["components"][1]["args"]["key_metric"]
    tree["files"]["app"]["custom/src/train.py"] = make_file(tmp_path, "custom/src/train.py", b"z")
    obtained = fold(tree)
    lines = explain(diff(job, obtained), "3 differences:", "accept with: fedjob golden update")
    before, after = (j.app("app").files[2].sha256[:12] for j in (job, obtained))
    assert "\n".join(lines) == (
        "3 differences:\n"
        "\n"
        "  changed: app: server.workflows[controller].args.num_rounds\n"
        "    expected: 5\n"
        "    obtained: 3\n"
        "\n"
        "  removed: app: server.components[selector].args.key_metric\n"
        '    expected: "accuracy"\n'
        "\n"
        "  file changed: app: custom/src/train.py\n"
        f"    expected: 36 bytes, sha256 {before}\n"
        f"    obtained: 1 bytes, sha256 {after}\n"
        "    @@ -1,2 +1 @@\n"
        "    -class Trainer: ...\n"
        "    -class Audit: ...\n"
        "    +z\n"
        "\n"
        "accept with: fedjob golden update"
    )


def test_a_long_value_is_cut_in_the_middle(job):
    tree = unfold(job)
    server(tree)["workflows"][0]["args"]["num_rounds"] = ["x" * 50] * 10
    line = explain(diff(job, fold(tree)), "")[-1]
    assert line.endswith("(540 characters)")
    assert len(line) < 200


def test_many_changes_are_counted(job):
    tree = unfold(job)
    server(tree)["workflows"][0]["args"].update({f"a{i:02}": i for i in range(50)})
    assert explain(diff(job, fold(tree)), "")[-1] == "  ... and 10 more"


@settings(max_examples=200, deadline=None)
@given(expected=json_values, obtained=json_values)
def test_values_differ_exactly_when_their_json_differs(expected, obtained):
    from fedjob.folder.change import diff_values

    alike = json.dumps(expected, sort_keys=True) == json.dumps(obtained, sort_keys=True)
    # 0.0 and -0.0 are one number.
    if "-0.0" in json.dumps([expected, obtained]):
        return
    assert (list(diff_values(expected, obtained, "x")) == []) == alike


# ------------------------------------------------------------------ random single mutations


def mutations(tree: dict) -> list:
    """Every way to change one thing: (edit, kinds that may report it, place that must report it)."""
    found = [
        (lambda t: t["meta"].update(min_clients=7), {"changed"}, "meta.min_clients"),
        (lambda t: t["meta"].update(study="s"), {"added"}, "meta.study"),
    ]
    sides = tree["apps"]["app"]
    for side, config in sides.items():
        for word, entries in config.items():
            if isinstance(entries, list):
                for i, entry in enumerate(entries):
                    found += of_entry(side, word, i, entry)
                found += of_order(side, word, entries)
    for path in tree["files"]["app"]:
        found.append((lambda t, p=path: t["files"]["app"].pop(p), {"file removed"}, f"app: {path}"))
        found.append((lambda t, p=path: edit_file(t, p), {"file changed"}, f"app: {path}"))
    found.append((lambda t: add_file(t), {"file added"}, "app: custom/new.py"))
    return found


def edit_file(tree, path):
    file = tree["files"]["app"][path]
    tree["files"]["app"][path] = replace(file, sha256="0" * 64)


def add_file(tree):
    tree["files"]["app"]["custom/new.py"] = File(
        path="custom/new.py", size=0, sha256="1" * 64, source=make_job.__code__
    )


def of_order(side, word, entries):
    if len(entries) < 2:
        return []
    kinds = {"reordered"} if word == "workflows" else set()
    return [(lambda t: t["apps"]["app"][side][word].reverse(), kinds, f"app: {side}.{word}")]


def of_entry(side, word, i, entry):
    def get(t):
        return t["apps"]["app"][side][word][i]

    name = entry.get("id") or ", ".join(sorted(entry["tasks"]))
    place = f"app: {side}.{word}[{name}]"
    found = [(lambda t: t["apps"]["app"][side][word].pop(i), {"removed"}, place)]
    if "tasks" in entry:
        found.append((lambda t: get(t)["tasks"].append("zz"), {"changed"}, f"{place}.tasks"))
    if "filters" in entry:
        for k, inner in enumerate(entry["filters"]):
            where = f"{place}.filters[{inner['path'].rpartition('.')[2]}]"
            found += of_component(lambda t, k=k: get(t)["filters"][k], inner, where)
        found.append((lambda t: get(t)["filters"].reverse(), {"reordered"}, f"{place}.filters"))
    elif "executor" in entry:
        found += of_component(lambda t: get(t)["executor"], entry["executor"], place)
    else:
        found += of_component(get, entry, place)
    return found


def of_component(get, component, place):
    path = component["path"]
    found = [
        (lambda t: get(t).update(path=f"elsewhere.{path}"), {"moved class"}, f"{place}.path"),
        (lambda t: get(t).update(path=f"{path}Two"), {"changed"}, f"{place}.path"),
        (lambda t: get(t)["args"].update(brand_new=1), {"added"}, f"{place}.args.brand_new"),
        (lambda t: get(t).update(disabled=True), {"added"}, f"{place}.disabled"),
    ]
    for key, value in component["args"].items():
        here = f"{place}.args.{key}"
        found.append((lambda t, k=key: get(t)["args"].pop(k), {"removed"}, here))
        found.append((lambda t, k=key: get(t)["args"].update({k: {"other": 1}}), {"type changed"}, here))
        if isinstance(value, (int, float)):
            found.append((lambda t, k=key, v=value: get(t)["args"].update({k: v + 1}), {"changed"}, here))
        if isinstance(value, list):
            found.append((lambda t, k=key: get(t)["args"][k].pop(1), {"removed"}, f"{here}[1]"))
            found.append((lambda t, k=key: get(t)["args"][k].reverse(), {"reordered"}, here))
    return found


def test_200_random_single_mutations_are_each_reported_at_their_place(job):
    everything = mutations(unfold(job))
    assert len(everything) > 50
    chooser = random.Random(6)
    for _ in range(200):
        edit, kinds, place = chooser.choice(everything)
        tree = unfold(job)
        edit(tree)
        reported = {(c.kind, c.place) for c in diff(job, fold(tree))}
        assert reported == {(kind, place) for kind in kinds}


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_diff_told_backwards_is_the_opposite(data, tmp_path_factory):
    job = make_job(tmp_path_factory.mktemp("job"))
    tree = unfold(job)
    data.draw(st.sampled_from(mutations(unfold(job))))[0](tree)
    forth, back = diff(job, fold(tree)), diff(fold(tree), job)
    assert len(forth) == len(back)
    for there, again in zip(forth, back, strict=True):
        assert (there.expected, there.obtained) == (again.obtained, again.expected)
