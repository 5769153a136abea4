"""Describe a federated job in Python, freeze it for a release of FLARE, export it, run it."""

from fedjob.job.api import FedJob
from fedjob.job.defs import FilterType, FrameworkType
from fedjob.job.findings import Finding
from fedjob.job.models import PTModel, TFModel
from fedjob.job.script import load_script
from fedjob.job.script_runner import ScriptRunner

__all__ = [
    "FedJob",
    "FilterType",
    "Finding",
    "FrameworkType",
    "PTModel",
    "ScriptRunner",
    "TFModel",
    "load_script",
]
