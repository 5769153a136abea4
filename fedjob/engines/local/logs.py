"""What server and sites log, by FLARE's ``log_config``: a mode, a level, or a file for `logging.config.dictConfig`.

In worker processes only; inline, the test process's own logging (pytest's capture) is left alone.
"""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedjob.engines.local.output import Output
from fedjob.errors import RequestError

_FULL = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
#: FLARE's modes: level and format.
_MODES = {
    "concise": (logging.INFO, "%(asctime)s - %(levelname)s - %(message)s"),
    "full": (logging.INFO, _FULL),
    "msg_only": (logging.INFO, "%(message)s"),
    "verbose": (logging.DEBUG, _FULL),
}
#: Without a wish, only what calls for attention: a line per site and round costs more than the round.
_DEFAULT = (logging.WARNING, _FULL)


def read(log_config: str | None) -> dict[str, Any]:
    """A configuration for `logging.config.dictConfig`. Raises RequestError for what is no log_config."""
    if log_config is None:
        return _console(*_DEFAULT)
    if log_config in _MODES:
        return _console(*_MODES[log_config])
    level = logging.getLevelName(log_config.upper()) if not log_config.isdigit() else int(log_config)
    if isinstance(level, int):
        return _console(level, _FULL)
    try:
        config: dict[str, Any] = json.loads(Path(log_config).read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        modes = ", ".join(_MODES)
        raise RequestError(
            f"log_config={log_config!r} is neither a mode ({modes}) nor a level, and no JSON file either: {e}"
        ) from e
    return config


class _ToOwnLog(logging.StreamHandler):  # type: ignore[type-arg]
    """To the output of the site whose turn it is, where sites share a process; else to the process's."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self._common = sys.stdout

    @property
    def stream(self) -> Any:
        return Output.current or self._common


def apply(config: Mapping[str, Any]) -> None:
    """Configure the logging of this process."""
    logging.config.dictConfig(dict(config))


#: What was applied for all workers forked from this process.
_common: Mapping[str, Any] = {}


def apply_to_all(config: Mapping[str, Any]) -> None:
    """In the process that the workers of one run after another are forked from: what is the same in all of them.

    The rest (`is_console` tells) they do themselves, from the state in which a process starts.
    """
    global _common  # noqa: PLW0603
    wanted = config if is_console(config) else {}
    if wanted == _common:
        return
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    if wanted:
        apply(wanted)
    _common = wanted


def is_console(config: Mapping[str, Any]) -> bool:
    """Whether a configuration means the same in every process: modes and levels do, a user's file may open others."""
    return config == _console(config.get("root", {}).get("level"), _form(config))


def _form(config: Mapping[str, Any]) -> str:
    form: str = config.get("formatters", {}).get("line", {}).get("format", "")
    return form


def _console(level: int, form: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": form}},
        "handlers": {"log": {"()": _ToOwnLog, "formatter": "line"}},
        "root": {"level": level, "handlers": ["log"]},
    }
