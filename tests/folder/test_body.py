"""What stands in a file: shown where both sides are known, and never a secret."""

from dataclasses import replace
from pathlib import Path

import pytest

from fedjob.folder.body import LARGEST, body, line_changes
from tests.folder.models import make_file


def test_the_text_of_a_file(tmp_path):
    file = make_file(tmp_path, "custom/a.py", "x = 'é'\n".encode())
    assert body(file) == "x = 'é'\n"
    assert body(replace(file, source=Path("gone"), text="known")) == "known"


def gone(file):
    file.source.unlink()


def another(file):
    file.source.write_text("another file of the same name\n")


@pytest.mark.parametrize("change", [gone, another])
def test_a_file_that_is_not_what_it_was(tmp_path, change):
    file = make_file(tmp_path, "custom/a.py")
    change(file)
    assert body(file) is None


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (LARGEST + 1)], ids=["no text", "large"])
def test_data_has_no_text(tmp_path, content):
    assert body(make_file(tmp_path, "custom/a.bin", content)) is None


def test_changed_lines(tmp_path):
    lines = [f"line {i}" for i in range(9)]
    before = make_file(tmp_path, "custom/a.py", "\n".join(lines).encode())
    lines[4] = "key = 'AKIA" + "ABCDEFGHIJKLMNOP'"
    after = make_file(tmp_path, "custom/a.py", "\n".join(lines).encode())
    assert line_changes(before, after) == (
        "@@ -4,3 +4,3 @@",
        " line 3",
        "-line 4",
        "+(an AWS key)",
        " line 5",
    )


def test_many_lines_are_counted_and_very_many_not_compared(tmp_path):
    empty = make_file(tmp_path, "custom/a.py", b"")
    assert (
        line_changes(empty, make_file(tmp_path, "custom/a.py", b"x\n" * 100))[-1] == "... and 61 more lines"
    )
    assert line_changes(empty, make_file(tmp_path, "custom/a.py", b"x\n" * 3000)) == ()
