"""Read back, from an object, the class path and arguments that rebuild it: FLARE's rule.

A constructor's parameter is read from the instance's attribute of the same name, or of the name with an
underscore, and written when it is not the default. Unlike FLARE we report a parameter that cannot be read.
The object may come from our classes, the user's or real FLARE's; the release decides the parameters
and defaults of FLARE's classes.
"""

from __future__ import annotations

import builtins
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from fedjob.errors import ArgumentNotSerializable, NameUnknown, ReleaseError
from fedjob.flare import names, signatures
from fedjob.flare.releases import NEWEST, R27, R28, RELEASES, Release
from fedjob.flare.signatures import MISSING, Parameter, Parameters
from fedjob.folder.model import Component
from fedjob.job import sources
from fedjob.job.findings import Finding
from fedjob.job.plan import Spelled

_BUILTIN_NAMES = frozenset(dir(builtins))
_SKIPPED = {"self", "args", "kwargs"}
#: Types whose values JSON gives back as they are.
_JSON_ATOMS = frozenset({str, int, float, bool, type(None)})


def read_back(obj: Any, name: str) -> Any:
    """What `obj` was given as `name`, by FLARE's rule; MISSING when it keeps it in no attribute."""
    kept = obj.args if isinstance(obj, Spelled) else getattr(obj, "__dict__", {})
    return kept.get(name, kept.get(f"_{name}", MISSING))


def init_parameters(cls: type, release: Release = NEWEST) -> Parameters:
    """The constructor's parameters, by name. Classes of FLARE's have those of `release`.

    A class with both ``args`` and ``kwargs`` among its parameters has those of its bases as well; where
    both name one, the base's default holds, as in FLARE.
    """
    path = names.path_of(cls, release) or names.flare_name(cls)
    if path and (known := signatures.of(path, release)) is not None:
        return known
    return _inspected(cls, release)


def _inspected(cls: type, release: Release) -> Parameters:
    own = _own_parameters(cls)
    found = {name: _parameter(p) for name, p in own.items()}
    if "args" in own and "kwargs" in own:
        for base in cls.__bases__:
            found.update(init_parameters(base, release))
    return {name: p for name, p in found.items() if name not in _SKIPPED}


_inits: WeakKeyDictionary[Callable[..., None], Mapping[str, inspect.Parameter]] = WeakKeyDictionary()


def _own_parameters(cls: type) -> Mapping[str, inspect.Parameter]:
    """Those of the class's own constructor, as FLARE asks for them; read once, for that takes 0.1 ms."""
    init = cls.__init__  # type: ignore[misc]
    if not isinstance(init, FunctionType):
        return _of_builtin(init)
    if init not in _inits:
        _inits[init] = inspect.signature(init).parameters
    return _inits[init]


@lru_cache(maxsize=64)
def _of_builtin(init: Callable[..., None]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(init).parameters


def _parameter(p: inspect.Parameter) -> Parameter:
    default = MISSING if p.default is p.empty else p.default
    return Parameter(name=p.name, default=default, rest=default)


class Capture:
    """Turns the objects of one app into components of its configuration.

    `locate` gives the module path of a user's class and lets its code travel.
    """

    def __init__(self, release: Release, locate: Callable[[type], str]) -> None:
        self.release = release
        self.findings: list[Finding] = []
        self._locate = locate

    def component(self, obj: Any, place: str, id: str | None = None) -> Component:
        """Raises ArgumentNotSerializable, ReleaseError or JobError, naming `place`."""
        return Component(id=id, path=self._path(obj, place), args=self._args(obj, place))

    def _path(self, obj: Any, place: str) -> str:
        cls = type(obj)
        spelled = obj.path if isinstance(obj, Spelled) else None
        path = spelled or names.path_of(cls, self.release) or names.flare_name(cls)
        if path is not None:
            _require_class(path, self.release, place)
            return str(path)
        if cls.__module__.partition(".")[0] == "fedjob":
            raise NameUnknown(
                f"{place}: {cls.__qualname__} is not a component of FLARE and cannot be exported"
            )
        if getattr(obj, "__module__", None) is None:
            raise ArgumentNotSerializable(f"{place} is {_describe(obj)}, which cannot be written as JSON")
        return f"{self._locate(cls)}.{cls.__name__}"

    def _args(self, obj: Any, place: str) -> dict[str, Any]:
        expected, newest = self._parameters(obj, self.release), self._parameters(obj, _home_release(obj))
        self._refuse_later(obj, expected, newest, place)
        self._refuse_former(obj, expected, newest, place)
        if not isinstance(obj, Spelled):
            self._report_hidden(obj, expected, place)
        wanted = getattr(obj, "_always_serialize_args", ()) if self.release >= R28 else ()
        args: dict[str, Any] = {}
        for name, parameter in expected.items():
            value = self._value(obj, parameter, newest.get(name), place)
            always = parameter.always or name in wanted
            if value is MISSING or not (always or _differs(parameter.default, value)):
                continue
            if parameter.default is MISSING and _is_default_object(obj, name, value):
                continue
            if parameter.lost:
                self._lost(place, name, "FLARE keeps it in no attribute")
                continue
            args[name] = self._encode(value, parameter, f"{place}, argument {name!r}")
        return args

    def _parameters(self, obj: Any, release: Release) -> Parameters:
        if isinstance(obj, Spelled):
            return signatures.of(obj.path, release) or {}
        if not hasattr(obj, "__dict__"):
            return {}
        try:
            return init_parameters(type(obj), release)
        except ReleaseError:  # a class that `release` lacks; its path is refused where it matters
            return {}

    def _value(self, obj: Any, parameter: Parameter, newest: Parameter | None, place: str) -> Any:
        """What the attribute would hold in FLARE of this release."""
        value = read_back(obj, parameter.name)
        if isinstance(obj, Spelled):
            left_alone = value is MISSING or not _differs(parameter.default, value)
            return parameter.rest if left_alone else value
        if value is MISSING:
            if not parameter.lost:
                self._lost(place, parameter.name, "the object has no attribute of that name")
            return MISSING
        # What the user left alone is, in each release, what that release makes of it.
        if newest is not None and not (_differs(newest.rest, value) and _differs(newest.default, value)):
            return parameter.rest if parameter.rest is not MISSING else value
        return value

    def _encode(self, value: Any, parameter: Parameter, place: str) -> Any:
        if value is None and self.release < R27 and parameter.default is not MISSING:
            raise ReleaseError(
                f"{place} is None, which FLARE {self.release} cannot export where the default is "
                f"{parameter.default!r}; it can since 2.7"
            )
        if value is None or type(value).__name__ in _BUILTIN_NAMES:
            return as_json(value, place)
        if isinstance(value, Enum):
            return as_json(value.value, place)
        if inspect.isroutine(value) or inspect.ismodule(value) or _is_sourceless(value):
            raise ArgumentNotSerializable(f"{place} is {_describe(value)}, which cannot be written as JSON")
        self._report_opaque(value, place)
        return self.component(value, place).to_dict()

    def _refuse_later(self, obj: Any, expected: Parameters, newest: Parameters, place: str) -> None:
        """Raise ReleaseError for an argument that only later releases take."""
        for name, parameter in newest.items() if expected else ():
            if name in expected or (value := read_back(obj, name)) is MISSING:
                continue
            if _differs(parameter.rest, value) and _differs(parameter.default, value):
                since = next(r for r in RELEASES if r > self.release and name in self._parameters(obj, r))
                raise ReleaseError(
                    f"{place}: FLARE {self.release} has no argument {name!r} (here {value!r}); it came with {since}"
                )

    def _refuse_former(self, obj: Any, expected: Parameters, newest: Parameters, place: str) -> None:
        """Raise ReleaseError for an argument that only earlier releases take."""
        if not expected or isinstance(obj, Spelled):
            return
        for release in reversed([r for r in RELEASES if r < self.release]):
            for name, parameter in self._parameters(obj, release).items():
                if name in expected or name in newest or parameter.lost:
                    continue
                if (value := read_back(obj, name)) is MISSING:
                    continue
                if _differs(parameter.rest, value) and _differs(parameter.default, value):
                    raise ReleaseError(
                        f"{place}: FLARE {self.release} has no argument {name!r} (here {value!r}); {release} had it"
                    )

    def _report_hidden(self, obj: Any, expected: Parameters, place: str) -> None:
        """Base-class parameters that FLARE's rule does not reach, where they are not the default."""
        for name, parameter in _hidden(type(obj), self.release):
            value = read_back(obj, name)
            if name not in expected and value is not MISSING and _differs(parameter.rest, value):
                self._lost(place, name, "a base class has it, but the constructor takes only **kwargs")

    def _report_opaque(self, value: Any, place: str) -> None:
        module = type(value).__module__.partition(".")[0]
        if module in {"pathlib", "re", "datetime", "decimal"}:
            self.findings.append(
                Finding(
                    code="ArgumentOpaque",
                    place=place,
                    message=f"{_describe(value)} is exported as a class without its content; use a string",
                )
            )

    def _lost(self, place: str, name: str, reason: str) -> None:
        self.findings.append(
            Finding(code="ArgumentLost", place=place, message=f"{name!r} is not exported: {reason}")
        )


def _is_default_object(obj: Any, name: str, value: Any) -> bool:
    """Whether `value` is the very object that the constructor has as a default, which no file can tell."""
    own = None if isinstance(obj, Spelled) else _own_parameters(type(obj)).get(name)
    return own is not None and own.default is value


def _home_release(obj: Any) -> Release:
    """The release whose defaults an object was made with: the newest that has its class."""
    if isinstance(obj, Spelled):
        return signatures.newest(obj.path)
    path = next((name for cls in type(obj).__mro__ if (name := names.flare_name(cls))), "")
    return signatures.newest(path)


def _require_class(path: str, release: Release, place: str) -> None:
    states = signatures.releases_of(path)
    if states and signatures.of(path, release) is None:
        gone = next((s.removeprefix("-") for s in states if s.startswith("-")), None)
        span = f"before {gone}" if gone and release >= Release.of(gone) else f"since {states[0]}"
        raise ReleaseError(f"{place}: FLARE {release} has no {path}; it is there {span}")


def _hidden(cls: type, release: Release) -> Iterator[tuple[str, Parameter]]:
    if all(p.kind is not p.VAR_KEYWORD for p in _own_parameters(cls).values()):
        return
    for base in cls.__mro__[1:]:
        if base is not object:
            try:
                yield from init_parameters(base, release).items()
            except ReleaseError:
                continue


def _differs(default: Any, value: Any) -> bool:
    """FLARE's comparison: None by identity, what compares strangely differs; JSON's list equals a tuple."""
    if default is None or value is None:
        return default is not value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(default, Enum):
        default = default.value
    try:
        result = default != value
        if result and isinstance(value, tuple) and isinstance(default, list):
            result = default != json.loads(json.dumps(value))
    except Exception:
        return True
    return result if isinstance(result, bool) else True


def as_json(value: Any, place: str) -> Any:
    if type(value) in _JSON_ATOMS:
        return value
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise ArgumentNotSerializable(
            f"{place} is {_describe(value)}, which cannot be written as JSON: {error}"
        ) from error


def _is_sourceless(value: Any) -> bool:
    cls = type(value)
    return not (isinstance(value, Spelled) or names.is_flare(cls.__module__)) and sources.find(cls) is None


def _describe(value: Any) -> str:
    text = repr(value)
    return f"{text[:60]}{'...' if len(text) > 60 else ''} (a {type(value).__name__})"
