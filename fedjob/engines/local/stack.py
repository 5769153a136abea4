"""Results of one form, stacked: a row for each site, so that numpy and zip go through them and not Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fedjob.engines.local.plain_result import Form, PlainResult
from fedjob.engines.local.wire import view_of
from fedjob.exchange.keys import FLMetaKey

#: Fewer results are dealt with one by one: to stack them takes longer.
_FEW = 3

#: Bytes of a result's arrays; larger ones are added up as fast one by one, and stay where they are.
_LARGE = 4096


class Stack:
    """`results`, which are of one form, of these sites."""

    def __init__(self, sites: Sequence[str], results: Sequence[PlainResult]) -> None:
        self.sites = sites
        self.form: Form = results[0].form
        self.nbytes = results[0].nbytes
        self._results = results
        columns = zip(*[result.values for result in results], strict=True)
        #: What the meta says, by name: the values of all sites, or those by name if it holds a dict.
        self.meta: dict[str, Any] = {
            name: {inner: next(columns) for inner, _ in kind} if type(kind) is tuple else next(columns)
            for name, kind in self.form.meta
        }

    @property
    def metrics(self) -> Any:
        """The metrics as they stand in `meta`, None if there are none."""
        return self.meta.get(FLMetaKey.INITIAL_METRICS)

    def params(self) -> dict[str, Any]:
        """The parameters by name, each an array with one more dimension, the first, for the sites, or an array for each."""
        import numpy as np

        form, count = self.form, len(self._results)
        if form.size > _LARGE:
            views = [memoryview(view_of(result.raw)).toreadonly() for result in self._results]
            return {
                name: [np.ndarray(shape, form.dtype(code), view, begin) for view in views]
                for (name, code, shape), (begin, _) in zip(form.arrays, form.places, strict=True)
            }
        raws = b"".join([result.raw for result in self._results])
        rows = np.frombuffer(raws, np.uint8).reshape(count, form.size)
        return {
            name: np.ascontiguousarray(rows[:, begin:end]).view(form.dtype(code)).reshape(count, *shape)
            for (name, code, shape), (begin, end) in zip(form.arrays, form.places, strict=True)
        }


def stacked(
    run: Sequence[tuple[str, PlainResult]],
) -> list[tuple[Sequence[tuple[str, PlainResult]], Stack | None]]:
    """The run in parts, each with its stack; None where results are to be dealt with one by one."""
    parts: list[tuple[Sequence[tuple[str, PlainResult]], Stack | None]] = []
    for form, group in groupby(run, lambda each: each[1].form):
        part = list(group)
        worth = len(part) >= _FEW and form.is_simple
        parts.append((part, Stack(*zip(*part, strict=True)) if worth else None))
    return parts
