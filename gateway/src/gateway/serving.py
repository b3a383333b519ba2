"""Listens until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
import uvicorn

from gateway.app import Gateway, make_app
from gateway.settings import GatewaySettings

log = structlog.get_logger("gateway")

_STOP_S = 10


class _Server(uvicorn.Server):
    """Leaves signals to `__main__`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(gateway: Gateway, stop: asyncio.Event) -> None:
    """Run until `stop` is set, then finish what is under way."""
    settings = gateway.settings
    await gateway.backend.start()
    config = uvicorn.Config(
        make_app(gateway),
        http="httptools",
        ws="none",
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # gateway.headers knows which proxies to trust
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[_socket(settings)]))
    stopping = asyncio.create_task(stop.wait())
    log.info("started", listen=settings.listen)
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await serving
    finally:
        stopping.cancel()
        await gateway.backend.stop()
    log.info("stopped")


def _socket(settings: GatewaySettings) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((settings.host, settings.port))
    sock.set_inheritable(False)
    return sock
