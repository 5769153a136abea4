"""Free ports of this host: ``nvflare.fuel.utils.network_utils``."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def get_open_ports(number: int) -> list[int]:
    """`number` different TCP ports that nobody listens on now; somebody else may take them later."""
    with ExitStack() as stack:
        # All stay open until the last is found, so that none is given twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]


def get_local_addresses(number: int, host_name: str | None = None) -> list[str]:
    """`number` addresses ``host:port`` with open ports; the host is 127.0.0.1 unless named."""
    return [f"{host_name or '127.0.0.1'}:{port}" for port in get_open_ports(number)]
