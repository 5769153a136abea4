"""What one site sees of the process: put in place when it runs, put aside when another does.

Sites that share a process (isolations `shared` and `inline`) share one interpreter. Each has its own
``sys.argv``, ``__main__``, modules of ``custom/``, working directory, ``sys.path``, environment and random
states. What the process had before, `outside.py` keeps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from fedjob.engines.local.custom import top_names
from fedjob.engines.local.generators import Generators
from fedjob.engines.local.output import Output
from fedjob.engines.local.place import Place, work
from fedjob.engines.local.tripwire import Tripwire

_environ: Any = os.environ


class CustomCode:
    """The ``custom/`` of an app, which thousands of sites may have in common.

    `path` is the sites' ``sys.path`` without it, `shared` the names in it for which the process's own modules serve.
    """

    __slots__ = ("app", "folder", "names", "path")

    def __init__(self, custom: Path, path: Iterable[str], shared: Iterable[str] = ()) -> None:
        self.folder = str(custom)
        #: Where the files of the app are.
        self.app = custom.parent
        #: What ``import`` finds at its top.
        self.names = frozenset(top_names(custom).difference(shared))
        self.path = [*path, self.folder]


class Context:
    """The state of one site (or of the server); `resume` puts it in place, `suspend` takes it back.

    `base` is the environment of its process (`environ_now`), `environ` the variables in which its own differs,
    `tripwire` tells what the site does; then `make_home` makes its home, `cwd`, when that is needed. `output` is the
    stream it prints to, `place` shows who is at what, where the process has several parties.
    """

    __slots__ = (
        "_argv",
        "_base",
        "_custom",
        "_cwd",
        "_environ",
        "_generators",
        "_main",
        "_make_home",
        "_modules",
        "_output",
        "_path",
        "_place",
        "_seen",
        "_shown",
        "_streams",
        "_tripwire",
        "awaited",
        "environ_touched",
        "moved",
        "name",
    )

    def __init__(
        self,
        name: str,
        *,
        cwd: str,
        custom: CustomCode,
        seed: int | str | None,
        base: Mapping[Any, Any],
        environ: Mapping[str, str] | None = None,
        output: Output | None = None,
        tripwire: Tripwire | None = None,
        make_home: Callable[[], None] | None = None,
        place: Place | None = None,
    ) -> None:
        self.name = name
        self._place = place
        self._shown = b"" if place is None else name.encode() + work(None, None)
        self._tripwire = tripwire
        self._make_home = make_home
        #: The home that the site will have when it needs one.
        self.awaited = cwd if tripwire is not None and make_home is not None else None
        #: What the tripwire has noticed.
        self.moved = self.environ_touched = False
        self._cwd = cwd if tripwire is None or self.awaited is None else tripwire.lobby
        self._custom = custom
        self._path = custom.path
        self._argv = sys.argv
        self._main = sys.modules["__main__"]
        self._modules: dict[str, ModuleType] = {}
        self._seen = 0
        self._base = base
        self._environ: dict[Any, Any] | None = None
        self._generators = Generators(seed, name)
        self._output = output
        self._streams = sys.stdout, sys.stderr
        if environ:
            encode = _environ.encodekey
            self._environ = {**base, **{encode(k): encode(v) for k, v in environ.items()}}

    def resume(self) -> None:
        if sys.path != self._path:
            sys.path[:] = self._path
        sys.argv = self._argv
        modules = sys.modules
        modules["__main__"] = self._main
        if self._modules:
            modules.update(self._modules)
        self._seen = len(modules)
        if self._environ is not None:
            change_environ(self._environ)
        if self._output is not None:
            sys.stdout = sys.stderr = Output.current = self._output
        self._generators.resume()
        if self._place is not None:
            self._place.put(self._shown)
        tripwire = self._tripwire
        if tripwire is None:
            os.chdir(self._cwd)
        else:
            if tripwire.at != self._cwd:
                tripwire.move(self._cwd)
            tripwire.running = self

    def suspend(self) -> None:
        if self._generators.states:
            self._generators.suspend()
        if self._place is not None:
            self._shown = self._place.shown
        if self._output is not None:
            if self._output.pieces:
                self._output.flush()
            sys.stdout, sys.stderr = self._streams
            Output.current = None
        tripwire = self._tripwire
        if tripwire is not None:
            if tripwire.is_native:
                tripwire.look(self)
            tripwire.running = None
        if sys.path != self._path:
            self._path = list(sys.path)
        self._argv = sys.argv
        self._main = sys.modules["__main__"]
        if self._modules or len(sys.modules) != self._seen:
            self._put_modules_aside()
        if tripwire is None or self.environ_touched:
            self.environ_touched = False
            self._put_environ_aside()
        if tripwire is None or self.moved:
            self.moved = False
            self._note_cwd()

    def _note_cwd(self) -> None:
        try:
            self._cwd = os.getcwd()  # noqa: PTH109
        except OSError:  # the script removed the directory it stood in.
            return
        if self._tripwire is not None:
            self._tripwire.at = self._cwd

    def settle(self) -> None:
        """While it is the site's turn: give it the home that it needs now, if it has none yet."""
        home, self.awaited = self.awaited, None
        if home is None or self._tripwire is None or self._make_home is None:
            return
        with self._tripwire.silent():
            self._make_home()
            self._tripwire.carry(home)
            os.chdir(home)
            self._tripwire.at = home
        self._cwd = home

    def have_home(self) -> None:
        """The home is there when this returns, whoever asks: also a thread, while it is another site's turn."""
        if self.awaited is not None and self._tripwire is not None and self._make_home is not None:
            if self._tripwire.running is self:
                self.settle()
            else:
                self._make_home()

    @property
    def app(self) -> Path:
        """Where the files of the app are, which a site may have in common with others."""
        return self._custom.app

    def seed(self, library: str) -> None:
        """Seed a library's generator for this site: its import has just ended."""
        self._generators.seed(library)

    def _put_modules_aside(self) -> None:
        modules = sys.modules
        fresh = len(modules) - self._seen
        if fresh:
            # What came in last stands last; only after removals is the whole table to be looked at.
            names = list(islice(reversed(modules), fresh) if fresh > 0 else modules)
            for name in reversed(names):
                if name.partition(".")[0] in self._custom.names and comes_from(
                    modules[name], self._custom.folder
                ):
                    self._modules[name] = modules[name]
        for name in self._modules:
            self._modules[name] = modules.pop(name, self._modules[name])

    def _put_environ_aside(self) -> None:
        if _environ._data == self._base:
            self._environ = None
        else:
            self._environ = dict(_environ._data)
            change_environ(self._base)


def environ_now() -> dict[Any, Any]:
    """The environment as it is, encoded as the system has it."""
    return dict(_environ._data)


def change_environ(wanted: Mapping[Any, Any]) -> None:
    """Make the environment, C's too, equal to `wanted` (encoded keys and values)."""
    data = _environ._data
    for key in [key for key in data if key not in wanted]:
        del os.environ[_environ.decodekey(key)]
    for key, value in wanted.items():
        if data.get(key) != value:
            os.environ[_environ.decodekey(key)] = _environ.decodevalue(value)


def comes_from(module: ModuleType, custom: str) -> bool:
    """Whether a module was imported from below that ``custom/``."""
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return any(str(place).startswith(custom + os.sep) for place in places)
