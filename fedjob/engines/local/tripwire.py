"""What the site that runs does to the process, learnt from Python's audit events instead of being looked for.

A worker turns from one of its thousands of sites to the next a hundred thousand times, and nearly always nothing has
changed: no directory, no variable of the environment. And where a directory costs a tenth of a millisecond, homes for
sites that never look at a file cost more than all of their rounds. So a site stands in the worker's lobby, an empty
directory, until it does something with a file of its own; then it gets its home, before the file is opened.

What is written by other means than Python's is found in the lobby when the site's turn is over, and carried to its home;
looked for once there is a library in C that could write, other than those that are known to open files by Python's means.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Any, Protocol


class Resident(Protocol):
    """A site as the tripwire knows it."""

    #: Its home's path; None once that is made.
    awaited: str | None
    moved: bool
    environ_touched: bool

    def settle(self) -> None: ...


#: By audit event, how many of its first arguments are paths. 0: it may concern any path.
_PATHS = {
    "open": 1,
    "os.chdir": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.fwalk": 1,
    "os.link": 2,
    "os.listdir": 1,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.scandir": 1,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.utime": 1,
    "os.walk": 1,
    "glob.glob": 1,
    "pathlib.Path.glob": 1,
    "pathlib.Path.rglob": 1,
    "shutil.copyfile": 2,
    "shutil.copytree": 2,
    "shutil.make_archive": 1,
    "shutil.move": 2,
    "shutil.rmtree": 1,
    "shutil.unpack_archive": 2,
    "sqlite3.connect": 1,
    "tempfile.mkdtemp": 1,
    "tempfile.mkstemp": 1,
    "os.exec": 0,
    "os.fork": 0,
    "os.forkpty": 0,
    "os.posix_spawn": 0,
    "os.spawn": 0,
    "os.system": 0,
    "pty.spawn": 0,
    "subprocess.Popen": 0,
    "os.putenv": 0,
    "os.unsetenv": 0,
}
_ENVIRON = frozenset({"os.putenv", "os.unsetenv"})

#: Calls into libraries in C that are none of Python's.
_NATIVE = frozenset({"ctypes.dlopen", "ctypes.dlsym"})

#: Packages besides Python's own whose C code opens no file.
_TAME = frozenset({"greenlet", "numpy", "yaml"})


class Tripwire:
    """One for a worker, for as long as it lives: audit hooks cannot be taken out."""

    def __init__(self, lobby: Path) -> None:
        lobby.mkdir(parents=True)
        self.lobby = str(lobby)
        self._fd = os.open(lobby, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._untouched = os.fstat(self._fd).st_mtime_ns
        #: The site whose turn it is.
        self.running: Resident | None = None
        #: Where the process stands: moved there by `move`, or by the site.
        self.at = ""
        #: Whether there is code that may write without Python's knowledge, so that one has to `look`.
        self.is_native = has_native()
        sys.addaudithook(self._hear)

    def move(self, cwd: str) -> None:
        """Have the process stand there."""
        os.chdir(cwd)
        self.at = cwd

    def look(self, resident: Resident) -> None:
        """At the end of a site's turn: give it a home if there is something in the lobby."""
        if resident.awaited is not None and os.fstat(self._fd).st_mtime_ns != self._untouched:
            resident.settle()

    def carry(self, home: str) -> None:
        """Put into a home what lies in the lobby."""
        for name in os.listdir(self._fd):  # noqa: PTH208
            os.rename(f"{self.lobby}/{name}", f"{home}/{name}")  # noqa: PTH104
        self._untouched = os.fstat(self._fd).st_mtime_ns

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing is heard of what is done in this block."""
        running, self.running = self.running, None
        try:
            yield
        finally:
            self.running = running

    def getcwd(self, real: Callable[[], Any]) -> Callable[[], Any]:
        """`os.getcwd` or its sibling: a site that asks where it stands shall hear its home."""

        def getcwd() -> Any:
            running = self.running
            if running is not None and running.awaited is not None:
                running.settle()
            return real()

        return getcwd

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        running = self.running
        if event == "import":
            # An extension module comes with its file's name.
            self.is_native = self.is_native or (bool(args[1]) and not _is_tame(args[0]))
            return
        if running is None:
            return
        paths = _PATHS.get(event)
        if paths is None:
            self.is_native = self.is_native or event in _NATIVE
            return
        if event in _ENVIRON:
            running.environ_touched = True
            return
        if event == "os.chdir":
            running.moved = True
        home = running.awaited
        if home is not None and (not paths or any(_leads_to(home, path) for path in args[:paths])):
            running.settle()


#: How many modules there were when it was found out whether any of them is native.
_found: tuple[int, bool] = (0, False)


def has_native() -> bool:
    """Whether this process has a module that may write files without Python's knowledge.

    Asked before the fork, too: to look at hundreds of modules has their pages copied.
    """
    global _found  # noqa: PLW0603
    if _found[0] != len(sys.modules):
        _found = len(sys.modules), any(map(_is_native, list(sys.modules.values())))
    return _found[1]


def _is_native(module: Any) -> bool:
    """Whether a module is an extension that may write files without Python's knowledge."""
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return isinstance(loader, ExtensionFileLoader) and not _is_tame(loader.name)


def _is_tame(name: str) -> bool:
    top = name.partition(".")[0]
    return top in _TAME or top in sys.stdlib_module_names


def _leads_to(home: str, path: Any) -> bool:
    """Whether a path, as an audit event has it, may lead into a home: it does, or it depends on where one stands."""
    if path is None:
        return True
    try:
        text = os.fsdecode(path)
    except TypeError:  # a descriptor.
        return False
    return not text.startswith("/") or text == home or text.startswith(home + "/")
