"""What one site sees of the process: put in place when it runs, put aside when another does.

Sites that share a process (isolations `shared` and `inline`) share one interpreter. Each has its own
``sys.argv``, ``__main__``, modules of ``custom/``, working directory, ``sys.path``, environment and random
states. `Outside` keeps what the process had before the run and gives it back.
"""

from __future__ import annotations

import os
import signal
import site as python_site
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from fedjob.engines.local import generators
from fedjob.engines.local.custom import same_source, top_names
from fedjob.engines.local.generators import Generators
from fedjob.engines.local.output import Output
from fedjob.engines.local.tripwire import Tripwire

if TYPE_CHECKING:
    from typing_extensions import Self

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
    stream it prints to.
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
        "_seen",
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
        cwd: Path,
        custom: CustomCode,
        seed: int | None,
        base: Mapping[Any, Any],
        environ: Mapping[str, str] | None = None,
        output: Output | None = None,
        tripwire: Tripwire | None = None,
        make_home: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._tripwire = tripwire
        self._make_home = make_home
        #: The home that the site will have when it needs one.
        self.awaited = str(cwd) if tripwire is not None and make_home is not None else None
        #: What the tripwire has noticed.
        self.moved = self.environ_touched = False
        self._cwd = str(cwd) if tripwire is None or self.awaited is None else tripwire.lobby
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
            _change_environ(self._environ)
        if self._output is not None:
            sys.stdout = sys.stderr = self._output
        self._generators.resume()
        if self._tripwire is None:
            os.chdir(self._cwd)
        else:
            self._tripwire.enter(self, self._cwd)

    def suspend(self) -> None:
        self._generators.suspend()
        if self._output is not None:
            self._output.flush()
            sys.stdout, sys.stderr = self._streams
        if self._tripwire is not None:
            self._tripwire.leave(self)
        if sys.path != self._path:
            self._path = list(sys.path)
        self._argv = sys.argv
        self._main = sys.modules["__main__"]
        self._put_modules_aside()
        if self._tripwire is None or self.environ_touched:
            self.environ_touched = False
            self._put_environ_aside()
        if self._tripwire is None or self.moved:
            self.moved = False
            self._note_cwd()

    def _note_cwd(self) -> None:
        try:
            self._cwd = os.getcwd()  # noqa: PTH109
        except OSError:  # the script removed the directory it stood in.
            return
        if self._tripwire is not None:
            self._tripwire.stand(self._cwd)

    def settle(self) -> None:
        """While it is the site's turn: give it the home that it needs now, if it has none yet."""
        home, self.awaited = self.awaited, None
        if home is None or self._tripwire is None or self._make_home is None:
            return
        with self._tripwire.silent():
            self._make_home()
            self._tripwire.carry(home)
            os.chdir(home)
            self._tripwire.stand(home)
        self._cwd = home

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
                if name.partition(".")[0] in self._custom.names and _comes_from(
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
            _change_environ(self._base)


def environ_now() -> dict[Any, Any]:
    """The environment as it is, encoded as the system has it."""
    return dict(_environ._data)


def _change_environ(wanted: Mapping[Any, Any]) -> None:
    """Make the environment, C's too, equal to `wanted` (encoded keys and values)."""
    data = _environ._data
    for key in [key for key in data if key not in wanted]:
        del os.environ[_environ.decodekey(key)]
    for key, value in wanted.items():
        if data.get(key) != value:
            os.environ[_environ.decodekey(key)] = _environ.decodevalue(value)


def _comes_from(module: ModuleType, custom: str) -> bool:
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return any(str(place).startswith(custom + os.sep) for place in places)


class Outside:
    """The process as it was before a run inside of it; leaving the with-block gives everything back.

    `customs` are the ``custom/`` folders of the run. Modules already loaded under their names are the
    sites' too if every such folder has them from the same source (so that a test's monkeypatch reaches
    them) and `share` allows it; the others are out of sight during the run. `shared` holds the names.
    """

    def __init__(self, customs: Iterable[Path], *, share: bool = True) -> None:
        self._customs = [(custom, top_names(custom)) for custom in dict.fromkeys(customs)]
        self._share = share
        self.shared: set[str] = set()

    def __enter__(self) -> Self:
        lists: tuple[list[Any], ...] = (sys.path, sys.path_hooks, sys.meta_path)
        self._lists = [(item, list(item)) for item in lists]
        self._names = {
            name: getattr(sys, name) for name in ("argv", "stdin", "stdout", "stderr", "excepthook")
        }
        self._main = sys.modules["__main__"]
        self._cwd = os.getcwd()  # noqa: PTH109
        self._environ = environ_now()
        self._random = generators.snapshot()
        self._sleep = time.sleep
        self._signals = {number: signal.getsignal(number) for number in _signals()}
        self._modules = self._choose_modules()
        self._loaded = sys.modules.copy()
        return self

    def _choose_modules(self) -> dict[str, ModuleType]:
        """Take out of sys.modules, and return, what a site must not see."""
        tops = set[str]().union(*(names for _, names in self._customs))
        loaded = {n: m for n, m in list(sys.modules.items()) if n.partition(".")[0] in tops}
        loaded = {n: m for n, m in loaded.items() if not is_installed(getattr(m, "__file__", None))}
        different = {n.partition(".")[0] for n, m in loaded.items() if not self._is_same(m)}
        self.shared = {name.partition(".")[0] for name in loaded} - different
        return {n: sys.modules.pop(n) for n in loaded if n.partition(".")[0] in different}

    def _is_same(self, module: ModuleType) -> bool:
        top = module.__name__.partition(".")[0]
        return self._share and all(same_source(module, c) for c, names in self._customs if top in names)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for item, kept in self._lists:
            item[:] = kept
        for name, value in self._names.items():
            setattr(sys, name, value)
        time.sleep = self._sleep
        os.chdir(self._cwd)
        _change_environ(self._environ)
        generators.restore(self._random)
        for number, handler in self._signals.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        self._restore_modules()

    def _restore_modules(self) -> None:
        before = self._loaded
        for name, module in list(sys.modules.items()):
            if before.get(name) is not module and any(
                _comes_from(module, str(custom)) for custom, _ in self._customs
            ):
                del sys.modules[name]
        sys.modules.update(self._modules)
        sys.modules["__main__"] = self._main


def _signals() -> Iterable[signal.Signals]:
    """The signals whose handlers this thread may change."""
    return signal.Signals if threading.current_thread() is threading.main_thread() else ()


def installed_path() -> list[str]:
    """The part of ``sys.path`` that this interpreter has wherever it is started.

    A FLARE site has the installed packages and its ``custom/``. What only happens to lie where the test was
    started, or was added by it, must not be found, or a job would pass here and fail there.
    """
    fixed = {*_linked(), *kept_pythonpath()}
    return [path for path in sys.path if path in fixed or is_installed(path)]


def kept_pythonpath() -> list[str]:
    """The entries of PYTHONPATH that are not in the launch directory."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [p for p in entries if p and not Path(p).resolve().is_relative_to(Path.cwd())]


def is_installed(path: str | None) -> bool:
    """Whether a path is part of the interpreter or of its installed packages."""
    return path is not None and path.startswith(_roots())


def _roots() -> tuple[str, ...]:
    packages = [*python_site.getsitepackages(), python_site.getusersitepackages()]
    return tuple({*sysconfig.get_paths().values(), *packages} - {sys.prefix, sys.base_prefix})


def _linked() -> set[str]:
    """Directories that ``.pth`` files name: packages installed as links (``pip install -e``)."""
    lines: set[str] = set()
    for directory in python_site.getsitepackages():
        for file in Path(directory).glob("*.pth"):
            lines.update(file.read_text(errors="replace").splitlines())
    return {line for line in lines if os.path.isdir(line)}  # noqa: PTH112
