"""Describe, export and run federated-learning jobs for NVIDIA FLARE.

The names are loaded when they are first used: importing the package costs almost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedjob.components.persistors.np import NPModelPersistor as NPModelPersistor
    from fedjob.components.widgets.intime_model_selector import IntimeModelSelector as IntimeModelSelector
    from fedjob.components.workflows.fedavg import FedAvg as FedAvg
    from fedjob.components.workflows.model_controller import ModelController as ModelController
    from fedjob.engines.request import RunRequest as RunRequest
    from fedjob.errors import FedJobError as FedJobError
    from fedjob.exchange.fl_model import FLModel as FLModel
    from fedjob.exchange.fl_model import ParamsType as ParamsType
    from fedjob.job.api import FedJob as FedJob
    from fedjob.job.base_fed_job import BaseFedJob as BaseFedJob
    from fedjob.job.ccwf_job import CCWFJob as CCWFJob
    from fedjob.job.defs import FilterType as FilterType
    from fedjob.job.defs import FrameworkType as FrameworkType
    from fedjob.job.flower_job import FlowerJob as FlowerJob
    from fedjob.job.models import PTModel as PTModel
    from fedjob.job.models import TFModel as TFModel
    from fedjob.job.script import load_script as load_script
    from fedjob.job.script_runner import ScriptRunner as ScriptRunner
    from fedjob.result.model import RunResult as RunResult

__version__ = "0.1.0"

_HOMES = {
    "BaseFedJob": "job.base_fed_job",
    "CCWFJob": "job.ccwf_job",
    "FLModel": "exchange.fl_model",
    "FedAvg": "components.workflows.fedavg",
    "FedJob": "job.api",
    "FedJobError": "errors",
    "FilterType": "job.defs",
    "FlowerJob": "job.flower_job",
    "FrameworkType": "job.defs",
    "IntimeModelSelector": "components.widgets.intime_model_selector",
    "ModelController": "components.workflows.model_controller",
    "NPModelPersistor": "components.persistors.np",
    "PTModel": "job.models",
    "ParamsType": "exchange.fl_model",
    "RunRequest": "engines.request",
    "RunResult": "result.model",
    "ScriptRunner": "job.script_runner",
    "TFModel": "job.models",
    "load_script": "job.script",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - sorted() of the names is a list of them


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fedjob' has no attribute {name!r}")
    return getattr(import_module(f"fedjob.{home}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
