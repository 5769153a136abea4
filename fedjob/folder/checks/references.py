"""References to secrets: do they stand where FLARE resolves them? Source: ``nvflare.recipe.secrets`` of FLARE 2.9."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedjob.exchange.secrets import has_secret_refs, is_malformed
from fedjob.flare.releases import R29, Release
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.walk import configured
from fedjob.folder.model import JobModel

#: A script's arguments, a process's command, and what an app's configuration has at its top.
_RESOLVED = re.compile(
    r"[^:]+: client\.executors\[.*\]\.args\.(task_script_args|command(\[\d+\])?)|[^:]+: (server|client)(?!.*\.args\b).*"
)


def check(model: JobModel, release: Release) -> Iterator[Finding]:
    for place, text in configured(model):
        malformed = is_malformed(text)
        if not (malformed or has_secret_refs(text)):
            continue
        if release < R29:
            yield error(
                "secret-ref",
                place,
                f"FLARE {release} does not resolve references to secrets",
                "export the job for 2.9, or read the secret in the code of the site",
            )
        elif malformed:
            yield error(
                "secret-ref",
                place,
                "what begins like a reference to a secret is none",
                "write ${secret:NAME} or ${secret:file:PATH}",
            )
        elif not _RESOLVED.fullmatch(place):
            yield warning(
                "secret-ref",
                place,
                "FLARE hands the reference over as it stands here",
                "let the component call resolve_secret_refs, or put the reference in the script's arguments",
            )
