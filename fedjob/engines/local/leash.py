"""Holds a command on a leash: run as ``python -I -S leash.py DESCRIPTOR COMMAND...`` it starts the command and stays.

Over the socket of that descriptor it says ``pid N`` and at last ``exit STATUS`` (negative: killed by that signal).
When the command ends, or the other end of the socket closes for whatever reason, everything that the command has
started goes with it, in whatever session it is. A process of its own does that, because who started it may be killed
at any moment, and its child could start children at any moment.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import selectors
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

#: The exit status of a command that cannot be executed, as shells have it.
NOT_FOUND = 127


def main(descriptor: int, command: list[str]) -> NoReturn:
    """The life of the leash."""
    reaper = _reaper()
    sock = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    reaper.adopt_orphans()
    children = reaper.Children()
    here = os.getpid()
    pid = os.fork()
    if pid == 0:
        children.forget_in_child()
        os.setsid()
        reaper.die_with_parent(here)
        _execute(command)
    _say(sock, f"pid {pid}")
    status = _wait(sock, children, pid)
    reaper.kill_group(pid)
    reaper.kill_descendants()
    if status is not None:
        _say(sock, f"exit {status}")
    os._exit(0)


def _execute(command: list[str]) -> NoReturn:
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's command, started without a shell as in FLARE.
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_FOUND)


def _wait(sock: socket.socket, children: Any, pid: int) -> int | None:
    """The command's exit status; None if the other end has gone first."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.register(children, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sock:
                    return None
                children.signals()
            for child, status in children.exits():
                if child == pid:
                    return int(status)


def _say(sock: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):
        sock.sendall(f"{line}\n".encode())


def _reaper() -> Any:
    """The module beside this one, without its package, whose import would cost more than the command's start."""
    path = Path(__file__).with_name("reaper.py")
    spec = importlib.util.spec_from_file_location("reaper", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
