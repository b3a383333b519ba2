"""How fast facts are rebuilt, and how long a KPI over a million of them takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import uvloop

from analytics.manifest import MANIFEST
from analytics.testing import Bench, principal
from benchmarks.consuming import plain_rate
from benchmarks.report import Result
from benchmarks.rig import Stopwatch, say, servers, service
from chassis.chain import GENESIS
from chassis.codec import Codec
from chassis.errands import rebuilding
from chassis.events import Event, Stored, stream_name, topic_of, wire_name
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.postgres.database import Database
from chassis.wire import message_of
from pipeline.domain.deal import DEAL, DealMoved
from pipeline.testing.lives import opened, with_, won

EVENTS, EVENTS_A_DEAL = 1_000_000, 3
READ_MODELS = ("deal_closed", "pipeline_delta", "stage_entered", "kpi_rollup")
SINCE = datetime(2024, 1, 1, 12, tzinfo=UTC)
ASKED = 300  # fewer would make the 99th percentile the first question of a cold process
KPIS = ("revenue_won", "win_rate", "open_pipeline", "weighted_pipeline", "sales_cycle_days")
DIMENSIONS = ("owner", "product", "company", "source")


def measure(scale: float) -> list[Result]:
    """Rebuild every kind of fact of deals, then ask."""
    return uvloop.run(_measure(max(int(EVENTS * scale), 9_000)))


async def _measure(count: int) -> list[Result]:
    workspace = new_id()
    with servers() as where:
        async with service(MANIFEST, where) as running:
            say(f"facts: publishing {count:,} events")
            there = await _publish(where.kafka, count, workspace)
            plain = await plain_rate(where, [topic_of(wire_name(DealMoved))])
            rates = {}
            for name in READ_MODELS:
                with Stopwatch() as watch:
                    await rebuilding(running, name).run()
                rates[name] = there / watch.wall_s
                say(f"facts: {name} {rates[name]:,.0f} events/s")
            databases = [
                Database(running.dsn(role), name=role, most=2) for role in ("api", "worker")
            ]
            bench = Bench(*databases)
            await bench.start()
            try:
                answers = await _ask(bench, workspace)
            finally:
                await bench.stop()
    slowest = min(rates, key=lambda name: rates[name])
    return [
        Result(
            f"facts rebuild, {there:,} events, the slowest ({slowest})",
            rates[slowest],
            "events/s",
            goal=0.2,
            reference=plain,
            reference_name="aiokafka + JSON",
            detail=rates,
        ),
        *answers,
    ]


async def _ask(bench: Bench, workspace: UUID) -> list[Result]:
    """By month and one dimension: from roll-ups, and with both time axes."""
    who = principal(workspace)
    span = {"from_": "2024-01-01", "to": "2025-12-31"}
    past = {"as_of": "2025-10-01T00:00:00Z", "known_at": "2025-11-01T00:00:00Z"}
    results = []
    for title, more, goal in (("", {}, 150), (", both time axes", past, 600)):
        taken_ms = []
        for number in range(ASKED):
            kpi = KPIS[number % len(KPIS)]
            by = f"month,{DIMENSIONS[number % len(DIMENSIONS)]}"
            begin = time.perf_counter()
            await bench.ask(kpi, who, group_by=by, **span, **more)
            taken_ms.append((time.perf_counter() - begin) * 1000)
        taken_ms.sort()
        figure = f"KPI by month and one dimension{title}, p99"
        p99 = taken_ms[int(len(taken_ms) * 0.99)]
        detail = {"p50_ms": taken_ms[len(taken_ms) // 2]}
        results.append(Result(figure, p99, "ms", goal=goal, at_most=True, detail=detail))
    return results


def _lives(count: int) -> Iterator[list[Event]]:
    """Deals of two years: opened, moved, most of them won."""
    random = Random(1)
    owners, products, companies = ([new_id() for _ in range(n)] for n in (35, 7, 85))
    pipeline = new_id()
    for _ in range(count // EVENTS_A_DEAL):
        deal, at = new_id(), SINCE + timedelta(days=random.randint(0, 640))
        value, about = random.randint(100, 9_000) * 100, dict[str, Any](pipeline_id=pipeline)
        about |= {"owner_id": random.choice(owners), "product_id": random.choice(products)}
        about |= {"company_id": random.choice(companies), "source": random.choice(("web", "fair"))}
        begun = opened(at, deal_id=deal, value_minor=value, **about)
        moved = DealMoved(
            deal_id=deal,
            from_stage="lead",
            to_stage="offer",
            from_probability=10,
            to_probability=40,
            value_minor=value,
            currency="EUR",
            occurred_at=at + timedelta(days=10),
        )
        end = at + timedelta(days=random.randint(11, 80))
        closed = won(end, deal_id=deal, value_minor=value, opened_at=at, **about)
        yield [begun, moved, with_(closed, position_value_minor=value, stage="offer")]


async def _publish(kafka: str, count: int, workspace: UUID) -> int:
    codec, correlation, done = Codec(DEAL.events), new_id(), 0
    sink = await KafkaSink.open(kafka)
    batch = []
    try:
        for life in _lives(count):
            for version, event in enumerate(life, start=1):
                id_ = new_id()
                stored = Stored(
                    workspace=workspace,
                    stream=stream_name("deal", event.deal_id),  # type: ignore[attr-defined]
                    version=version,
                    id=id_,
                    type=wire_name(type(event)),
                    occurred_at=event.occurred_at,
                    recorded_at=event.occurred_at,
                    actor="bench",
                    correlation_id=correlation,
                    causation_id=None,
                    traceparent=None,
                    key_id=None,
                    data=codec.encode(event, id_.bytes, None),
                    hash=GENESIS or bytes(32),
                )
                batch.append(message_of(stored))
            if len(batch) > 5_000:
                await sink.publish(batch)
                done, batch = done + len(batch), []
        await sink.publish(batch)
        return done + len(batch)
    finally:
        await sink.close()
