"""Our component classes take FLARE's arguments and keep what FLARE's keep: the export reads it back."""

import contextlib
import inspect
import itertools
import json
from enum import Enum

import pytest

from fedjob.flare import names, signatures
from fedjob.flare.signatures import MISSING
from fedjob.job.capture import read_back

COMPONENTS = {
    name.path: name
    for name in names.names()
    if name.path in set(signatures.paths()) and not name.target.endswith(":*")
}
#: Classes whose checks let only certain words through, or that draw what they are not given.
ARGUMENTS = {
    "ClientAPIExecutor": {"execution_mode": "in_process", "task_script_path": "train.py"},
    "DecomposerRegister": {"classes": []},
    "GlobalModelEval": {"model_locator_id": "locator"},
    "ConvertWeights": {"direction": "weights_to_diff"},
    "ConsensusExecutor": {"initial_value": 0.5},
}
GUESSES = (object(), 1, "x", ["x"], {"x": {}}, None)


def expected(path):
    """The parameters in the newest release in which the name is answered by our class."""
    return signatures.of(path, min(signatures.newest(path), max(COMPONENTS[path].releases)))


def merged(cls):
    own = inspect.signature(cls.__init__).parameters
    found = {n: p.default for n, p in own.items() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}
    if "args" in own and "kwargs" in own:
        for base in cls.__bases__:
            found.update(merged(base))
    return {n: d for n, d in found.items() if n not in {"self", "args", "kwargs"}}


def make(cls, required):
    if cls.__name__ in ARGUMENTS:
        return cls(**ARGUMENTS[cls.__name__])
    for values in itertools.product(GUESSES, repeat=min(len(required), 4)):
        with contextlib.suppress(Exception):
            return cls(**dict(zip(required, values, strict=False)))
    return None


def plain(value):
    return json.loads(json.dumps(value.value if isinstance(value, Enum) else value))


@pytest.mark.parametrize("path", COMPONENTS)
def test_the_arguments_are_flares(path):
    cls = COMPONENTS[path].load()
    ours = merged(cls)
    assert list(ours) == list(expected(path))
    for name, parameter in expected(path).items():
        if parameter.default is MISSING:
            continue  # required, or a default that is an object
        assert plain(ours[name]) == parameter.default, name


@pytest.mark.parametrize("path", COMPONENTS)
def test_what_is_kept_is_what_flare_keeps(path):
    cls, parameters = COMPONENTS[path].load(), expected(path)
    made = make(cls, [n for n, p in parameters.items() if p.default is MISSING])
    if inspect.isabstract(cls):
        return
    assert made is not None, f"{cls} takes none of the guesses"
    for name, parameter in parameters.items():
        value = read_back(made, name)
        if parameter.lost or parameter.default is MISSING or name in ARGUMENTS.get(cls.__name__, ()):
            continue
        assert value is not MISSING, f"{name} is kept in no attribute"
        assert plain(value) in (parameter.rest, parameter.default), name
