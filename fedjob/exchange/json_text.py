"""JSON text of small values, by a C encoder that is made once: `json.dumps` makes one for each call."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable
from functools import lru_cache
from typing import Any

#: The JSON of a string; of names that come again in every round it is kept.
text = lru_cache(maxsize=1 << 15)(json.encoder.encode_basestring_ascii)


def encoder(
    default: Callable[[Any], Any] | None = None, *, compact: bool = False, allow_nan: bool = True
) -> Callable[[Any], str]:
    """A function that encodes as ``json.dumps(value, default=default, allow_nan=allow_nan)`` does, on one line.

    Values must not contain themselves. It raises TypeError for what neither JSON nor `default` knows, ValueError for
    numbers that are not finite unless `allow_nan`.
    """
    separators = (",", ":") if compact else (", ", ": ")
    plain = json.JSONEncoder(default=default, separators=separators, allow_nan=allow_nan)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    escape = json.encoder.encode_basestring_ascii
    encode = make(None, plain.default, escape, None, separators[1], separators[0], False, False, allow_nan)
    return lambda value: "".join(encode(value, 0))
