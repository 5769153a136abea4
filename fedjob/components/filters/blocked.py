"""What a filter raises to keep content from passing.

Answers the rest of ``nvflare.apis.filter``.
"""

from __future__ import annotations


class ContentBlockedException(Exception):  # FLARE's name
    """The content must not pass."""


class FilterContextKey:
    """Props of a filter that tell where it was configured and in which chain it is."""

    SOURCE = "__source"
    CHAIN_TYPE = "__chain_type"
