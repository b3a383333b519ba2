"""Ports: free ones for tests, and whether a given one is taken."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody uses at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def free_base(span: int, start: int = 20_000) -> int:
    """A port after which `span` ports, itself among them, are free at this moment."""
    for base in range(start, 60_000, 100):
        if not any(is_taken(base + offset) for offset in range(span)):
            return base
    raise OSError(f"no {span} free ports in a row from {start} on")


def is_taken(port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
