"""What a file says: for goldens that hold it, and for differences line by line."""

from __future__ import annotations

import difflib
import hashlib

from fedjob.folder.model import File

#: Bytes; larger files are data that nobody reads in a golden.
LARGEST = 200_000
#: Lines of a file beyond which only its size and hash are compared: differences cost their product.
_MANY = 2_000
#: Lines of difference that are shown.
_SHOWN = 40


def body(file: File) -> str | None:
    """The text of `file`; None when it is large, no UTF-8 text, or not where it was."""
    if file.text is not None:
        return file.text
    if file.size > LARGEST:
        return None
    try:
        data = file.source.read_bytes()
    except OSError:
        return None
    # A golden's file has no place of its own: what lies at that path by chance is another one.
    if hashlib.sha256(data).hexdigest() != file.sha256:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def line_changes(before: File, after: File) -> tuple[str, ...]:
    """The lines that differ, as in a unified diff; empty unless the text of both files is known.

    A line that holds a secret is named, not repeated: logs outlive secrets.
    """
    from fedjob.folder.checks.leaks import secret_in

    old, new = body(before), body(after)
    if old is None or new is None or max(old.count("\n"), new.count("\n")) > _MANY:
        return ()
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    shown = [f"{line[0]}({kind})" if (kind := secret_in(line)) else line for line in lines[:_SHOWN]]
    more = (f"... and {len(lines) - _SHOWN} more lines",) if len(lines) > _SHOWN else ()
    return (*shown, *more)
