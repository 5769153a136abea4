"""Loggers and texts of exceptions: ``nvflare.fuel.utils.log_utils`` and ``nvflare.security.logging``."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import traceback
from itertools import groupby
from pathlib import Path
from typing import Any

#: Set to "1" or "true" in the environment it keeps messages and code lines, which may hold data, out of the logs.
SECURE_LOGGING_VAR_NAME = "NVFLARE_SECURE_LOGGING"


def get_obj_logger(obj: Any) -> logging.Logger | None:
    """The logger named after the object's class, or after `obj` if it is a class; None for a false object."""
    if isinstance(obj, type):
        return logging.getLogger(f"{obj.__module__}.{obj.__name__}")
    return logging.getLogger(f"{obj.__module__}.{type(obj).__qualname__}") if obj else None


def get_module_logger(module: str | None = None, name: str | None = None) -> logging.Logger:
    """The logger named after a module, by default the caller's, with `name` behind."""
    if module is None:
        module = _caller().get("__name__", "")
    return logging.getLogger(f"{module}.{name}" if name else module)


def get_script_logger() -> logging.Logger:
    """The logger named after the calling script's package, else "custom", and file."""
    script = _caller()
    file = script.get("__file__", "")
    return logging.getLogger(
        f"{script.get('__package__') or 'custom'}{f'.{Path(file).stem}' if file else ''}"
    )


def custom_logger(logger: logging.Logger) -> logging.Logger:
    """The logger of the same name below "custom"."""
    return logging.getLogger(f"custom.{logger.name}")


def _caller() -> dict[str, Any]:
    """The globals of the module that called into this one."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    return frame.f_globals if frame is not None else {}


def is_secure() -> bool:
    return os.environ.get(SECURE_LOGGING_VAR_NAME, "").lower() in {"1", "true"}


def secure_format_exception(e: BaseException) -> str:
    """Type and message of an exception; in secure mode the type alone."""
    return str(type(e)) if is_secure() else f"{type(e).__name__}: {e}"


def secure_format_traceback() -> str:
    """The traceback of the exception being handled; in secure mode without code lines and message."""
    if not is_secure():
        return traceback.format_exc()
    kind, _, trace = sys.exc_info()
    places = [
        f'File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in traceback.walk_tb(trace)
    ]
    lines = ["Traceback (most recent call last):"]
    for place, same in groupby(places):
        lines.append(place)
        if (more := len(list(same)) - 1) > 0:
            lines.append(f"[Previous line repeated {more} more times]")
    return "\r\n  ".join(lines) + f"\r\nException Type: {kind}"


def secure_log_traceback(logger: logging.Logger | None = None) -> None:
    """Log the traceback of the exception being handled, as an error; by default with the root logger."""
    (logger or logging.getLogger()).error(secure_format_traceback())
