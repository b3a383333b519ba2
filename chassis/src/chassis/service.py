"""A running service: everything it is made of, put together once by the runner."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis.clock import Clock
from chassis.http.principal import Verifier
from chassis.kafka.source import RangeSource
from chassis.keys_topic import KnownKeys
from chassis.lane import LIVE
from chassis.lane_reader import LaneReader
from chassis.manifest import Manifest
from chassis.ports import Partition, Source
from chassis.postgres.database import Database, Record, dsn_for
from chassis.postgres.effects import Effects
from chassis.postgres.event_log import PostgresEventLog
from chassis.postgres.feed import Feed, FeedNews
from chassis.postgres.keys import PostgresSubjects
from chassis.postgres.lanes import PostgresLanes
from chassis.postgres.outbox import PostgresOutbox
from chassis.postgres.reminders import PostgresReminders
from chassis.progress import Progress
from chassis.reactor import Reacting
from chassis.settings import ServiceSettings
from chassis.vault import Keyring

API, WORKER, BOTH = "api", "worker", "both"

_LIVE = "select name, generation, version, lane from road.generations where status = 'live'"
_OFFSETS = """
select lane, topic, partition, next_offset, last_recorded_at from road.offsets
 where lane <> 'keys' order by lane, topic, partition
"""
_GENERATIONS = """
select name, generation, version, created_at, live_at, since, status = 'live' as answers,
       case when status = 'live' and lane <> 'live' then 'paused' else status end as status
  from road.generations where status <> 'retired' order by name, generation
"""
_BACKLOG = "select * from road.backlog()"
_TELL = """
insert into road.workers (instance, seen_at, failing) values ($1, now(), $2)
on conflict (instance) do update set seen_at = excluded.seen_at, failing = excluded.failing
"""
_FORGET = "delete from road.workers where seen_at < now() - interval '1 day'"
_WORKERS = """
select failing from road.workers where seen_at > now() - interval '15 seconds' order by seen_at
"""


_ENDS_S = 3.0
"""How long Kafka may take to say how far its topics go."""


class Service:
    """The parts of a service in one process. `work` has the worker's role, None in an api."""

    def __init__(
        self, manifest: Manifest, settings: ServiceSettings, clock: Clock, role: str
    ) -> None:
        self.manifest = manifest
        self.settings = settings
        self.clock = clock
        self.role = role
        self.keyring = Keyring.from_file(settings.secrets / "master.key")
        self.verifier = Verifier.from_file(settings.secrets / "verify.pem")
        self.codec = manifest.codec()
        self.wake_relay = asyncio.Event()
        self.instance = f"{manifest.service}@{socket.gethostname()}:{os.getpid()}"
        self.api = self._database("api")
        self.work = self._database("worker") if role != API else self.api
        self.api_subjects = PostgresSubjects(self.api, self.keyring)
        self.subjects = KnownKeys(
            self.work,
            PostgresSubjects(self.work, self.keyring),
            self.open_source,
            own=manifest.service,
        )
        self.log = self._log(self.api, self.api_subjects)
        self.work_log = self._log(self.work, PostgresSubjects(self.work, self.keyring))
        self.feed = Feed(self.api)
        self.feed_news = FeedNews(self.api)
        self.progress = Progress(self.api, manifest.categories())
        self.lanes = PostgresLanes(self.work)
        self.outbox = PostgresOutbox(self.work, manifest.service)
        self.reminders = PostgresReminders(self.work, clock)
        self.reacting = Reacting(manifest.reactions, self.work_log, self.reminders)
        self.effects = Effects(self.work, clock, self.instance)
        self.readable = False
        self.paused: frozenset[str] = frozenset()
        """Read models that answer with what they knew some time ago."""
        self.projecting = role == API
        """Whether the projector has found its place; it never has to in an api process."""
        self.failing: dict[str, str] = {}

    def dsn(self, role: str) -> str:
        """The address of this service's database for one of its roles."""
        return dsn_for(self.settings.postgres, self.manifest.service, role, self.keyring)

    def _database(self, role: str) -> Database:
        name = f"everlog {self.manifest.service} {role}"
        patience_s = self.settings.patience_s if role == API else None
        most = self.settings.connections
        return Database(self.dsn(role), name=name, most=most, patience_s=patience_s)

    def _log(self, database: Database, subjects: PostgresSubjects) -> PostgresEventLog:
        return PostgresEventLog(database, self.codec, subjects, self.clock, self.wake_relay.set)

    def open_source(self, positions: Mapping[Partition, int]) -> Source:
        """A reader of partitions of one's own choice."""
        return RangeSource(self.settings.kafka, positions)

    def reader(self, lane: str) -> LaneReader:
        """A reader of a lane; give it a source before it starts."""
        return LaneReader(lane, lanes=self.lanes, codec=self.codec, subjects=self.subjects)

    async def start(self) -> None:
        """Connect."""
        await self.api.start()
        if self.work is not self.api:
            await self.work.start()
        await self.refresh()

    async def stop(self) -> None:
        """Disconnect."""
        self.feed_news.stop()
        await self.subjects.stop()
        await self.api.stop()
        if self.work is not self.api:
            await self.work.stop()

    async def refresh(self) -> None:
        """Find out which generation of each read model answers now."""
        async with self.api.connection(None) as connection:
            rows = await connection.fetch(_LIVE)
        live = {row["name"]: (row["version"], row["generation"]) for row in rows}
        path = [
            f"{p.name}_g{live[p.name][1]}"
            for p in self.manifest.projections
            if live.get(p.name, (0, 0))[0] == p.version
        ]
        self.readable = len(path) == len(self.manifest.projections)
        self.paused = frozenset(row["name"] for row in rows if row["lane"] != LIVE)
        self.api.search_path = ", ".join([*path, "road"])
        self.work.search_path = self.api.search_path

    async def not_ready(self) -> list[str]:
        """Why this process cannot do its work; empty if it can."""
        wrong = [f"{name}: {error}" for name, error in self.failing.items()]
        try:
            async with asyncio.timeout(2), self.api.connection(None) as connection:
                await connection.fetchval("select 1")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            wrong.append(f"database: {error!r}")
        if not self.readable:
            wrong.append("read models of this release are being built")
        if not self.projecting:
            wrong.append("the projector has not been given its partitions yet")
        return wrong

    async def standing(self) -> dict[str, Any]:
        """Where this service stands: lanes and their lag, read models, outbox, parked sequences."""
        async with self.api.connection(None) as connection:
            offsets = await connection.fetch(_OFFSETS)
            generations = await connection.fetch(_GENERATIONS)
            backlog = await connection.fetchrow(_BACKLOG)
            workers = await connection.fetch(_WORKERS)
        ends = await self._ends({Partition(r["topic"], r["partition"]) for r in offsets})
        return {
            "service": self.manifest.service,
            "lanes": _lanes(offsets, ends, self.clock.now()),
            "read_models": [dict(row) for row in generations],
            "outbox": {"events": backlog["waiting"], "oldest_s": backlog["oldest_s"]},
            "parked": backlog["parked"],
            "failing": self._all_failing([row["failing"] for row in workers]),
        }

    async def tell(self) -> None:
        """Let those who answer operators know that this worker lives, and what fails in it."""
        async with self.work.connection(None) as connection:
            await connection.execute(_TELL, self.instance, self.failing)
            await connection.execute(_FORGET)

    def _all_failing(self, workers: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """What fails here and in the workers, which may be other processes, or none at all."""
        found = {name: error for failing in workers for name, error in failing.items()}
        if not workers:
            found["worker"] = f"No worker of {self.manifest.service} has been heard of lately."
        return found | self.failing

    async def _ends(self, partitions: set[Partition]) -> Mapping[Partition, int]:
        if not partitions:
            return {}
        source = RangeSource(self.settings.kafka, dict.fromkeys(partitions, 0))
        try:
            async with asyncio.timeout(_ENDS_S):
                await source.start()
                return await source.ends(partitions)
        except Exception:  # noqa: BLE001 - Kafka being away must not hide the rest
            return {}  # no end is known, so no lag is
        finally:
            await source.stop()


def _lanes(
    offsets: Sequence[Record], ends: Mapping[Partition, int], now: datetime
) -> list[dict[str, Any]]:
    """One row per lane and topic: events applied, events behind, seconds behind; the latter are
    None where nobody knows how far the topic goes."""
    lanes: dict[tuple[str, str], dict[str, Any]] = {}
    last: dict[tuple[str, str], datetime] = {}
    for row in offsets:
        place = (row["lane"], row["topic"])
        start = {"lane": row["lane"], "topic": row["topic"], "applied": 0, "lag_events": 0}
        lane = lanes.setdefault(place, start)
        end = ends.get(Partition(row["topic"], row["partition"]))
        lane["applied"] += row["next_offset"]
        if end is None or lane["lag_events"] is None:
            lane["lag_events"] = None
        else:
            lane["lag_events"] += max(0, end - row["next_offset"])
        if row["last_recorded_at"] is not None:
            last[place] = max(last.get(place, row["last_recorded_at"]), row["last_recorded_at"])
    for place, lane in lanes.items():
        lane["last_recorded_at"] = last.get(place)
        behind = lane["lag_events"] and place in last
        lane["lag_s"] = (now - last[place]).total_seconds() if behind else 0.0
        if lane["lag_events"] is None:
            lane["lag_s"] = None
    return list(lanes.values())
