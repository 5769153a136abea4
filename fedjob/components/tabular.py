"""Rows of a table file as arrays, the label in the first column: ``nvflare.app_opt.sklearn.data_loader``.

Needs pandas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.components.paths import get_file_format

_READERS = {"csv": "read_csv", "xls": "read_excel", "xlsx": "read_excel"}


def get_pandas_reader(data_path: str) -> Callable[..., Any]:
    """The function of pandas that reads the file. Raises ValueError for another format than csv, xls and xlsx."""
    import pandas as pd

    file_format = get_file_format(data_path)
    if file_format not in _READERS:
        raise ValueError(f"{data_path} is no table of a known format; give one of {', '.join(_READERS)}")
    reader: Callable[..., Any] = getattr(pd, _READERS[file_format])
    return reader


def load_data(data_path: str, require_header: bool = False) -> tuple[Any, Any, int]:
    """Features, labels and the number of rows. As in FLARE `require_header` has no effect: every line is data."""
    return load_data_for_range(data_path, 0, None, require_header)


def load_data_for_range(
    data_path: str,
    start: int,
    end: int | None,
    require_header: bool = False,  # noqa: ARG001 - FLARE's function takes it
) -> tuple[Any, Any, int]:
    """The same for the rows from `start` up to, and without, `end`."""
    rows = get_pandas_reader(data_path)(data_path, header=None).iloc[start:end]
    return rows.iloc[:, 1:].to_numpy(), rows.iloc[:, 0].to_numpy(), rows.shape[0]
