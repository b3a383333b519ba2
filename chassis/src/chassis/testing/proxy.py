"""A TCP proxy that can be told to misbehave, between a program and PostgreSQL or Kafka.

async with fault_proxy("127.0.0.1", 5432) as proxy:
    proxy.delay_s = 0.5         each way
    proxy.hold()                half open: connections stay, nothing comes through
    proxy.lose_answers()        what is asked arrives; the answers do not, then it is cut
    proxy.cut()                 every connection breaks off
    proxy.heal()
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK = 1 << 16
_CUT_AFTER_S = 0.2
"""How long answers are swallowed before the connection breaks off: the server has time to act."""


class FaultProxy:
    """See the module. `port` is where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answers = True
        self.delay_s = 0.0
        self.swallowed = 0
        self.port = 0

    def hold(self) -> None:
        """Nothing comes through any more, in either direction, and nobody is told."""
        self._flowing.clear()

    def lose_answers(self) -> None:
        """Requests still arrive; the first answer is swallowed and its connection cut."""
        self._answers = False

    def cut(self) -> None:
        """Break off every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    def heal(self) -> None:
        """Behave."""
        self._answers, self.delay_s = True, 0.0
        self._flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        try:
            answers, requests = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, requests}
        try:
            ways = [
                asyncio.create_task(self._pass_on(reader, requests, is_answer=False)),
                asyncio.create_task(self._pass_on(answers, writer, is_answer=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except asyncio.CancelledError:
            return  # the proxy ends; asyncio would report a cancelled handler as a fault
        finally:
            self._writers -= {writer, requests}
            writer.transport.abort()
            requests.transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                if is_answer and not self._answers:
                    self.swallowed += 1
                    await asyncio.sleep(_CUT_AFTER_S)
                    return
                sink.write(data)
                await sink.drain()


@asynccontextmanager
async def fault_proxy(host: str, port: int, listen: int = 0) -> AsyncIterator[FaultProxy]:
    """A proxy before a server; `listen`: at this port instead of any that is free."""
    proxy = FaultProxy(host, port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", listen)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.heal()
        proxy.cut()
        await asyncio.sleep(0)
