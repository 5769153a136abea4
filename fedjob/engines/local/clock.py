"""`time.sleep` inside a strand: others run meanwhile, and long sleeps need not last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fedjob.engines.local.hub import Hub, running
from fedjob.engines.request import SERVER

#: Seconds. A shorter sleep of a site is taken for a wait on the world outside (a file, a child process) and
#: really lasts; a longer one is a straggler's, which the engine's clock may jump over.
SHORT = 1.0

_real_sleep = time.sleep


def cooperative_sleep(hub: Hub) -> Callable[[Any], None]:
    """The `time.sleep` of the strands of `hub`; other threads and code outside of strands really sleep.

    In the server's strands a sleep of up to SHORT seconds is a poll, as in FLARE's controllers
    (``while self.get_num_standing_tasks(): time.sleep(0.5)``), and ends once something has happened.
    """

    def sleep(seconds: Any) -> None:
        strand = running()
        if strand is None or strand.hub is not hub:
            _real_sleep(seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        elif getattr(strand.context, "name", None) == SERVER and seconds <= SHORT:
            hub.poll(seconds)
        else:
            hub.sleep(seconds, real=seconds < SHORT)

    return sleep
