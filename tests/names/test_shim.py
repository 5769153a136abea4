"""Imports of nvflare, answered by us: identity, refusals, and the way back."""

import importlib
import pickle
import subprocess
import sys

import pytest

from fedjob.errors import NameUnknown
from fedjob.flare import described, shim
from fedjob.job.api import FedJob

CONTROLLER = "nvflare.app_opt.xgboost.histogram_based_v2.fed_controller.XGBFedController"


@pytest.fixture(autouse=True)
def off():
    """Without FLARE the plugin has the shim installed for the whole session."""
    if not shim.is_active():
        yield
        return
    before = (list(sys.meta_path), shim._finder.describes, shim._take_out())
    sys.meta_path.remove(shim._finder)
    shim._finder.describes = False
    yield
    sys.meta_path[:], shim._finder.describes, _ = before
    sys.modules.update(before[2])


def flare_modules():
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "nvflare"}


def test_the_objects_are_ours():
    with shim.active():
        import nvflare
        from nvflare.job_config.api import FedJob as theirs

        assert theirs is FedJob is nvflare.FedJob
        assert pickle.loads(pickle.dumps(theirs)) is FedJob


def test_modules_say_that_they_are_ours():
    with shim.active():
        module = importlib.import_module("nvflare.job_config.script_runner")
        assert module.__file__ == module.__spec__.origin == shim.__file__
        assert "ScriptRunner" in dir(module)


def test_sys_modules_is_as_before():
    before = flare_modules()
    with shim.active():
        importlib.import_module("nvflare.job_config.api")
    assert flare_modules() == before
    assert not shim.is_active()


def test_a_failed_block_is_left_as_cleanly():
    before = flare_modules()
    with pytest.raises(NameUnknown), shim.active():
        importlib.import_module("nvflare.nowhere")
    assert flare_modules() == before
    assert not shim.is_active()


def test_blocks_nest():
    module = CONTROLLER.rpartition(".")[0]
    with shim.active():
        outer = flare_modules()
        with shim.active(describe=True):
            assert importlib.import_module(module).XGBFedController is described.find(CONTROLLER)
        with pytest.raises(NameUnknown):
            getattr(importlib.import_module(module), "XGBFedController")  # noqa: B009
        assert set(outer) <= set(flare_modules())
    assert not shim.is_active()


@pytest.mark.parametrize(
    "statement",
    ["import nvflare.nowhere", "from nvflare.job_config.api import Nothing", "from nvflare import nothing"],
)
def test_unknown_names_raise_an_import_error(statement):
    with shim.active(), pytest.raises(ImportError, match="is not part of the embedded FLARE"):
        exec(statement)


def test_the_real_package_is_found_though_the_shim_is_on():
    outside = shim.real_flare()
    with shim.active():
        assert shim.real_flare() is outside


def test_importing_brings_in_nothing_heavy():
    program = (
        "import sys; from fedjob.flare import shim; shim.install(describe=True);"
        "import nvflare; nvflare.FedJob; from nvflare.app_common.workflows.cyclic_ctl import CyclicController;"
        "print(sorted({'torch', 'numpy', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_described_class_keeps_what_flares_keeps():
    made = described.find(CONTROLLER)(
        3, data_split_mode=0, secure_training=False, xgb_params={}, xgb_options={}
    )
    assert (made.num_rounds, made.data_split_mode) == (3, 0)


def test_a_described_class_checks_its_arguments():
    cls = described.find(CONTROLLER)
    with pytest.raises(TypeError) as caught:
        cls(3)
    assert str(caught.value) == "XGBFedController needs the argument 'data_split_mode'"
    with pytest.raises(TypeError, match=r"^XGBFedController takes no argument 'nope'; it takes num_rounds, "):
        cls(nope=1)


def test_a_described_class_is_made_once():
    assert described.find(CONTROLLER) is described.find(CONTROLLER)
    assert described.find("nvflare.nowhere.Nothing") is None
