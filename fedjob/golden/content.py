"""What a golden may hold: a job or a result. Both know their text, their differences and their update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol

from fedjob.errors import GoldenError
from fedjob.folder.change import Change, Words
from fedjob.folder.checks import leaks
from fedjob.folder.diff import diff
from fedjob.folder.model import JobModel
from fedjob.golden import config, metrics
from fedjob.golden.config import Header, read_model, read_text, write_text
from fedjob.golden.match import Match, relevant
from fedjob.golden.metrics import Tolerance
from fedjob.golden.normalise import Normaliser, normalise
from fedjob.result import RunResult


class Content(Protocol):
    """What was obtained, ready to be compared with a golden's text."""

    #: FLARE release of the export; None when the content does not depend on one.
    release: str | None

    @property
    def text(self) -> str:
        """The whole golden file that would hold this content."""
        ...

    def equals(self, golden: str) -> bool:
        """True when the golden's text says at once that nothing differs."""
        ...

    def refuse(self) -> None:
        """Raise `GoldenError` if this must not stand in a file that is committed."""
        ...

    def differences(self, golden: str, place: str) -> tuple[Change, ...]:
        """What differs from the golden whose text is `golden`; raises `GoldenError` if it cannot be read."""
        ...

    def updated(self, golden: str, place: str) -> str:
        """The golden's new text when the obtained content is accepted."""
        ...


class JobContent:
    """The folder of a job, normalised."""

    kind: Literal["job"] = "job"

    def __init__(
        self,
        model: JobModel,
        *,
        release: str | None = None,
        normalisers: Sequence[Normaliser] = (),
        match: Match = "exact",
        ignore: Sequence[str] = (),
        bodies: Sequence[str] = (),
    ) -> None:
        self.release = release
        self._model = model
        self._normalisers = normalisers
        self._match: Match = match
        self._ignore = ignore
        self._bodies = (bodies,) if isinstance(bodies, str) else bodies
        # A wrong word is an error even while nothing differs.
        relevant((), match, ignore)

    @cached_property
    def text(self) -> str:
        # Normalising walks the whole tree; most jobs hold nothing to normalise.
        text = write_text(self._raw, Header(kind="job", release=self.release))
        if not any(n.occurs(text) for n in self._normalisers):
            return text
        tree, used = self._normalised
        return write_text(tree, Header(kind="job", release=self.release, normalised=used))

    def equals(self, golden: str) -> bool:
        return golden == self.text

    def refuse(self) -> None:
        secret = next((f for f in leaks.check(self._model) if f.code == "secret"), None)
        if secret is not None:
            raise GoldenError(f"a golden is committed, but {secret.reason} ({secret.place}); {secret.remedy}")

    def differences(self, golden: str, place: str) -> tuple[Change, ...]:
        _, tree = read_text(golden, place, "job")
        expected = read_model(tree, place)
        obtained = config.from_tree(self._normalised[0])
        changes = (*diff(expected, obtained), *_bodies_asked_for(expected, obtained))
        return relevant(changes, self._match, self._ignore)

    def updated(self, golden: str, place: str) -> str:
        return self.text

    @cached_property
    def _raw(self) -> dict[str, Any]:
        return config.to_tree(self._model, self._bodies)

    @cached_property
    def _normalised(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        return normalise(self._raw, self._normalisers)


def _bodies_asked_for(expected: JobModel, obtained: JobModel) -> Iterator[Change]:
    """Texts that the test wants in its golden, and that an equal file has not there yet."""
    known = {(app.name, file.path): file for app in expected.apps for file in app.files}
    for app in obtained.apps:
        for file in app.files:
            before = known.get((app.name, file.path))
            if file.text is not None and before == file and before.text is None:
                words = Words(f"{file.size} bytes of text, which the golden does not hold yet")
                yield Change(kind="added", place=f"{app.name}: {file.path}.text", obtained=words)


class ResultContent:
    """The metrics of a run, compared with tolerance."""

    kind: Literal["result"] = "result"
    release: str | None = None

    def __init__(
        self, result: RunResult, *, rtol: Tolerance = 0.0, atol: Tolerance = 0.0, equal_nan: bool = False
    ) -> None:
        self._tree = metrics.to_tree(result)
        self._rtol, self._atol, self._equal_nan = rtol, atol, equal_nan

    @cached_property
    def text(self) -> str:
        return write_text(self._tree, Header(kind="result"))

    def equals(self, golden: str) -> bool:
        # Equal texts may still hold a NaN, which equals nothing.
        return golden == self.text and (self._equal_nan or ".nan" not in self.text)

    def refuse(self) -> None:
        if not self._tree["rounds"]:
            raise GoldenError("a golden of a run without a round would pin nothing; run at least one")

    def differences(self, golden: str, place: str) -> tuple[Change, ...]:
        return metrics.compare(
            self._read(golden, place), self._tree, rtol=self._rtol, atol=self._atol, equal_nan=self._equal_nan
        )

    def updated(self, golden: str, place: str) -> str:
        expected = self._read(golden, place)
        tree = metrics.keep_close(expected, self._tree, rtol=self._rtol, atol=self._atol)
        return write_text(tree, Header(kind="result"))

    def _read(self, golden: str, place: str) -> Mapping[str, Any]:
        _, tree = read_text(golden, place, "result")
        metrics.check(tree, place)
        return tree
