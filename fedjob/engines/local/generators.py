"""The process-wide random generators (`random`, numpy's legacy one, torch's), one state per site.

A process that hosts several sites swaps their states whenever it turns from one to another, so that
every site draws the numbers it would draw in a process of its own. The states of `random` and numpy
are swapped as memory, a hundred times cheaper than by their own get and set; where the memory does not
look as expected (another interpreter, another release) get and set are used.

Most sites draw nothing in most of their turns, and then have the state that they had. A few bytes tell: every draw moves
the position, and a whole block of draws renews the words.
"""

from __future__ import annotations

import ctypes
import hashlib
import random
import secrets
import sys
from collections.abc import Callable
from typing import Any

_GAUSS = 0.123456789  # a value to find again in memory.


def _memory(address: int, size: int) -> memoryview:
    """A stretch of this process's memory."""
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


class PythonRandom:
    """The hidden instance behind `random.random()` and its siblings."""

    def __init__(self) -> None:
        self._instance: Any = random._inst
        self._memory = self._find()
        #: What tells of the state that was set last.
        self._mark = b""

    def _find(self) -> memoryview | None:
        """The C struct ``{int index; uint32_t state[624]}``, if it is where CPython has it."""
        memory = _memory(id(self._instance) + object.__basicsize__, 4 * 625)
        words = memory.cast("I")
        state = self._instance.getstate()[1]
        found = (*words[1:], words[0]) == state
        return memory if found and sys.implementation.name == "cpython" else None

    def get(self) -> Any:
        if self._memory is None:
            return self._instance.getstate()
        return bytes(self._memory), self._instance.gauss_next

    def set(self, state: Any) -> None:
        if self._memory is None:
            self._instance.setstate(state)
        else:
            self._memory[:] = state[0]
            self._instance.gauss_next = state[1]
            self._mark = state[0][:12]

    def keep(self, state: Any) -> Any:
        """The state, given that `state` was set last or, for None, that it was seeded."""
        if state is None or self._memory is None:
            return self.get()
        drawn = bytes(self._memory[:12]) != self._mark or self._instance.gauss_next is not state[1]
        return self.get() if drawn else state

    def seed(self, number: int) -> None:
        self._instance.seed(number)


class NumpyRandom:
    """The generator behind `numpy.random.rand()` and its siblings."""

    def __init__(self) -> None:
        # Not by numpy's attribute, which is not there before the import has ended.
        self._random: Any = sys.modules["numpy.random"].mtrand._rand
        self._memories = self._find()
        #: What of the state differs after a draw, and what it was when the state was set.
        self._spots: tuple[memoryview, ...] = ()
        self._mark = b""
        if self._memories is not None:
            words, gauss = self._memories
            self._spots = words[:8], words[-4:], gauss

    def _find(self) -> tuple[memoryview, memoryview] | None:
        """The bit generator's words, and the flag and value of the second half of a gaussian pair."""
        kept = self._random.get_state(legacy=False)
        bits = self._random._bit_generator
        if type(bits).__name__ != "MT19937" or sys.implementation.name != "cpython":
            return None
        words = _memory(bits.ctypes.state_address, 4 * 625)
        same = list(words.cast("I")) == [*kept["state"]["key"], kept["state"]["pos"]]
        gauss = self._find_gauss(kept)
        self._random.set_state(kept)
        return (words, gauss) if same and gauss is not None else None

    def _find_gauss(self, state: dict[str, Any]) -> memoryview | None:
        size = type(self._random).__basicsize__
        body = _memory(id(self._random), size)
        self._random.set_state({**state, "has_gauss": 1, "gauss": _GAUSS})
        at = bytes(body).find(bytes(ctypes.c_double(_GAUSS)))
        if at < 8 or bytes(body)[at - 8 : at - 4] != b"\x01\0\0\0":
            return None
        self._random.set_state({**state, "has_gauss": 0, "gauss": 0.0})
        clear = bytes(body)[at - 8 : at - 4] == b"\0\0\0\0"
        return _memory(id(self._random) + at - 8, 16) if clear else None

    def get(self) -> Any:
        if self._memories is None:
            return self._random.get_state(legacy=False)
        return bytes(self._memories[0]), bytes(self._memories[1])

    def set(self, state: Any) -> None:
        if self._memories is None:
            self._random.set_state(state)
        else:
            self._memories[0][:] = state[0]
            self._memories[1][:] = state[1]
            self._mark = b"".join(self._spots)

    def keep(self, state: Any) -> Any:
        """The state, given that `state` was set last; None as long as it is as it was seeded.

        To seed takes hardly longer than to set, and thousands of states take memory.
        """
        drawn = self._memories is None or b"".join(self._spots) != self._mark
        return self.get() if drawn else state

    def seed(self, number: int) -> None:
        self._random.seed(number & 0xFFFFFFFF)
        self._mark = b"".join(self._spots)


class TorchRandom:
    """torch's default generator on the CPU."""

    def __init__(self) -> None:
        import torch

        self._generator = torch.default_generator

    def get(self) -> Any:
        return self._generator.get_state()

    def set(self, state: Any) -> None:
        self._generator.set_state(state)

    def keep(self, state: Any) -> Any:
        return self.get()

    def seed(self, number: int) -> None:
        import torch

        # torch.manual_seed asks every kind of accelerator, which costs 0.1 ms a site.
        self._generator.manual_seed(number)
        if torch.backends.cuda.is_built():
            torch.cuda.manual_seed_all(number)


class TensorFlowRandom:
    """TensorFlow's global seed; its state is not readable, so it is set at the start only."""

    def get(self) -> None:
        return None

    def set(self, state: Any) -> None:
        return

    def keep(self, state: Any) -> tuple[()]:
        return ()

    def seed(self, number: int) -> None:
        sys.modules["tensorflow"].random.set_seed(number)


_KINDS: dict[str, Callable[[], Any]] = {
    "random": PythonRandom,
    "numpy": NumpyRandom,
    "torch": TorchRandom,
    "tensorflow": TensorFlowRandom,
}
#: A library's generator is there once this module has this attribute; before, its import is still under way.
_READY = {
    "random": ("random", "_inst"),
    "numpy": ("numpy.random", "mtrand"),
    "torch": ("torch", "default_generator"),
    "tensorflow": ("tensorflow", "random"),
}
#: The library whose generator comes with this module.
LIBRARY_OF = {module: library for library, (module, _) in _READY.items()}

#: The generators of the libraries that this process has imported, in the order in which they were found.
_found: dict[str, Any] = {}
#: Those of libraries that are held back.
_aside: dict[str, Any] = {}
_modules_seen = 0


def present() -> dict[str, Any]:
    """The generators of what is imported by now, by library."""
    global _modules_seen  # noqa: PLW0603
    if len(sys.modules) != _modules_seen:
        for name, kind in _KINDS.items():
            module, attribute = _READY[name]
            if name not in _found and hasattr(sys.modules.get(module), attribute):
                _found[name] = _aside.pop(name, None) or kind()
        _modules_seen = len(sys.modules)
    return _found


def put_aside(library: str) -> None:
    """Have this library's generator not there until the library is imported: it is held back."""
    _aside[library] = present().pop(library)


def seed_of(seed: int | str | None, site: str) -> int:
    """The number that a site's generators are seeded with."""
    text = secrets.token_hex(16) if seed is None else f"{seed}:{site}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


class Generators:
    """The random states of one site (or of the server): seeded from (seed, site), kept across switches.

    Without a seed they start from entropy, each site's from its own.
    """

    __slots__ = ("_number", "states")

    def __init__(self, seed: int | str | None, site: str) -> None:
        self._number = seed_of(seed, site)
        #: By library, None for those as they were seeded.
        self.states: dict[str, Any] = {}

    def resume(self) -> None:
        states = self.states
        # Asked at every turn of every site.
        for name, generator in (_found if len(sys.modules) == _modules_seen else present()).items():
            state = states.get(name)
            if state is None:
                self.seed(name)
            else:
                generator.set(state)

    def suspend(self) -> None:
        states = self.states
        for name, state in states.items():
            states[name] = _found[name].keep(state)

    def seed(self, name: str) -> None:
        """Seed one library's generator for this site, e.g. because its import has just ended."""
        present()[name].seed(self._number)
        self.states[name] = None


def snapshot() -> dict[str, Any]:
    """The states of all generators, for `restore`."""
    return {name: generator.get() for name, generator in present().items()}


def restore(states: dict[str, Any]) -> None:
    for name, state in states.items():
        _found[name].set(state)
