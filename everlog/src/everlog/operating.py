"""A service as the operator's command sees it: connected, under the worker's role."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import socket
from collections.abc import AsyncIterator
from importlib import import_module
from urllib.parse import urlsplit

from chassis.clock import SystemClock
from chassis.manifest import Manifest
from chassis.service import WORKER, Service
from chassis.settings import ServiceSettings
from embedded.errors import Trouble
from everlog.home import Home
from everlog.services import SERVICES


def manifest_of(service: str) -> Manifest:
    """A service's table of contents. Raises Trouble if there is no such service."""
    if service not in SERVICES:
        raise Trouble(f"There is no service {service}.", f"There are: {', '.join(SERVICES)}.")
    found: Manifest = import_module(f"{service}.manifest").MANIFEST
    return found


def chosen(service: str | None) -> list[str]:
    """One service, or all of them."""
    return list(SERVICES) if service is None else [manifest_of(service).service]


def operator() -> str:
    """Whoever uses the command, as errands name them."""
    try:
        return f"everlog, {getpass.getuser()}"
    except (KeyError, OSError):  # in a container that does not know the account
        return f"everlog, account {os.getuid()}"


@contextlib.asynccontextmanager
async def connected(home: Home, name: str) -> AsyncIterator[Service]:
    """The parts of a service, connected to its database. Raises Trouble if that does not answer."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it retries is nobody's concern
    settings = ServiceSettings(
        listen="127.0.0.1:0", kafka=home.kafka, postgres=home.postgres, secrets=home.secrets
    )
    service = Service(manifest_of(name), settings, SystemClock(), WORKER)
    try:
        await service.start()
    except OSError as error:
        raise Trouble(
            f"The database of {name} does not answer.", "Is Everlog up? make status", str(error)
        ) from error
    try:
        yield service
    finally:
        await service.stop()


def require_servers(home: Home) -> None:
    """Raises Trouble unless PostgreSQL and Kafka accept connections."""
    _require_answers("PostgreSQL", [_address(home.postgres_admin)], "EVERLOG_POSTGRES")
    brokers = [_address(f"kafka://{each}", 9092) for each in home.kafka.split(",")]
    _require_answers("Kafka", brokers, "EVERLOG_KAFKA")


def _address(url: str, default_port: int = 5432) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or default_port


def _require_answers(what: str, addresses: list[tuple[str, int]], variable: str) -> None:
    """One of the addresses has to accept connections: better said here than by each service."""
    for address in addresses:
        try:
            with socket.create_connection(address, timeout=5):
                return
        except OSError:
            continue
    asked = ", ".join(f"{host}:{port}" for host, port in addresses)
    raise Trouble(f"{what} does not answer at {asked}.", f"Is it running, is {variable} right?")
