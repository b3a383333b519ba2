"""Runs the gateway: `python -m gateway`."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from chassis import telemetry
from gateway.app import Gateway
from gateway.serving import serve
from gateway.settings import GatewaySettings


async def _until_signal(settings: GatewaySettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    await serve(Gateway(settings), stop)


def main() -> None:
    """Build the settings, run until a signal."""
    telemetry.configure("gateway", "gateway")
    uvloop.run(_until_signal(GatewaySettings()))


if __name__ == "__main__":
    main()
