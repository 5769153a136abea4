"""What a workflow does about a site's error (FLARE >= 2.7): ignore it, or give up.

``None`` (dynamic) ignores errors while enough good sites are left for `min_responses`; ``True`` always
ignores; ``False`` never does. Used by model controllers and ScatterAndGather.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ErrorPolicy:
    """The errors of one task, and whether the workflow survives them."""

    ignore: bool | None
    targets: int = 0
    min_responses: int = 0
    failed: set[str] = field(default_factory=set)

    def survives(self, site: str) -> bool:
        """Whether the workflow goes on after `site` reported an error."""
        if self.ignore is not None:
            return self.ignore
        self.failed.add(site)
        return self.left >= self.min_responses

    @property
    def left(self) -> int:
        return self.targets - len(self.failed)

    def sentence(self, site: str, rc: str, round_number: int | None, controller: str) -> str:
        """What to log or to panic with, after `survives` was asked."""
        bad = f"result from {site} in round {round_number} is bad ({rc})"
        if self.ignore is True:
            return f"{bad}; ignored"
        if self.ignore is False:
            return f"{bad}; {controller} gives up"
        if self.left >= self.min_responses:
            return f"{bad}; ignored, {self.left} good sites are left and {self.min_responses} are needed"
        return f"{bad}; {self.left} good sites are left but {self.min_responses} are needed: {controller} gives up"
