"""Deals to test with: a pipeline, an opened deal, times of a spring, and whole lives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from chassis.errors import DomainError
from chassis.events import Event, Recorded
from chassis.ids import new_id
from chassis.testing.projections import History
from pipeline.domain.deal import (
    DEAL,
    KEEP,
    AssignDeal,
    DealCommand,
    DealEvent,
    DealOpened,
    DealWon,
    LoseDeal,
    MoveDeal,
    RelinkDeal,
    ReopenDeal,
    RescheduleDeal,
    RetitleDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.domain.pipeline import Pipeline, Stage

E = TypeVar("E", bound=Event)

DEAL_ID = UUID("01920000-0000-7000-8000-0000000000d1")
PIPELINE_ID = UUID("01920000-0000-7000-8000-0000000000a1")
ADA = UUID("01920000-0000-7000-8000-0000000000b1")
BEN = UUID("01920000-0000-7000-8000-0000000000b2")
ACME = UUID("01920000-0000-7000-8000-0000000000c1")
PERSON = UUID("01920000-0000-7000-8000-0000000000e1")
PRODUCT = UUID("01920000-0000-7000-8000-0000000000f1")

SALES = Pipeline(
    PIPELINE_ID,
    "Sales",
    (
        Stage("lead", "Lead", 10, 14),
        Stage("offer", "Offer", 40, 30),
        Stage("talks", "Talks", 80),
    ),
    retired=(Stage("demo", "Demo", 20),),
)


def on(day: int, hour: int = 12, month: int = 3) -> datetime:
    """A time in March 2026 (or another month of it)."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def opened(at: datetime | None = None, **changes: Any) -> DealOpened:
    """A deal of 1,000 € that began on 1 March in the first stage."""
    event = DealOpened(
        deal_id=DEAL_ID,
        title="Autumn list",
        pipeline_id=PIPELINE_ID,
        stage="lead",
        probability=10,
        value_minor=100_000,
        currency="EUR",
        contact_id=PERSON,
        company_id=ACME,
        product_id=None,
        owner_id=ADA,
        source="web",
        expected_close=date(2026, 4, 30),
        external_id=None,
        external_source=None,
        occurred_at=at or on(1),
    )
    return with_(event, **changes)


def won(at: datetime | None = None, **changes: Any) -> DealWon:
    """It was won on 10 March, from the first stage."""
    at = at or on(10)
    event = DealWon(
        deal_id=DEAL_ID,
        value_minor=100_000,
        currency="EUR",
        position_value_minor=100_000,
        stage="lead",
        probability=10,
        opened_at=on(1),
        closed_on=at.date(),
        closing=1,
        owner_id=ADA,
        company_id=ACME,
        contact_id=PERSON,
        product_id=None,
        source="web",
        pipeline_id=PIPELINE_ID,
        overtaken=(),
        occurred_at=at,
    )
    return with_(event, **changes)


def with_(event: E, **changes: Any) -> E:
    """The event with other fields."""
    return msgspec.structs.replace(event, **changes)


def random_life(random: Random, deal_id: UUID = DEAL_ID, length: int = 12) -> list[Recorded[Any]]:
    """A deal to which all kinds of things happen, entered late or at once, as the log keeps it."""
    book, life = History(), []
    day = random.randint(1, 10)
    begun = on(random.randint(1, day), random.randint(0, 11))
    owner = random.choice([ADA, BEN, None])
    event: DealEvent = opened(begun, deal_id=deal_id, owner_id=owner)
    life.append(book.add("deal", deal_id, event, recorded_at=on(day)))
    for _ in range(random.randint(0, length)):
        day = random.randint(day, 28)
        state = DEAL.fold(recorded.event for recorded in life)
        try:
            events = DEAL.decide(_random_command(random, day), state)
        except DomainError:
            continue
        life += [book.add("deal", deal_id, e, recorded_at=on(day)) for e in events]
    return life


def _random_command(random: Random, day: int) -> DealCommand:
    now = on(day)
    at = on(random.randint(1, day), random.randint(0, 11))
    commands: list[DealCommand] = [
        MoveDeal(random.choice(SALES.stages).key, SALES, now, at),
        RevalueDeal(random.randint(0, 10**6), now, random.choice(["EUR", "USD"]), at),
        WinDeal(at.date(), now, random.randint(0, 10**6)),
        LoseDeal(at.date(), now, random.choice([None, "too dear"])),
        ReopenDeal(now, at),
        ReopenDeal(now),
        AssignDeal(random.choice([ADA, BEN, None]), now),
        RetitleDeal(random.choice(["Autumn list", "Spring list"]), now),
        RescheduleDeal(random.choice([None, date(2026, 5, 1)]), now),
        RelinkDeal(
            now,
            contact_id=random.choice([KEEP, None, PERSON]),
            company_id=random.choice([KEEP, None, ACME]),
            product_id=random.choice([KEEP, None, PRODUCT]),
        ),
    ]
    return random.choice(commands)


def lives(seed: int, workspace: UUID, count: int) -> list[list[Recorded[Any]]]:
    """The lives of some deals in a workspace."""
    random = Random(seed)
    found = [random_life(random, new_id()) for _ in range(count)]
    return [[replace(recorded, workspace=workspace) for recorded in life] for life in found]
