"""What an export leaves out or cannot vouch for, in the words of the checks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fedjob.flare.releases import Release
from fedjob.folder.checks.finding import Finding
from fedjob.folder.model import JobModel
from fedjob.job.api import own_job
from fedjob.job.findings import Finding as LeftOut
from fedjob.job.freeze import freeze
from fedjob.job.given import to_model

_REMEDIES = {
    "ArgumentLost": "keep the argument in an attribute of the same name, or of that name with '_' before it",
    "ArgumentOpaque": "hand over plain data (text, numbers, lists) that the class turns into what it needs",
    "CodeNotCopied": "install the package at the sites",
    "FileMissing": "make sure that the file is at the site, or let it travel with the job",
    "KeywordsIgnored": "leave the keywords out, or give the object an add_to_fed_job method that takes them",
    "ObjectsDropped": "send everything to all clients, or everything to single sites",
    "TasksExploded": "give the tasks as a list: tasks=['train']",
}
#: These lose nothing by themselves.
_WARNINGS = {"CodeNotCopied", "FileMissing", "KeywordsIgnored"}


def export_findings(job: Any, release: Release) -> tuple[Finding, ...]:
    """Findings that only the described job shows; none for folders and for real FLARE's jobs."""
    own = own_job(job)
    return () if own is None else as_findings(own.findings(release))


def described(job: Any, release: Release | str | None, scratch: Path) -> tuple[JobModel, tuple[Finding, ...]]:
    """The job as data (see `to_model`) and its `export_findings`, for the price of one."""
    if (own := own_job(job)) is None:
        return to_model(job, release, scratch), ()
    frozen = freeze(own, release)
    return frozen.model, as_findings(frozen.findings)


def as_findings(left_out: Iterable[LeftOut]) -> tuple[Finding, ...]:
    """What an export leaves out, in the words of the checks."""
    return tuple(
        Finding(
            code=_kebab(found.code),
            severity="warning" if found.code in _WARNINGS else "error",
            place=found.place,
            reason=found.message,
            remedy=_REMEDIES[found.code],
        )
        for found in left_out
    )


def _kebab(code: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", code).lower()
