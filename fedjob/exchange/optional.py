"""Imports that may fail until what they give is used: ``nvflare.fuel.utils.import_utils``."""

from __future__ import annotations

import operator
from importlib import import_module
from typing import Any, NoReturn

OPS = {"==": operator.eq, ">=": operator.ge, ">": operator.gt, "<": operator.lt, "<=": operator.le}


class LazyImportError(ImportError):
    """What was imported optionally is not there, and is needed now."""


class _Absent:
    """Stands for what is not there: every use of it is a LazyImportError."""

    def __init__(self, message: str, cause: Exception | None) -> None:
        self._message, self._cause = message, cause

    def __getattr__(self, name: str) -> NoReturn:
        raise LazyImportError(self._message) from self._cause

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LazyImportError(self._message) from self._cause


def optional_import(
    module: str,
    op: str = "==",
    version: str = "",
    name: str = "",
    descriptor: str = "{}",
    allow_namespace_pkg: bool = False,
) -> tuple[Any, bool]:
    """The module, or `name` of it, and whether it is there; if not, the first use of what is given raises LazyImportError.

    The major and minor number of the package's version must compare to `version` by `op`. `descriptor` is the error's
    format.
    """
    command = descriptor.format(f"from {module} import {name}" if name else f"import {module}")
    try:
        package = import_module(module.partition(".")[0])
        found: Any = import_module(module)
        if not allow_namespace_pkg:
            _refuse_namespace(found)
        fits = _fits(getattr(package, "__version__", None), op, version)
        found = getattr(found, name) if name else found
    except Exception as e:
        return _Absent(f"{command} ({type(e).__name__}: {e}).", e), False
    if fits:
        return found, True
    return _Absent(
        f"{command}: requires '{module}{op}{version}', here is {package.__version__}.", None
    ), False


def _refuse_namespace(module: Any) -> None:
    if hasattr(module, "__path__") and getattr(module, "__file__", None) is None:
        raise LazyImportError(f"{module.__name__} is a namespace package")


def _fits(have: str | None, op: str, version: str) -> bool:
    if op not in OPS:
        raise ValueError(f"invalid op {op}, must be one of {list(OPS)}")
    if not version or have is None:
        return True
    numbers = tuple(map(int, have.split(".")[:2]))
    return bool(OPS[op](numbers, tuple(map(int, version.split(".")))))
