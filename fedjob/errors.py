"""Every error of the product, in one tree.

FedJobError
├── JobError (ValueError)             a job is described wrongly: name, target, kwargs, filter type
│   ├── JobTypeError (TypeError)      an object of the wrong type was handed over
│   ├── ArgumentNotSerializable       an argument that is not JSON
│   ├── ResourceError (RuntimeError)  a script, directory or file that cannot travel
│   └── ReleaseError                  a name or release of FLARE that is not there
├── FolderError (ValueError)          a folder that is not a job, or a configuration that is not valid
│   └── ForeignFolder (RuntimeError)  something that is not this job's own export is in the way
├── NameUnknown (ImportError)         an nvflare name that our table does not answer
├── ExchangeError (RuntimeError)      a model, context or workspace cannot do what it was asked to
│   └── ClientAPIError                the Client API is used out of its order, or the job is aborted
├── RequestError (ValueError)         a run was asked for wrongly: sites, isolation, threads, engine
├── RunError                          a run could not be carried out or did not succeed
│   ├── RunFailed                     the run ended and its result is not ok (carries `result`)
│   ├── Stalled                       every party of a run waits, and nothing is left that could wake one
│   └── ResultError                   a result lacks what was asked of it: metric, round, site
└── GoldenError                       a golden cannot be read, written or accepted

Errors that FLARE raises as ValueError, TypeError or RuntimeError are ours *and* that
built-in, so a user's ``except`` clause keeps working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedjob.result import RunResult


class FedJobError(Exception):
    """Base of every error that fedjob and pytest-fedjob raise on purpose."""


class JobError(FedJobError, ValueError):
    """A job is described wrongly."""


class JobTypeError(JobError, TypeError):
    """An object of the wrong type was handed to a job."""


class ArgumentNotSerializable(JobError, TypeError):
    """An argument of a component cannot be written as JSON."""


class ResourceError(JobError, RuntimeError):
    """A script, directory or file cannot travel with the job."""


class ReleaseError(JobError):
    """A FLARE release is unknown, or lacks a name that the job uses."""


class FolderError(FedJobError, ValueError):
    """A folder is not a job, or its configuration is not valid.

    `place` names the exact spot, e.g. ``app/config/config_fed_server.json: workflows[0].path``.
    """

    def __init__(self, message: str, *, place: str = "") -> None:
        self.message = message
        self.place = place
        super().__init__(f"{message} in {place!r}" if place else message)


class ForeignFolder(FolderError, RuntimeError):
    """A directory that is not this job's own export is in the way; it is left untouched."""


class NameUnknown(FedJobError, ImportError):
    """An ``nvflare`` name that the embedded implementation does not have."""


class ExchangeError(FedJobError, RuntimeError):
    """A model, context or workspace cannot do what it was asked to."""


class ClientAPIError(ExchangeError):
    """A script uses the Client API out of its order, or its job has been aborted."""


class RequestError(FedJobError, ValueError):
    """A run was asked for with arguments that contradict each other or the job."""


class RunError(FedJobError):
    """A run could not be carried out, or did not succeed."""


class RunFailed(RunError):
    """A run ended and its result is not ok; `result` holds what is known of it."""

    def __init__(self, message: str, *, result: RunResult | None = None) -> None:
        self.result = result
        super().__init__(message)


class Stalled(RunError):
    """Every party of a run waits, and nothing is left that could wake one."""


class ResultError(RunError, LookupError):
    """A result does not hold what was asked of it: a metric, a round, a site."""


class GoldenError(FedJobError):
    """A golden cannot be read, written or accepted."""
