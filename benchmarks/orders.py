"""What the benchmarks of the road run on: orders, a read model of ten columns, and their events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Text, Uuid

from chassis.chain import GENESIS, digest, link
from chassis.codec import Codec
from chassis.decider import Decider
from chassis.events import Event, Recorded, Stored, stream_name, wire_name
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.manifest import Manifest
from chassis.projection import Add, Change, Projection, Put, read_table
from chassis.wire import message_of

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS_A_STREAM = 5


class OrderPlaced(Event, frozen=True, tag="orders.order-placed.v1"):
    """An order came in."""

    order_id: UUID
    number: str
    customer_id: UUID
    city: str
    channel: str
    currency: str
    total_minor: int
    note: str | None = None


class OrderPacked(Event, frozen=True, tag="orders.order-packed.v1"):
    """It was packed."""

    order_id: UUID
    parcels: int


class OrderShipped(Event, frozen=True, tag="orders.order-shipped.v1"):
    """It was handed to a carrier."""

    order_id: UUID
    carrier: str


class OrderPaid(Event, frozen=True, tag="orders.order-paid.v1"):
    """It was paid."""

    order_id: UUID
    total_minor: int


OrderEvent = OrderPlaced | OrderPacked | OrderShipped | OrderPaid
EVENTS: tuple[type[OrderEvent], ...] = (OrderPlaced, OrderPacked, OrderShipped, OrderPaid)


def decide(command: OrderEvent, _: OrderEvent | None) -> list[OrderEvent]:
    """Whatever is said has happened."""
    return [command]


def evolve(_: OrderEvent | None, event: OrderEvent) -> OrderEvent | None:
    """The last event stands for the order."""
    return event


ORDER: Decider[OrderEvent, OrderEvent | None, OrderEvent] = Decider(
    "order", None, decide, evolve, EVENTS
)

ORDERS = read_table(
    "orders",
    Column("order_id", Uuid),
    Column("number", Text),
    Column("customer_id", Uuid),
    Column("city", Text),
    Column("channel", Text),
    Column("currency", Text),
    Column("total_minor", BigInteger),
    Column("placed_at", DateTime(timezone=True)),
    Column("carrier", Text),
    Column("parcels", BigInteger, nullable=False, server_default="0"),
    Column("paid", Boolean, nullable=False, server_default="false"),
    key=("order_id",),
)


def project(recorded: Recorded[OrderEvent]) -> Iterable[Change]:
    """One row per order."""
    match recorded.event:
        case OrderPlaced() as e:
            columns = {
                "number": e.number,
                "customer_id": e.customer_id,
                "city": e.city,
                "channel": e.channel,
                "currency": e.currency,
                "total_minor": e.total_minor,
                "placed_at": e.occurred_at,
            }
            yield Put(ORDERS, (e.order_id,), columns)
        case OrderPacked() as e:
            yield Add(ORDERS, (e.order_id,), {"parcels": e.parcels})
        case OrderShipped() as e:
            yield Put(ORDERS, (e.order_id,), {"carrier": e.carrier})
        case OrderPaid() as e:
            yield Put(ORDERS, (e.order_id,), {"paid": True})


ORDER_LIST = Projection("order_list", 1, EVENTS, (ORDERS,), project)
MANIFEST = Manifest("orders", deciders=(ORDER,), projections=(ORDER_LIST,))

_CITIES = ("Berlin", "Leipzig", "Wien", "Zürich", "Lyon", "København", "Praha", "Utrecht")


def placed(order_id: UUID, number: int) -> OrderPlaced:
    """The beginning of an order."""
    return OrderPlaced(
        order_id=order_id,
        number=f"B-{number:08}",
        customer_id=order_id,
        city=_CITIES[number % len(_CITIES)],
        channel="web" if number % 3 else "shop",
        currency="EUR",
        total_minor=1_000 + number % 90_000,
        occurred_at=SINCE + timedelta(seconds=number),
    )


def _life(number: int) -> list[OrderEvent]:
    id_, at = new_id(), SINCE + timedelta(seconds=number)
    return [
        placed(id_, number),
        OrderPacked(order_id=id_, parcels=1, occurred_at=at),
        OrderPacked(order_id=id_, parcels=2, occurred_at=at),
        OrderShipped(order_id=id_, carrier="Bicycle & Co", occurred_at=at),
        OrderPaid(order_id=id_, total_minor=1_000, occurred_at=at),
    ]


def stored_events(count: int, workspace: UUID) -> Iterator[Stored]:
    """Lives of orders as the log keeps them, chained."""
    codec = Codec(EVENTS)
    correlation = new_id()
    for number in range(count // EVENTS_A_STREAM):
        hash_ = GENESIS
        for version, event in enumerate(_life(number), start=1):
            id_ = new_id()
            stored = Stored(
                workspace=workspace,
                stream=stream_name("order", event.order_id),
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
                hash=b"",
            )
            hash_ = link(hash_, version, stored.recorded_at, digest(stored))
            yield replace(stored, hash=hash_)


async def publish(kafka: str, count: int, workspace: UUID) -> int:
    """Put so many events on the topic; returns how many there are."""
    sink = await KafkaSink.open(kafka)
    batch, done = [], 0
    try:
        for stored in stored_events(count, workspace):
            batch.append(message_of(stored))
            if len(batch) == 5_000:
                await sink.publish(batch)
                done += len(batch)
                batch = []
                await asyncio.sleep(0)
        if batch:
            await sink.publish(batch)
            done += len(batch)
    finally:
        await sink.close()
    return done
