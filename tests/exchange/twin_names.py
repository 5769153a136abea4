"""What the table's exchange and Client API names are: members, values, signatures. Run by twin.py, twice."""

import inspect
import sys
from enum import Enum
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from fedjob.flare import names
from fedjob.flare.releases import NEWEST
from tests.exchange.twin import plain

#: Values that are places in memory or code of our own kind.
OPAQUE = {"nvflare.app_common.utils.math_utils.operator_mapping"}

#: Methods for a provisioned site, which no job calls.
LEFT_OUT = {
    "Workspace": {
        "get_config_files_for_startup",
        "get_study_registry_file_path",
        "get_study_registry_write_path",
    }
}


def signature(function):
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(
        # The names of *args and **kwargs are nobody's business.
        (p.kind.name if "VAR" in p.kind.name else f"{p.kind.name[:3]} {p.name}")
        + ("" if p.default is p.empty else f"={plain(p.default)}")
        for p in parameters
    )


def described(thing):
    if isinstance(thing, type) and issubclass(thing, Enum):
        return plain({name: member.value for name, member in thing.__members__.items()})
    if isinstance(thing, type):
        found = {name: member(thing, name) for name in dir(thing) if not name.startswith("_")}
        for name in LEFT_OUT.get(thing.__name__, ()):
            found.pop(name, None)
        if "__init__" in vars(thing):
            found["__init__"] = signature(thing.__init__)
        return plain({name: value for name, value in found.items() if value is not None})
    return signature(thing) if callable(thing) else plain(thing)


def member(thing, name):
    value = inspect.getattr_static(thing, name)
    value = getattr(value, "__func__", value)
    if isinstance(value, property):
        return "property"
    if callable(value):
        # What a base of Python's has, like dict's methods, is not FLARE's.
        return signature(value) if inspect.isfunction(value) else None
    return plain(value)


def outcomes():
    found = {}
    for name in names.names():
        if not name.target.startswith(("fedjob.exchange", "fedjob.client")) or NEWEST not in name.releases:
            continue
        module, _, attribute = name.path.rpartition(".")
        if name.target.endswith(":*") or name.path in OPAQUE:
            continue
        if ".lightning" in name.path:
            continue  # Half of such a class is Lightning's; twin_lightning.py compares what they do.
        found[name.path] = described(getattr(import_module(module), attribute))
    return found
