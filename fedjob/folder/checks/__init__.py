"""Checks of a job folder: what will not run, or not as it says, on the target release of FLARE.

Nothing of the job is executed.
"""

from __future__ import annotations

from fedjob.flare.releases import Release
from fedjob.folder.checks import classes, code, deploy, deprecations, leaks, references, scripts, wiring
from fedjob.folder.checks.finding import Finding, Severity
from fedjob.folder.model import JobModel

__all__ = ["Finding", "Severity", "check"]


def check(model: JobModel, release: Release | str | None = None) -> tuple[Finding, ...]:
    """All findings for `release` (the newest by default), errors first, in the order of the folder."""
    target = Release.of(release)
    found = [
        *deploy.check(model, target),
        *wiring.check(model, target),
        *wiring.advise(model),
        *classes.check(model, target),
        *scripts.check(model),
        *code.check(model),
        *deprecations.check(model, target),
        *leaks.check(model),
        *references.check(model, target),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.severity != "error"))
