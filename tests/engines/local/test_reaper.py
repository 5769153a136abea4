from __future__ import annotations

import os
import signal
import sys

import pytest

from fedjob.engines.local.reaper import die_with_parent


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells of a parent's death on Linux")
@pytest.mark.parametrize("gone", [False, True])
def test_who_has_lost_its_parent_before_it_could_say_so_dies_too(gone):
    here = os.getpid()
    pid = os.fork()
    if pid == 0:
        # A child's own pid is never its parent's: as if that had died and another had taken its place.
        die_with_parent(os.getpid() if gone else here)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == (-signal.SIGKILL if gone else 0)
