"""What /metrics of a process says: what the process has counted, and how its service stands.

Counters and durations are this process's own: add them up. How the service stands (outbox, lag,
what is parked) is read from its database at every question and is the same from each of its
workers: take the largest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from chassis.postgres.database import Connection, Database
from chassis.service import API, Service

log = structlog.get_logger("measuring")

_READ_WITHIN_S = 8.0
"""Less than the ten seconds after which Prometheus gives up."""
_STUCK_AFTER_S = 300

_WORKERS = "select count(*) from road.workers where seen_at > now() - interval '15 seconds'"
_PARKED = """
select projection, cause, count(*) as sequences,
       extract(epoch from now() - min(parked_at)) as oldest_s
  from road.parked group by 1, 2
"""
_ERRANDS = """
select kind, status, count(*) as errands from (
    select distinct on (kind, arguments->>'read_model', arguments->>'stream') kind, status
      from road.errands
     order by kind, arguments->>'read_model', arguments->>'stream', asked_at desc) as latest
 group by 1, 2
"""
_RUNNING = """
select kind, arguments->>'read_model' as read_model, done, total,
       extract(epoch from now() - updated_at) as still_s
  from road.errands where status = 'running'
"""
_EFFECTS = """
select kind, status, count(*) as effects, extract(epoch from now() - min(claimed_at)) as oldest_s
  from road.effects where status = 'claimed' group by 1, 2
union all
select kind, status, count(*), extract(epoch from now() - min(claimed_at))
  from road.effects where status = 'uncertain' group by 1, 2
"""
_REMINDERS = """
select kind, 'given_up' as state, count(*) as reminders
  from road.due where try_at is null group by 1
union all
select kind, 'overdue', count(*)
  from road.due where try_at < now() - interval '1 minute' group by 1
"""
_DATABASE = """
select numbackends, xact_commit, xact_rollback, blks_hit, blks_read, deadlocks,
       pg_database_size(datname) as size
  from pg_stat_database where datname = current_database()
"""

Samples = Iterable[tuple[Sequence[str], float]]


def gauge(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    """A gauge as it is at this moment."""
    family = GaugeMetricFamily(name, help_, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def counter(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    """A counter that somebody else keeps."""
    family = CounterMetricFamily(name, help_, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


class _Told:
    """What is to be said, as prometheus_client wants it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        yield from self._families


def exposition(families: Iterable[Metric]) -> bytes:
    """This process's own counters, and these."""
    told: Any = _Told(families)
    return generate_latest(REGISTRY) + generate_latest(told)


def of_process(service: str, role: str, *, ready: bool) -> list[Metric]:
    """What every process says."""
    info = [((service, role), 1.0)]
    return [
        gauge("everlog_process_info", "Which process this is.", ("service", "role"), info),
        gauge("everlog_ready", "Whether the process can do its work.", (), [((), float(ready))]),
    ]


async def of_service(service: Service) -> list[Metric]:
    """What a service's process says besides its own counters."""
    name, role = service.manifest.service, service.role
    found = of_process(name, role, ready=not await service.not_ready())
    failing = [((task,), 1.0) for task in service.failing]
    found += [
        gauge(
            "everlog_task_failing", "Tasks of the process that keep failing.", ("task",), failing
        ),
        *of_pools([service.api] if role == API else [service.api, service.work]),
    ]
    try:
        async with asyncio.timeout(_READ_WITHIN_S):
            standing = await (_of_api(service) if role == API else _of_worker(service))
    except Exception as error:  # noqa: BLE001 - the database being away must not hide the rest
        log.warning("cannot be measured", error=error)
        standing = None
    read = [((), float(standing is not None))]
    help_ = "Whether the state of the service could be read; if not, it is missing here."
    return [*found, gauge("everlog_state_read", help_, (), read), *(standing or ())]


def of_pools(databases: Sequence[Database]) -> list[Metric]:
    """Connections of this process to its database."""
    sizes = {d.pool: d.connections() for d in databases}
    states = [
        ((p, s), n)
        for p, (used, idle, _) in sizes.items()
        for s, n in (("used", used), ("idle", idle))
    ]
    most = [((pool,), float(limit)) for pool, (_, _, limit) in sizes.items()]
    return [
        gauge("everlog_db_connections", "Connections to the database.", ("pool", "state"), states),
        gauge("everlog_db_connections_limit", "Connections at most.", ("pool",), most),
    ]


async def _of_api(service: Service) -> list[Metric]:
    async with service.api.connection(None) as connection:
        return [await _workers(connection)]


async def _workers(connection: Connection) -> Metric:
    alive = [((), float(await connection.fetchval(_WORKERS)))]
    return gauge("everlog_workers", "Workers of the service heard of in the last 15 s.", (), alive)


async def _of_worker(service: Service) -> list[Metric]:
    standing = await service.standing()
    async with service.work.connection(None) as connection:
        return [
            await _workers(connection),
            *_road(standing),
            *_parked(await connection.fetch(_PARKED)),
            *_errands(await connection.fetch(_ERRANDS), await connection.fetch(_RUNNING)),
            *_effects(await connection.fetch(_EFFECTS)),
            _reminders(await connection.fetch(_REMINDERS)),
            *_database(await connection.fetchrow(_DATABASE)),
        ]


def _road(standing: Mapping[str, Any]) -> list[Metric]:
    outbox, lanes = standing["outbox"], standing["lanes"]
    # What is not known, since Kafka does not say how far its topics go, is left out.
    known = [lane for lane in lanes if lane["lag_events"] is not None]
    places = [((lane["lane"], lane["topic"]), lane) for lane in known]
    topics = {lane["topic"]: lane["applied"] + lane["lag_events"] for lane in known}
    by = ("lane", "topic")
    return [
        gauge("everlog_outbox_events", "Events waiting for Kafka.", (), [((), outbox["events"])]),
        gauge(
            "everlog_outbox_oldest_age_seconds",
            "Age of the oldest event waiting for Kafka.",
            (),
            [((), outbox["oldest_s"])],
        ),
        gauge(
            "everlog_consumer_lag_events",
            "Events a lane has not gone past yet.",
            by,
            [(place, lane["lag_events"]) for place, lane in places],
        ),
        gauge(
            "everlog_consumer_lag_seconds",
            "Age of what a lane applied last, if it is behind.",
            by,
            [(place, lane["lag_s"]) for place, lane in places],
        ),
        gauge(
            "everlog_topic_events",
            "Messages on a topic.",
            ("topic",),
            [((topic,), float(count)) for topic, count in topics.items()],
        ),
    ]


def _parked(rows: Sequence[Any]) -> list[Metric]:
    by, places = ("read_model", "cause"), [((r["projection"], r["cause"]), r) for r in rows]
    return [
        gauge(
            "everlog_parked_sequences",
            "Sequences that are parked.",
            by,
            [(place, row["sequences"]) for place, row in places],
        ),
        gauge(
            "everlog_parked_oldest_age_seconds",
            "How long the oldest of them has been parked.",
            by,
            [(place, float(row["oldest_s"])) for place, row in places],
        ),
    ]


def _errands(latest: Sequence[Any], running: Sequence[Any]) -> list[Metric]:
    dead = [r["kind"] for r in running if r["still_s"] > _STUCK_AFTER_S]
    rebuilds = [r for r in running if r["kind"] == "rebuild"]
    return [
        gauge(
            "everlog_errands",
            "The latest errand of each kind about each thing, by what became of it.",
            ("kind", "status"),
            [((r["kind"], r["status"]), r["errands"]) for r in latest],
        ),
        gauge(
            "everlog_errands_dead",
            "Errands that are said to run, but have not moved for five minutes.",
            ("kind",),
            [((kind,), float(dead.count(kind))) for kind in set(dead)],
        ),
        gauge(
            "everlog_rebuild_progress_ratio",
            "How far a rebuild under way is, from 0 to 1.",
            ("read_model",),
            [((r["read_model"],), r["done"] / r["total"] if r["total"] else 0.0) for r in rebuilds],
        ),
    ]


def _effects(rows: Sequence[Any]) -> list[Metric]:
    by, places = ("kind", "status"), [((r["kind"], r["status"]), r) for r in rows]
    return [
        gauge(
            "everlog_effects",
            "Entries of the send ledger that are claimed or uncertain.",
            by,
            [(place, row["effects"]) for place, row in places],
        ),
        gauge(
            "everlog_effects_oldest_age_seconds",
            "Age of the oldest of them.",
            by,
            [(place, float(row["oldest_s"])) for place, row in places],
        ),
    ]


def _reminders(rows: Sequence[Any]) -> Metric:
    samples = [((r["kind"], r["state"]), float(r["reminders"])) for r in rows]
    help_ = "Work whose time has come and gone, or that was given up."
    return gauge("everlog_reminders", help_, ("kind", "state"), samples)


def _database(row: Any) -> list[Metric]:
    ends = [(("commit",), row["xact_commit"]), (("rollback",), row["xact_rollback"])]
    blocks = [(("memory",), row["blks_hit"]), (("disk",), row["blks_read"])]
    return [
        gauge("everlog_db_size_bytes", "Size of the database.", (), [((), row["size"])]),
        gauge("everlog_db_backends", "Sessions on the database.", (), [((), row["numbackends"])]),
        counter("everlog_db_transactions", "Transactions by their end.", ("end",), ends),
        counter("everlog_db_blocks", "Blocks read, by where they were.", ("source",), blocks),
        counter("everlog_db_deadlocks", "Deadlocks.", (), [((), row["deadlocks"])]),
    ]
