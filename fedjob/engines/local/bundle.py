"""Bundles: messages that have so much in common that they travel as one.

A task goes to many sites at once, and what they answer mostly differs in its numbers alone. So a cable gathers what it
is to send: a message to several receivers, or results of one form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.engines.local.link import Message
from fedjob.engines.local.plain_result import Form, PlainResult
from fedjob.engines.local.slab import Lease

#: What stands for a block: its bytes, or the number of the slab in which it is lent, and its size.
Shown = bytes | tuple[int, int]

#: What stands for a body: None if there is none, True for the one before, else its parts and its block.
BodyParts = None | bool | tuple[tuple[Any, ...], Shown]


class Copies:
    """One message to one receiver or several, which are told by their places on the cable."""

    __slots__ = ("_body", "message", "numbers", "places")

    def __init__(self, places: list[int], message: Message, numbers: list[int], body: BodyParts) -> None:
        self.message = message
        self._body = body
        self.places = places
        self.numbers = numbers

    def parts(self, _show: Callable[[bytes | Lease], Shown]) -> tuple[Any, ...]:
        message = self.message
        return message.kind, message.headers, self._body, self.places, self.numbers


class Alike:
    """Results of one form, with the same headers; only their numbers travel for each."""

    __slots__ = ("form", "headers", "places", "raws", "values")

    def __init__(self, place: int, headers: dict[str, Any], result: PlainResult) -> None:
        self.headers = headers
        self.form = result.form
        self.places = [place]
        self.raws: list[Any] = [result.raw]
        self.values = [result.values]

    def parts(self, show: Callable[[bytes | Lease], Shown]) -> tuple[Any, ...]:
        """What is sent; `show` gives what stands for a block."""
        raws: Any = [show(raw) for raw in self.raws] if self.form.is_large else b"".join(self.raws)
        columns = list(zip(*self.values, strict=True))
        return self.form.key, self.headers, self.places, raws, columns


Bundle = Copies | Alike


def is_of_results(parts: tuple[Any, ...]) -> bool:
    """Whether these are the parts of a bundle of results."""
    return type(parts[0]) is tuple


def results_in(
    parts: tuple[Any, ...], block_of: Callable[[Shown], bytes | Lease]
) -> tuple[dict[str, Any], list[int], list[PlainResult]]:
    """The headers of results in a bundle, their places, and the results; `block_of` undoes `show`."""
    key, headers, places, raws, columns = parts
    form = Form.of(key)
    size = form.size
    rows = zip(*columns, strict=True) if columns else [()] * len(places)
    if form.is_large:
        results = [PlainResult(form, block_of(shown), row) for shown, row in zip(raws, rows, strict=True)]
    else:
        begins = range(0, size * len(places), size) if size else [0] * len(places)
        results = [PlainResult(form, raws[at : at + size], row) for at, row in zip(begins, rows, strict=True)]
    return headers, places, results
