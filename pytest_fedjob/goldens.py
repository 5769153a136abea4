"""The life of a golden: missing, equal, differing, written, updated; each has its own sentence."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fedjob.errors import GoldenError
from fedjob.golden.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fedjob.folder.change import Change
    from fedjob.golden.content import Content
    from pytest_fedjob.options import GoldenMode

State = Literal["equal", "written", "updated", "missing", "differs"]

#: What a failing test leaves beside the golden, for ``fedjob golden review``.
PENDING = ".new"
_ODD = re.compile(r"[^A-Za-z0-9._=+-]+")
_LONGEST = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one golden; `lines` say why the test must fail, if it must."""

    state: State
    path: Path
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Settles goldens for one test."""

    mode: GoldenMode
    rootpath: Path
    nodeid: str  #: as pytest takes it on the command line
    claims: Path  #: directory shared by all workers of the session

    def settle(self, path: Path, content: Content) -> Outcome:
        """Compare, and write when the mode says so. Raises `GoldenError` for a golden that cannot be read."""
        try:
            text = self._read(path)
            if text is None:
                return self._missing(path, content)
            if content.equals(text):
                return _equal(path)
            changes = content.differences(text, self._shown(path))
        except GoldenError:
            if self.mode != "update":
                raise
            return self._write(path, content, content.text, "updated")
        if not changes:
            return _equal(path)
        if self.mode == "update":
            return self._write(path, content, content.updated(text, self._shown(path)), "updated")
        return self._differs(path, content.text, changes)

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise GoldenError(
                f"cannot read golden {self._shown(path)}: {error.strerror}; restore or update it"
            ) from error
        except UnicodeDecodeError as error:
            raise GoldenError(
                f"golden {self._shown(path)} is not UTF-8 text (byte {error.start}); restore or update it"
            ) from error

    def _missing(self, path: Path, content: Content) -> Outcome:
        if self.mode != "check":
            return self._write(path, content, content.text, "written")
        lines = [f"golden {self._shown(path)} is missing, and goldens are only checked in this run."]
        lines += self._leave(path, content.text)
        lines.append(f"Write it where you can review it, and commit it: {self._command('new')}")
        return Outcome(state="missing", path=path, lines=tuple(lines))

    def _differs(self, path: Path, text: str, changes: Sequence[Change]) -> Outcome:
        from fedjob.folder.explain import count, explain

        earlier = self._claimed_by(path)
        if earlier and earlier != (_digest(text), self.nodeid):
            raise self._conflict(path, earlier[1])
        heading = f"golden {self._shown(path)} differs in {count(len(changes), 'place')}:"
        command = f"Accept what was obtained: {self._command('update')}"
        lines = explain(changes, heading, command)
        return Outcome(state="differs", path=path, lines=(*lines, *self._leave(path, text)))

    def _write(self, path: Path, content: Content, text: str, state: State) -> Outcome:
        content.refuse()
        self._claim(path, text)
        write_whole(path, text)
        path.with_name(path.name + PENDING).unlink(missing_ok=True)
        return Outcome(state=state, path=path)

    def _leave(self, path: Path, text: str) -> list[str]:
        """Leave the obtained text for a review; a read-only checkout just goes without."""
        pending = path.with_name(path.name + PENDING)
        with contextlib.suppress(OSError):
            write_whole(pending, text)
            return [
                f"The obtained content is in {self._shown(pending)}; see all such files: fedjob golden review"
            ]
        return []

    def _claim(self, path: Path, text: str) -> None:
        """Write down who gives this golden its content; another content in the same session is an error."""
        self.claims.mkdir(parents=True, exist_ok=True)
        claim = self.claims / hashlib.sha256(str(path).encode()).hexdigest()
        mine = (_digest(text), self.nodeid)
        try:
            # Written beside and linked, so that no other worker sees half of it.
            with tempfile.NamedTemporaryFile("w", dir=self.claims, suffix=".part") as part:
                json.dump(mine, part)
                part.flush()
                os.link(part.name, claim)
        except FileExistsError:
            earlier = self._claimed_by(path)
            if earlier and earlier[0] != mine[0]:
                raise self._conflict(path, earlier[1]) from None

    def _claimed_by(self, path: Path) -> tuple[str, str] | None:
        claim = self.claims / hashlib.sha256(str(path).encode()).hexdigest()
        try:
            digest, nodeid = json.loads(claim.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return digest, nodeid

    def _conflict(self, path: Path, nodeid: str) -> GoldenError:
        return GoldenError(
            f"golden {self._shown(path)} got two different contents in this session, from {nodeid} and from "
            f"{self.nodeid}; give each its own name: fedjob.golden(..., name=...)"
        )

    def _command(self, mode: str) -> str:
        return f"pytest {shlex.quote(self.nodeid)} --fedjob-golden={mode}"

    def _shown(self, path: Path) -> str:
        return shown(path, self.rootpath)


def golden_path(
    item: pytest.Function, directory: str, name: str | None, number: int, engine: str | None
) -> Path:
    """Where a test's golden lies: ``<directory>/<test module>/<test>[-<parameters>][-<n>].yaml``.

    `number` counts the nameless goldens of one test, from 1; `engine` is left out of the
    parameters, since a golden does not depend on it. Raises `GoldenError` for a path-bearing name.
    """
    folder = item.path.parent / directory / item.path.stem
    if name is not None:
        if _plain(name) != name:
            raise GoldenError(
                f"golden name {name!r} is not a plain file name; use letters, digits, '.', '_', '-'"
            )
        return folder / f"{name}.yaml"
    scope = f"{item.cls.__name__}." if item.cls else ""
    parameters = parameter_id(item, engine)
    parts = [_plain(f"{scope}{item.originalname}"), *([_plain(parameters)] if parameters else [])]
    return folder / f"{'-'.join([*parts, *([str(number)] if number > 1 else [])])}.yaml"


def plain_nodeid(item: pytest.Item) -> str:
    """The test's id as pytest takes it: xdist appends ``@group`` to grouped tests."""
    return (
        item.nodeid.rpartition("@")[0]
        if item.get_closest_marker("xdist_group") and "@" in item.nodeid
        else item.nodeid
    )


def parameter_id(item: pytest.Function, engine: str | None) -> str:
    """The parameter id of a test without the engine that fedjob added to it."""
    callspec = getattr(item, "callspec", None)
    whole = "" if callspec is None else str(callspec.id)
    if engine is None:
        return whole
    return whole.removesuffix(engine).removesuffix("-")


def for_release(path: Path, release: str | None, mode: GoldenMode) -> Path:
    """The file that counts for `release`: ``name@2.8.yaml`` where there is one, else ``name.yaml``.

    An update for a release other than the plain file's makes the release's own file.
    """
    if release is None:
        return path
    own = path.with_name(f"{path.stem}@{release}.yaml")
    if own.exists():
        return own
    if mode != "update":
        return path
    first = path.read_bytes() if path.is_file() else b""
    written_for = re.search(rb'^release: "?([0-9.]+)"?$', first, re.MULTILINE)
    return own if written_for and written_for[1].decode() != release else path


def shown(path: Path, rootpath: Path) -> str:
    """`path` as a user types it."""
    with contextlib.suppress(ValueError):
        return path.relative_to(rootpath).as_posix()
    return str(path)


def _equal(path: Path) -> Outcome:
    # What an earlier failure left for review has been settled.
    with contextlib.suppress(OSError):
        os.unlink(f"{path}{PENDING}")  # noqa: PTH108
    return Outcome(state="equal", path=path)


def _plain(name: str) -> str:
    """`name` as a file name; what had to be replaced or cut is told apart by a hash."""
    plain = _ODD.sub("_", name)[:_LONGEST]
    if plain == name and not name.startswith("."):
        return name
    return f"{plain.lstrip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
