"""Ports: free ones for tests, and whether a given one is taken.

They are taken from below those that the kernel hands out to whoever connects: between the moment
a port is chosen and the one its server listens, no connection going out can come to own it.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

_FIRST = 15_000
_HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
_HANDED_OUT_ELSEWHERE = 49_152  # RFC 6335: dynamic ports


def free_ports(count: int) -> list[int]:
    """Ports on loopback, picked by chance, that nobody uses at this moment."""
    found: list[int] = []
    for port in random.sample(range(_FIRST, _end()), _end() - _FIRST):
        if len(found) == count:
            return found
        if not is_taken(port):
            found.append(port)
    raise OSError(f"no {count} free ports from {_FIRST} on")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def free_base(span: int, start: int | None = None) -> int:
    """A port after which `span` ports, itself among them, are free at this moment.

    Without a `start` the search begins somewhere by chance, so that several programs which look
    for ports at the same time find different ones.
    """
    end = _end() - span
    first = random.randrange(_FIRST, end, 100) if start is None else start
    bases: list[int] = [*range(first, end, 100), *range(_FIRST, min(first, end), 100)]
    for base in bases:
        if not any(is_taken(base + offset) for offset in range(span)):
            return base
    raise OSError(f"no {span} free ports in a row")


def is_taken(port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _end() -> int:
    """The first port that the kernel hands out, unless too few come before it."""
    try:
        first = int(_HANDED_OUT.read_text().split()[0])
    except (OSError, ValueError):
        first = _HANDED_OUT_ELSEWHERE
    return first if first > _FIRST + 5_000 else _HANDED_OUT_ELSEWHERE
