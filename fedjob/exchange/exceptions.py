"""Exceptions that components raise to tell the runtime something: ``nvflare.apis.fl_exception``."""

from __future__ import annotations

from typing import Any


class FLCommunicationError(Exception):
    """The other side could not be reached."""

    def __init__(self, message: str, exception: Any = None) -> None:
        super().__init__()
        if exception:
            vars(self).update(vars(exception))
        self.message = message

    def __str__(self) -> str:
        return self.message


class UnsafeJobError(Exception):
    """The job must not run here."""


class UnsafeComponentError(Exception):
    """A component of the configuration must not run here."""


class NotAuthenticated(Exception):
    """A client could not prove who it is."""


class NotAuthorized(Exception):
    """The job is not allowed here."""


class TaskExecutionError(Exception):
    """A task could not be carried out."""


class NotReadyToEndRun(Exception):
    """A component still has work to do and asks for the end of the run to wait."""
