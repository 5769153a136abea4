"""Every finding, with its whole text; and silence on jobs that are in order."""

import json
from pathlib import Path

import pytest

from fedjob.errors import FolderError
from fedjob.folder.checks import check
from fedjob.folder.checks.config import read_config
from fedjob.folder.read import read
from fedjob.folder.write import write
from tests.folder.models import make_file, make_job

EXPORTED = Path(__file__).parents[2] / "data" / "flare"
ROOT = "nvflare"
FEDAVG = f"{ROOT}.app_common.workflows.fedavg.FedAvg"
SELECTOR = f"{ROOT}.app_common.widgets.intime_model_selector.IntimeModelSelector"
CLIENT_API = f"{ROOT}.app_common.executors.client_api_executor.ClientAPIExecutor"


@pytest.mark.parametrize("release", ["2.5", "2.6", "2.7", "2.8", "2.9"])
@pytest.mark.parametrize("name", ["hello", "per_site"])
def test_what_flare_exports_is_in_order_for_its_release(release, name):
    assert check(read(EXPORTED / release / name), release) == ()


@pytest.fixture
def folder(tmp_path):
    """A job that is in order: FedAvg, a numpy persistor, one trainer of the user's."""
    job = make_job(tmp_path)
    folder = write(job, tmp_path / "jobs")
    server = load(folder, "server")
    server["workflows"] = [{"id": "controller", "path": FEDAVG, "args": {"persistor_id": "persistor"}}]
    server["components"] = server["components"][:1]
    save(folder, "server", server)
    client = load(folder, "client")
    client["task_result_filters"] = []
    save(folder, "client", client)
    code(folder, "src/train.py", "import json\n\nclass Trainer:\n    pass\n")
    assert found(folder) == []
    return folder


def load(folder, side):
    return json.loads((folder / f"app/config/config_fed_{side}.json").read_text())


def save(folder, side, data):
    (folder / f"app/config/config_fed_{side}.json").write_text(json.dumps(data))


def meta(folder, **changes):
    path = folder / "meta.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change(folder, side, edit):
    data = load(folder, side)
    edit(data)
    save(folder, side, data)


def code(folder, path, text):
    file = folder / "app/custom" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def found(folder, release="2.9"):
    return ["\n".join(finding.lines()) for finding in check(read(folder), release)]


def executor(data, tasks, path="src.train.Trainer", **args):
    data["executors"].append({"tasks": tasks, "executor": {"path": path, "args": args}})


def result_filter(data, tasks, path="src.train.Trainer"):
    data["task_result_filters"].append({"tasks": tasks, "filters": [{"path": path, "args": {}}]})


CASES = {
    "name-invalid": (
        lambda f: meta(f, name="my job"),
        "error name-invalid: meta.name\n"
        "  FLARE 2.9 refuses the job name 'my job'\n"
        "  begin with a letter or digit and use letters, digits, '.', '_', '-'",
    ),
    "min-clients that no FLARE takes": (
        lambda f: meta(f, min_clients=0),
        "error min-clients: meta.min_clients\n"
        "  FLARE refuses min_clients 0\n"
        "  give a number from 1 to 1,000,000",
    ),
    "resource-spec": (
        lambda f: meta(f, resource_spec={"site-1": 2}),
        "error resource-spec: meta.resource_spec.site-1\n"
        "  FLARE wants a mapping of resources for each site, not 2\n"
        '  write {"site-1": {"num_of_gpus": 1}}',
    ),
    "app-undeployed": (
        lambda f: [
            meta(f, deploy_map={"other": ["@ALL"]}),
            (f / "app").rename(f / "other"),
            (f / "app/config").mkdir(parents=True),
        ],
        "warning app-undeployed: app:\n"
        "  the deploy map sends this app nowhere\n"
        "  add it to deploy_map in meta.json, or delete it",
    ),
    "deploy-empty": (
        lambda f: meta(f, deploy_map={"app": []}, min_clients=0),
        "error deploy-empty: meta.deploy_map\n"
        "  no app goes to any site\n"
        "  name '@ALL', or the server and the sites",
    ),
    "deploy-mixed": (
        lambda f: meta(f, deploy_map={"app": ["@ALL", "site-1"]}),
        "error deploy-mixed: meta.deploy_map\n"
        "  '@ALL' stands beside site-1\n"
        "  use '@ALL' alone, or name every site",
    ),
    "deploy-no-server": (
        lambda f: meta(f, deploy_map={"app": ["a", "b"]}),
        "error deploy-no-server: meta.deploy_map\n"
        "  no app goes to the server\n"
        "  send an app with a server configuration there",
    ),
    "deploy-twice": (
        lambda f: meta(f, deploy_map={"app": ["server", "a", "b", "a"]}),
        "error deploy-twice: meta.deploy_map\n  several apps go to a\n  send one app to each site",
    ),
    "min-clients": (
        lambda f: meta(f, deploy_map={"app": ["server", "a"]}),
        "error min-clients: meta.min_clients\n"
        "  min_clients is 2, but the deploy map names 1 clients\n"
        "  lower min_clients, or deploy to more sites",
    ),
    "mandatory-clients": (
        lambda f: meta(f, deploy_map={"app": ["server", "a", "b"]}, mandatory_clients=["a", "z"]),
        "error mandatory-clients: meta.mandatory_clients\n"
        "  the deploy map does not name z\n"
        "  add these sites to the deploy map, or drop them from mandatory_clients",
    ),
    "config-missing": (
        lambda f: (f / "app/config/config_fed_client.json").unlink(),
        "error config-missing: app: client\n"
        "  the app goes to the client but has no config_fed_client.json\n"
        "  give the client something to do, or change the deploy map",
    ),
    "config-empty": (
        lambda f: change(f, "client", lambda d: d.update(executors=[])),
        "error config-empty: app: client.executors\n"
        "  FLARE does not load a client configuration without executors\n"
        "  add an executor or ScriptRunner to the clients",
    ),
    "id-twice": (
        lambda f: change(f, "server", lambda d: d["components"].append(dict(d["components"][0]))),
        "error id-twice: app: server\n"
        "  the id 'persistor' is given twice\n"
        "  give each component an id of its own",
    ),
    "filter-never-runs": (
        lambda f: change(f, "client", lambda d: result_filter(d, ["*"])),
        "error filter-never-runs: app: client.task_result_filters[*]\n"
        "  FLARE looks filters up by the exact name of the task; '*' (the default) is no wildcard there\n"
        "  name the tasks: tasks=['train']",
    ),
    "filter-chain-twice": (
        lambda f: change(
            f, "client", lambda d: [result_filter(d, ["train"]), result_filter(d, ["train", "x"])]
        ),
        "error filter-chain-twice: app: client.task_result_filters[train]\n"
        "  two chains filter the task 'train'; FLARE refuses that\n"
        "  put the filters into one chain",
    ),
    "filter-chain-empty": (
        lambda f: change(
            f, "client", lambda d: d["task_result_filters"].append({"tasks": ["train"], "filters": []})
        ),
        "error filter-chain-empty: app: client.task_result_filters[train]\n"
        "  FLARE refuses a chain without a filter\n"
        "  delete the chain, or put a filter into it",
    ),
    "script-missing": (
        lambda f: change(
            f,
            "client",
            lambda d: executor(
                d, ["x"], CLIENT_API, execution_mode="in_process", task_script_path="src/fl.py"
            ),
        ),
        "error script-missing: app: client.executors[x].args.task_script_path\n"
        "  the script src/fl.py is not in this app's custom/\n"
        "  correct the path, or export the job from where the script is",
    ),
    "script-missing in a command": (
        lambda f: change(
            f,
            "client",
            lambda d: executor(
                d, ["x"], CLIENT_API, execution_mode="external_process", command=["python3", "custom/fl.py"]
            ),
        ),
        "error script-missing: app: client.executors[x].args.command\n"
        "  the script custom/fl.py is not in this app's custom/\n"
        "  correct the path, or export the job from where the script is",
    ),
    "script-not-python": (
        lambda f: change(
            f,
            "client",
            lambda d: executor(
                d, ["x"], CLIENT_API, execution_mode="in_process", task_script_path="src/fl.sh"
            ),
        ),
        "error script-not-python: app: client.executors[x].args.task_script_path\n"
        "  FLARE starts Python scripts only, not src/fl.sh\n"
        "  name a .py file, or start it as a process of its own: launch_external_process=True",
    ),
    "script-elsewhere": (
        lambda f: change(
            f,
            "client",
            lambda d: executor(
                d, ["x"], CLIENT_API, execution_mode="in_process", task_script_path="/opt/fl.py"
            ),
        ),
        "warning script-elsewhere: app: client.executors[x].args.task_script_path\n"
        "  /opt/fl.py does not travel with the job\n"
        "  make sure that the file is at every site, or name it relative to the job script",
    ),
    "deprecated class": (
        lambda f: change(
            f,
            "server",
            lambda d: d["components"].append(
                {"id": "x", "path": f"{ROOT}.app_common.pt.pt_file_model_persistor.PTFileModelPersistor"}
            ),
        ),
        "warning deprecated: app: server.components[x].path\n"
        f"  FLARE 2.9 calls {ROOT}.app_common.pt.pt_file_model_persistor.PTFileModelPersistor deprecated\n"
        f"  use {ROOT}.app_opt.pt.file_model_persistor.PTFileModelPersistor instead",
    ),
    "deprecated decorator": (
        lambda f: code(
            f, "fl.py", f"import {ROOT}.client as flare\n\n@flare.train\ndef fit(model):\n    return model\n"
        ),
        "warning deprecated: app: custom/fl.py:3\n"
        f"  FLARE 2.9 calls {ROOT}.client.train deprecated\n"
        f"  use receive() and send() of {ROOT}.client instead",
    ),
    "executor-twice": (
        lambda f: change(f, "client", lambda d: executor(d, ["train"])),
        "error executor-twice: app: client.executors[train]\n"
        "  two executors answer the task 'train'\n"
        "  let one of them answer it",
    ),
    "tasks-empty": (
        lambda f: change(f, "client", lambda d: executor(d, [])),
        "error tasks-empty: app: client.executors[]\n  an executor answers no task\n  name its tasks, or '*'",
    ),
    "client-api-twice": (
        lambda f: change(
            f,
            "client",
            lambda d: [executor(d, [t], CLIENT_API, execution_mode="in_process") for t in ("x", "y")],
        ),
        "error client-api-twice: app: client.executors\n"
        "  2 ClientAPIExecutors in one app; FLARE 2.9 allows one\n"
        "  let one script answer all tasks, or send the scripts to different sites",
    ),
    "id-undefined": (
        lambda f: change(f, "server", lambda d: d["workflows"][0]["args"].update(persistor_id="keeper")),
        "error id-undefined: app: server.workflows[controller].args.persistor_id\n"
        "  the server of this app has no component 'keeper'; it has: controller, persistor\n"
        "  add the component, or correct the id",
    ),
    "task-unanswered": (
        lambda f: change(f, "server", lambda d: d["workflows"][0]["args"].update(task_name="fit")),
        "error task-unanswered: app: server.workflows[controller].args.task_name\n"
        "  the workflow sends the task 'fit', which no executor answers in app\n"
        "  give an executor there tasks=['fit']",
    ),
    "component-disabled": (
        lambda f: change(f, "server", lambda d: d["components"][0].update(disabled=True)),
        "warning component-disabled: app: server.components[persistor]\n"
        "  FLARE skips this component: it says disabled: true\n"
        "  delete it, or the word, if that is not meant",
    ),
    "class-unknown": (
        lambda f: change(f, "server", lambda d: d["components"].append({"id": "x", "path": f"{ROOT}.a.B"})),
        f"warning class-unknown: app: server.components[x].path\n"
        f"  {ROOT}.a.B is not a component that fedjob knows of any FLARE release\n"
        "  check the spelling; if it is right, try it on real FLARE",
    ),
    "argument-unknown": (
        lambda f: change(
            f,
            "server",
            lambda d: d["components"].append({"id": "s", "path": SELECTOR, "args": {"key": "accuracy"}}),
        ),
        "error argument-unknown: app: server.components[s].args.key\n"
        "  IntimeModelSelector of FLARE 2.9 takes no 'key'; it takes weigh_by_local_iter, aggregation_weights, "
        "validation_metric_name, key_metric, negate_key_metric\n"
        "  remove it, or export the job for 2.9",
    ),
    "argument-missing": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], CLIENT_API)),
        "error argument-missing: app: client.executors[x].args.execution_mode\n"
        "  ClientAPIExecutor of FLARE 2.9 needs 'execution_mode'\n"
        "  give it to the constructor",
    ),
    "argument-opaque": (
        lambda f: change(
            f,
            "client",
            lambda d: executor(d, ["x"], pattern={"path": "re.Pattern", "args": {}}),
        ),
        "error argument-opaque: app: client.executors[x].args.pattern\n"
        "  FLARE cannot build a re.Pattern from a configuration\n"
        "  hand over its text (a pattern's string, a path's string) instead of the object",
    ),
    "class-missing": (
        lambda f: code(f, "src/train.py", "class Other:\n    pass\n"),
        "error class-missing: app: client.executors[train, validate].path\n"
        "  custom/src/train.py defines no Trainer\n"
        "  correct the path, or export the job again",
    ),
    "module-missing": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], "other.module.Trainer")),
        "error module-missing: app: client.executors[x].path\n"
        "  the module other.module is neither in the app's custom/ nor installed here\n"
        "  let its file travel with the job: job.to(..., 'path/to/file.py')",
    ),
    "class-path": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], "Trainer")),
        "error class-path: app: client.executors[x].path\n"
        "  'Trainer' names no module\n"
        "  write the whole path: package.module.Class",
    ),
    "import-missing": (
        lambda f: code(f, "helper.py", "import surely_missing.part\n"),
        "error import-missing: app: custom/helper.py\n"
        "  line 1 imports 'surely_missing.part', which is neither in custom/ nor installed here\n"
        "  let the module travel with the job, or install it at the sites",
    ),
    "import of a neighbour": (
        lambda f: [
            code(f, "src/net.py", "class Net: pass\n"),
            code(f, "src/fl.py", "\nfrom net import Net\n"),
        ],
        "error import-missing: app: custom/src/fl.py\n"
        "  line 2 imports 'net'; custom/src/net.py is not found under that name, since only custom/ is searched\n"
        "  import it as 'src.net'",
    ),
    "syntax": (
        lambda f: code(f, "helper.py", "def f(:\n"),
        "error syntax: app: custom/helper.py\n  helper is not Python (line 1): invalid syntax\n  correct it",
    ),
    "name-shadowed by Python": (
        lambda f: code(f, "random.py", "x = 1\n"),
        "error name-shadowed: app: custom/random.py\n"
        "  Python's own module 'random' hides it: custom/ is searched last\n"
        "  rename it",
    ),
    "name-shadowed by a package": (
        lambda f: code(f, "yaml.py", "x = 1\n"),
        "warning name-shadowed: app: custom/yaml.py\n"
        "  an installed package of the same name 'yaml' hides it: custom/ is searched last\n"
        "  rename it",
    ),
    "package-copied": (
        lambda f: [code(f, "yaml/__init__.py", ""), code(f, "yaml/loader.py", "")],
        "warning package-copied: app: custom/yaml\n"
        "  the installed package 'yaml' is in custom/ (2 files)\n"
        "  install it at the sites: job.set_app_packages, or name it in the sites' requirements",
    ),
    "pickle": (
        lambda f: code(f, "weights.pkl", ""),
        "warning pickle: app: custom/weights.pkl\n"
        "  a pickle runs code when it is loaded\n"
        "  send weights as .npy, .npz or .safetensors",
    ),
    "bytecode": (
        lambda f: code(f, "__pycache__/x.cpython-311.pyc", ""),
        "warning bytecode: app: custom/__pycache__/x.cpython-311.pyc\n"
        "  compiled code fits one Python only\n"
        "  leave it out",
    ),
    "path-absolute": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], where="/home/ada/data/train.csv")),
        "warning path-absolute: app: client.executors[x].args.where\n"
        "  /home/ada/data/train.csv exists on the author's machine; a site will not have it\n"
        "  use a path relative to custom/, or hand it to the script as an argument of the site",
    ),
    "secret by its name": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], api_key="swordfish")),
        "error secret: app: client.executors[x].args.api_key\n"
        "  the value of 'api_key' stands here in the clear\n"
        "  take it out, revoke it, and read it at the site",
    ),
    "secret among a script's arguments": (
        lambda f: change(
            f, "client", lambda d: executor(d, ["x"], task_script_args="--n 2 --hf-access-token=swordfish")
        ),
        "error secret: app: client.executors[x].args.task_script_args\n"
        "  the value of 'hf-access-token' stands here in the clear\n"
        "  take it out, revoke it, and read it at the site",
    ),
    "secret among a command's words": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], command=["a", "--api-key", "swordfish"])),
        "error secret: app: client.executors[x].args.command[2]\n"
        "  the value of 'api-key' stands here in the clear\n"
        "  take it out, revoke it, and read it at the site",
    ),
    "reference that is none": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], task_script_args="--k ${secret:A B}")),
        "error secret-ref: app: client.executors[x].args.task_script_args\n"
        "  what begins like a reference to a secret is none\n"
        "  write ${secret:NAME} or ${secret:file:PATH}",
    ),
    "reference that stays": (
        lambda f: change(f, "client", lambda d: executor(d, ["x"], nested={"a": ["${secret:KEY}"]})),
        "warning secret-ref: app: client.executors[x].args.nested.a[0]\n"
        "  FLARE hands the reference over as it stands here\n"
        "  let the component call resolve_secret_refs, or put the reference in the script's arguments",
    ),
    "secret in the code": (
        lambda f: code(f, "helper.py", "x = 1\nkey = 'AKIA" + "ABCDEFGHIJKLMNOP'\n"),
        "error secret: app: custom/helper.py:2\n"
        "  an AWS key stands here in the clear\n"
        "  take it out, revoke it, and read it at the site",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_finding(folder, case):
    edit, text = CASES[case]
    edit(folder)
    assert text in found(folder)


def test_a_dialect_that_the_release_does_not_run():
    texts = ["\n".join(f.lines()) for f in check(read(EXPORTED / "2.8" / "hello"), "2.9")]
    assert texts == [
        "error class-gone: app: client.executors[*].path\n"
        f"  FLARE 2.9 has no {ROOT}.app_common.executors.in_process_client_api_executor.InProcessClientAPIExecutor; "
        "it is in 2.5, 2.6, 2.7, 2.8\n"
        "  export the job for 2.9, or target 2.8"
    ]


def test_what_only_a_newer_release_calls_deprecated(folder):
    code(folder, "fl.py", f"from {ROOT}.app_common.abstract.model_learner import ModelLearner\n")
    assert found(folder, "2.8") == []
    assert found(folder, "2.9")[0].startswith("warning deprecated: app: custom/fl.py:1\n")


IN_ORDER = {
    "handled import": lambda f: code(
        f, "a.py", "try:\n    import surely_missing\nexcept ImportError:\n    pass\n"
    ),
    "import for types": lambda f: code(
        f, "a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import surely_missing\n"
    ),
    "import in a function": lambda f: code(f, "a.py", "def f():\n    import surely_missing\n"),
    "relative imports": lambda f: [
        code(f, "pkg/__init__.py", "from .a import x\nfrom . import b\n"),
        code(f, "pkg/a.py", "from . import b\nfrom .sub.c import y\nfrom .. import src\n"),
        code(f, "pkg/b.py", "x = 1\n"),
        code(f, "pkg/sub/c.py", "from ..a import x\n"),
    ],
    "namespace package": lambda f: [code(f, "a.py", "import src\nimport src.train\n")],
    "flare": lambda f: code(f, "a.py", f"import {ROOT}.client as flare\n"),
    "script of its own process": lambda f: [
        code(f, "src/net.py", "x = 1\n"),
        code(f, "src/fl.py", "import net\n"),
        change(
            f,
            "client",
            lambda d: executor(
                d,
                ["x"],
                CLIENT_API,
                execution_mode="external_process",
                command=["python3", "-u", "custom/src/fl.py"],
            ),
        ),
    ],
    "reference to a secret": lambda f: change(f, "client", lambda d: executor(d, ["x"], api_key="{API_KEY}")),
    "reference in a script's arguments": lambda f: change(
        f, "client", lambda d: executor(d, ["x"], task_script_args="--api-key ${secret:KEY} --token-file x")
    ),
    "reference in a command": lambda f: change(
        f,
        "client",
        lambda d: executor(
            d,
            ["x"],
            command=["a", "--api-key", "${secret:file:/run/key}", "--password", "--max-tokens", "1000"],
        ),
    ),
    "quoted reference in a command": lambda f: change(
        f, "client", lambda d: executor(d, ["x"], command="a --auth-token 'Bearer ${secret:KEY}'")
    ),
    "reference at the top": lambda f: change(
        f, "server", lambda d: d.update(url={"api_key": "${secret:KEY}"})
    ),
    "doubtful escape": lambda f: code(f, "a.py", "x = '\\d'\n"),
    "nested dict": lambda f: change(
        f, "client", lambda d: executor(d, ["x"], conf={"path": "a.B", "config_type": "dict"})
    ),
}


@pytest.mark.parametrize("case", IN_ORDER)
def test_what_is_in_order(folder, case):
    IN_ORDER[case](folder)
    assert found(folder) == []


def test_a_reference_is_not_resolved_before_2_9(folder):
    change(folder, "client", lambda d: executor(d, ["x"], task_script_args="${secret:KEY}"))
    assert (
        "error secret-ref: app: client.executors[x].args.task_script_args\n"
        "  FLARE 2.8 does not resolve references to secrets\n"
        "  export the job for 2.9, or read the secret in the code of the site" in found(folder, "2.8")
    )


def test_a_secret_is_never_repeated(folder):
    change(
        folder, "client", lambda d: executor(d, ["x"], password="swordfish", url="https://me:swordfish@x.org")
    )
    texts = found(folder)
    assert len([t for t in texts if "secret" in t]) == 2
    assert "swordfish" not in "".join(texts)


def test_findings_can_be_ignored_and_reweighed(folder, tmp_path):
    code(folder, "random.py", "x = 1\n")
    code(folder, "weights.pkl", "")
    findings = check(read(folder))
    assert [f.code for f in findings] == ["name-shadowed", "pickle"]
    (tmp_path / "pyproject.toml").write_text(
        '[tool.fedjob.check]\nignore = ["other"]\n'
        '[tool.fedjob.check.severity]\nname-shadowed = "warning"\npickle = "error"\n'
    )
    left = read_config(folder).apply(findings)
    assert [(f.code, f.severity) for f in left] == [("pickle", "error"), ("name-shadowed", "warning")]
    (tmp_path / "pyproject.toml").write_text('[tool.fedjob.check]\nignore = ["pickle"]\n')
    assert [f.code for f in read_config(folder).apply(findings)] == ["name-shadowed"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tool.fedjob.check]\nignores = []\n",
            "unknown key 'ignores' (there are ignore and severity) in 'pyproject.toml: tool.fedjob.check'",
        ),
        (
            "[tool.fedjob.check.severity]\npickle = 'fatal'\n",
            "'fatal' is no severity (choose error or warning) in 'pyproject.toml: tool.fedjob.check.severity.pickle'",
        ),
        (
            "[tool",
            "not TOML: Expected ']' at the end of a table declaration (at end of document) in 'pyproject.toml'",
        ),
    ],
)
def test_a_configuration_that_cannot_be(tmp_path, text, message):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(FolderError) as caught:
        read_config(tmp_path)
    assert str(caught.value) == message


def test_nothing_of_the_job_is_executed(folder, tmp_path):
    code(folder, "src/train.py", f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Trainer: pass\n")
    found(folder)
    assert not (tmp_path / "ran").exists()


def test_a_golden_whose_files_are_nowhere_can_be_checked(tmp_path):
    from dataclasses import replace

    job = make_job(tmp_path)
    file = replace(make_file(tmp_path, "custom/a.py"), source=Path("nowhere/a.py"))
    app = replace(job.apps[0], files=(file,))
    assert isinstance(check(replace(job, apps=(app,))), tuple)
