"""A package that answers more of FLARE's names, through its entry point, from description to run."""

import json
import os
import subprocess
import sys

import pytest

from fedjob.folder.read import read

PLUGIN = """
from fedjob.plugins import hookimpl

import nvflare.apis.executor  # what a plugin imports while it is loaded is the table's


@hookimpl
def fedjob_names():
    return {
        "nvflare.app_opt.acme.executor.AcmeExecutor": "acme_flare.parts:AcmeExecutor",
        "nvflare.apis.dxo.DXO": "acme_flare.parts:NeverAsked",
    }
"""

PARTS = """
from nvflare.apis.dxo import DXO, DataKind
from nvflare.apis.executor import Executor


class AcmeExecutor(Executor):
    def __init__(self, step=1.0):
        super().__init__()
        self.step = step

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        from nvflare.apis.dxo import from_shareable

        received = from_shareable(shareable)
        return DXO(DataKind.WEIGHTS, {k: v + self.step for k, v in received.data.items()}).to_shareable()
"""

JOB = """
from nvflare.app_common.np.np_model_persistor import NPModelPersistor
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.app_opt.acme.executor import AcmeExecutor
from nvflare.job_config.api import FedJob

job = FedJob(name="acme")
job.to_server(FedAvg(num_clients=2, num_rounds=2))
job.to_server(NPModelPersistor(), id="persistor")
job.to_clients(AcmeExecutor(step=2.0), tasks=["train"])
job.export_job("out")
"""


@pytest.fixture
def python(tmp_path):
    """Runs Python where the plugin is installed, as pip would have put it into site-packages."""
    site = tmp_path / "lib" / "site-packages"
    package, info = site / "acme_flare", site / "acme_flare-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN)
    (package / "parts.py").write_text(PARTS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-flare\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fedjob]\nacme = acme_flare.plugin\n")
    # Not below the project: what only lies where a run was started is no site's.
    project = tmp_path / "project"
    project.mkdir()
    (project / "job.py").write_text(JOB)

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True
        )

    return run


def test_a_plugins_name_is_described_exported_checked_and_run(python, tmp_path):
    done = python("-m", "fedjob", "export", "job.py", "--release", "2.9", "-o", "out")
    assert (done.returncode, done.stdout) == (0, "out/acme\n"), done.stderr
    entry = read(tmp_path / "project/out/acme").app("app").client.executors[0]
    assert entry.executor.to_dict() == {
        "path": "nvflare.app_opt.acme.executor.AcmeExecutor",
        "args": {"step": 2.0},
    }
    done = python("-m", "fedjob", "check", "out/acme")
    assert (done.returncode, done.stdout) == (0, "out/acme: nothing found\n"), done.stderr
    done = python("-m", "fedjob", "run", "out/acme", "-n", "2", "-w", "ws", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["rounds"]) == 2


@pytest.mark.parametrize("asked", ["fedjob_checks", "fedjob_names"])
def test_it_does_not_matter_for_what_the_plugins_are_loaded_first(python, tmp_path, asked):
    plugin = tmp_path / "lib/site-packages/acme_flare/plugin.py"
    # Of a module that no name is of, the plugins are asked, and just then they are being loaded.
    plugin.write_text(
        PLUGIN.replace(
            "import nvflare.apis.executor", "try: import nvflare.no_such_module\nexcept ImportError: pass"
        )
    )
    code = (
        "from fedjob.flare import names, shim; shim.install(); from fedjob.hooks import manager\n"
        f"manager().hook.{asked}" + ("()" if asked == "fedjob_names" else "(model=None, release=None)") + "\n"
        "from nvflare.app_opt.acme.executor import AcmeExecutor; print(AcmeExecutor.__name__)"
    )
    done = python("-c", code)
    assert done.stdout == "AcmeExecutor\n", done.stderr


def test_our_own_names_stay_ours(python):
    code = "from fedjob.flare import names; print(names.load('nvflare.apis.dxo.DXO').__module__)"
    assert python("-c", code).stdout == "fedjob.exchange.dxo\n"


def test_without_the_plugin_the_name_is_unknown():
    from fedjob.errors import NameUnknown
    from fedjob.flare import names

    with pytest.raises(NameUnknown):
        names.load("nvflare.app_opt.acme.executor.AcmeExecutor")


def test_an_entry_that_cannot_be(python, tmp_path):
    plugin = tmp_path / "lib/site-packages/acme_flare/plugin.py"
    plugin.write_text(PLUGIN.replace('"acme_flare.parts:AcmeExecutor"', '"acme_flare.parts"'))
    done = python("-m", "fedjob", "check", "job.py", "--release", "2.9")
    assert done.returncode == 2
    assert done.stderr == (
        "fedjob: a plugin answers 'nvflare.app_opt.acme.executor.AcmeExecutor' with 'acme_flare.parts'; "
        "write a dotted path of FLARE and module:attribute\n"
    )
