"""Commands that fail or hang end, and say why."""

import sys

import pytest

from benchmarks.process import CommandFailed, run


def test_output_of_both_streams_is_kept():
    ran = run([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"])
    assert sorted(ran.output.split()) == ["err", "out"]


def test_another_status_is_a_failure_with_the_last_words():
    with pytest.raises(CommandFailed, match=r"(?s)exit status 3.*went wrong"):
        run([sys.executable, "-c", "import sys; print('went wrong'); sys.exit(3)"])


def test_a_status_may_be_expected():
    assert run([sys.executable, "-c", "import sys; sys.exit(5)"], status=5).output == ""


def test_a_command_without_end_is_ended():
    with pytest.raises(CommandFailed, match=r"no end after 0\.5 s"):
        run([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.5)
