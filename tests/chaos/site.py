"""One service on the grounds: its processes, somebody who asks it, and what it says in the end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from joserfc.jwk import OKPKey

from chassis.errands import rebuilding
from chassis.http.principal import Principal, sign
from chassis.ids import new_id
from chassis.imports.engine import caught_up
from chassis.manifest import Manifest
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.setup import prepare
from chassis.testing.service_bench import Client, parts
from chassis.verify import check_log
from embedded.ports import free_port
from tests.chaos.forking import Program, running
from tests.chaos.grounds import Grounds
from tests.chaos.groups import leave_for_the_dead

_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Site:
    """A service that is set up on the grounds. `more`: what its processes are told besides."""

    grounds: Grounds
    manifest: Manifest
    settings: ServiceSettings
    may: frozenset[str]
    more: Mapping[str, str]

    @property
    def trigger(self) -> Path:
        """The file that lets a process come to its point."""
        return self.grounds.home.run / f"{self.manifest.service}.now"

    @asynccontextmanager
    async def somebody(self, workspace: UUID | None = None) -> AsyncIterator[Client]:
        """Somebody who asks, in this workspace or one of their own."""
        key = OKPKey.import_key((self.grounds.home.secrets / "signing.key").read_bytes())
        named = ("Ada", "administrator", self.may)
        principal = Principal(new_id(), workspace or new_id(), *named)
        token = sign(key, principal, now=time.time(), lifetime_s=3600)
        client = Client(self.settings, token, principal, key)
        try:
            yield client
        finally:
            await client.close()

    @contextmanager
    def process(
        self,
        *arguments: str,
        listen: str = "",
        point: str | None = None,
        with_: signal.Signals = signal.SIGKILL,
        relay_silent_s: float | None = None,
    ) -> Iterator[ForkServerProcess]:
        """A process of it; with a `point` it dies there (or is frozen: SIGSTOP) once the trigger
        is pulled."""
        self.trigger.unlink(missing_ok=True)
        environ = {
            "EVERLOG_LISTEN": listen or self.settings.listen,
            "EVERLOG_KAFKA": self.settings.kafka,
            "EVERLOG_POSTGRES": self.settings.postgres,
            "EVERLOG_SECRETS": str(self.settings.secrets),
            **self.more,
        }
        service = self.manifest.service
        log = self.grounds.home.log(service)
        when = self.trigger if point else None
        program = Program(
            service, arguments, environ, log, point, when, with_, relay_silent_s=relay_silent_s
        )
        with running(program) as process:
            yield process

    async def ready(self, ask: Client, listen: str = "") -> None:
        """Wait until a process answers that it can do its work."""
        url = f"http://{listen or self.settings.listen}/readyz"
        async with asyncio.timeout(_STARTS_WITHIN_S):
            while True:
                try:
                    async with ask.session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def dies(self, process: ForkServerProcess, within_s: float = 30.0) -> int:
        """The same of one that has partitions; Kafka is told at once."""
        code = await self.ends(process, within_s)
        groups = [f"everlog.{self.manifest.service}.projector"]
        if self.manifest.reactions:
            groups.append(f"everlog.{self.manifest.service}.reactor")
        await leave_for_the_dead(self.settings.kafka, groups)
        return code

    async def ends(self, process: ForkServerProcess, within_s: float = 30.0) -> int:
        """Pull the trigger and wait for a process's end; its exit code."""
        self.trigger.touch()
        async with asyncio.timeout(within_s):
            while (code := process.exitcode) is None:
                await asyncio.sleep(0.02)
        return code

    async def wrong(self, read_models: Sequence[str] = ()) -> list[str]:
        """What `everlog verify` would find, once all is at rest; of these read models, or all."""
        async with parts(self.manifest, self.settings) as service:
            await caught_up(service)
            check = await check_log(service)
            found = [*check.wrong, *await _parked(service)]
            if check.waiting:
                found.append(f"{check.waiting} events are still on their way")
            for name in read_models or [p.name for p in self.manifest.projections]:
                compared = await rebuilding(service, name).compare()
                found += [f"{name}.{each.table} differs" for each in compared if not each.equal]
        return found

    async def all_ids(self, ask: Client, path: str) -> list[str]:
        """Of everything that a list has, page by page."""
        found: list[str] = []
        cursor = ""
        while True:
            status, page, headers = await ask("GET", f"{path}?limit=200{cursor}")
            assert status == 200, page
            assert "Everlog-Stale" not in headers
            found += [str(item["id"]) for item in page["items"]]
            if page["next"] is None:
                return sorted(found)
            cursor = f"&cursor={page['next']}"


async def set_up(
    grounds: Grounds,
    manifest: Manifest,
    settings: type[ServiceSettings],
    may: frozenset[str],
    *,
    told: Mapping[str, str] | None = None,
    **more: Any,
) -> Site:
    """The service's database and topics, and where it will answer. `told`: what the environment of
    its processes has besides, `more`: further settings."""
    home = grounds.home
    await prepare(manifest, postgres=home.postgres_admin, kafka=home.kafka, secrets=home.secrets)
    given = settings(
        listen=f"127.0.0.1:{free_port()}",
        kafka=home.kafka,
        postgres=home.postgres,
        secrets=home.secrets,
        **more,
    )
    as_settings = {f"EVERLOG_{name.upper()}": str(value) for name, value in more.items()}
    return Site(grounds, manifest, given, may, {**as_settings, **(told or {})})


async def _parked(service: Service) -> list[str]:
    async with service.work.connection(None) as connection:
        rows = await connection.fetch("select projection, stream, cause, error from road.parked")
    return [f"parked: {tuple(row)}" for row in rows]
