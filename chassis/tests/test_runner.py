"""How a service's process listens and stops."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from chassis.ending import end
from chassis.runner import _keep, _socket
from chassis.service import Service
from chassis.settings import ServiceSettings
from embedded.ports import free_port


async def test_no_answer_is_held_back_until_the_one_before_is_acknowledged() -> None:
    listen = f"127.0.0.1:{free_port()}"
    settings = ServiceSettings(listen=listen, kafka="", postgres="", secrets=Path())
    undelayed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        undelayed.set_result(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    async with await asyncio.start_server(connected, sock=_socket(settings)):
        _, writer = await asyncio.open_connection(settings.host, settings.port)
        assert await undelayed
        writer.close()
        await writer.wait_closed()


def test_a_port_that_is_taken_ends_the_process_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        settings = ServiceSettings(listen=listen, kafka="", postgres="", secrets=Path())
        with pytest.raises(SystemExit, match=f"Cannot listen on {listen}: .* EVERLOG_LISTEN"):
            _socket(settings)


async def test_a_task_that_lost_its_cancellation_is_ended_nevertheless() -> None:
    """As Python 3.11's `asyncio.wait_for` loses it: the stop would never come to its end."""
    cancelled = 0

    async def deaf() -> None:
        nonlocal cancelled
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled += 1
                if cancelled == 2:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end([task], again_s=0.05)
    assert (task.cancelled(), cancelled) == (True, 2)


async def test_how_a_task_ended_is_nobody_s_business_at_the_end() -> None:
    async def failing() -> None:
        raise RuntimeError("out of luck")

    await end([asyncio.create_task(failing())])


async def test_a_cancellation_that_a_library_lets_out_ends_no_worker() -> None:
    """As aiokafka's clients do when they are stopped while their broker is away."""
    again = asyncio.Event()
    runs = 0

    async def work(_: Service) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            pausing = asyncio.create_task(asyncio.sleep(60))
            pausing.cancel()
            await pausing
        again.set()
        await asyncio.sleep(60)

    service = cast(Service, SimpleNamespace(failing={}))
    keeping = asyncio.create_task(_keep("work", service, work))
    async with asyncio.timeout(10):
        await again.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
