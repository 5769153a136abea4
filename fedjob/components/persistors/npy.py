"""Saving an array again and again in one ``.npy`` file."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np


def save(path: Path, array: Any) -> None:
    """What ``numpy.save`` does, but a file that is there is written over and not cut to nothing first.

    A file system has no pages to find for it then, and ext4 does not write at once what it takes for a replacement: that
    is half the time for a large array, and a third of it for a small one.

    A file that is being written, or was not finished, cannot be loaded, as with numpy. Raises OSError and ValueError as
    numpy does.
    """
    array = np.asanyarray(array)
    plain = type(array) is np.ndarray and array.dtype.kind in "biufc"
    if not plain or not array.flags.forc or path.suffix != ".npy":
        np.save(path, array)
        return
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    head = header.getvalue()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        file.write(bytes(len(head)))
        (array if array.flags.c_contiguous else array.T).tofile(file)
        file.truncate()
        file.seek(0)
        file.write(head)
