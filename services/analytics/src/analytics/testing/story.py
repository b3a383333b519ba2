"""Tells stories of a business as events, folds them into facts in PostgreSQL, asks KPIs.

story = Story()
deal = story.deal(100_00, on="2017-01-05", owner=ADA)
deal.win("2017-02-01")
bench.load(story); await bench.ask("win_rate") == {"value": 1.0, …}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from analytics.received import (
    BroadcastStarted,
    CompanyAdded,
    DealAssigned,
    DealLost,
    DealMoved,
    DealOpened,
    DealRelinked,
    DealReopened,
    DealRevalued,
    DealWon,
    LinkClicked,
    MessageOpened,
    MessageSent,
    Overtaken,
    PersonAdded,
    PipelineDesigned,
    ProductListed,
    Stage,
    TeamFormed,
    UserAdded,
)
from chassis.events import Event, Recorded
from chassis.ids import new_id
from chassis.testing.projections import History

_NOON = time(12, tzinfo=UTC)


def noon(day: str | date) -> datetime:
    """Noon of a day (UTC); a moment as it is."""
    if isinstance(day, str) and "T" in day:
        return datetime.fromisoformat(day)
    return datetime.combine(date.fromisoformat(day) if isinstance(day, str) else day, _NOON)


@dataclass
class Deal:
    """A deal of a story. `on`: the day it happened; `known`: when it was recorded, if later."""

    story: Story
    id: UUID
    pipeline: UUID
    opened: datetime
    stage: str
    probability: int
    value: int
    currency: str
    owner: UUID | None
    company: UUID | None
    product: UUID | None
    source: str | None
    closings: int = 0

    def move(self, stage: str, probability: int, on: str, known: str | None = None) -> Deal:
        """It comes into another stage."""
        self._tell(
            DealMoved(
                deal_id=self.id,
                from_stage=self.stage,
                to_stage=stage,
                from_probability=self.probability,
                to_probability=probability,
                value_minor=self.value,
                currency=self.currency,
                occurred_at=noon(on),
            ),
            known,
        )
        self.stage, self.probability = stage, probability
        return self

    def revalue(self, value: int, on: str, known: str | None = None) -> Deal:
        """Another amount is expected of it."""
        self._tell(
            DealRevalued(
                deal_id=self.id,
                from_value_minor=self.value,
                to_value_minor=value,
                currency=self.currency,
                stage=self.stage,
                probability=self.probability,
                occurred_at=noon(on),
            ),
            known,
        )
        self.value = value
        return self

    def win(self, on: str, value: int | None = None, known: str | None = None, **more: Any) -> Deal:
        """It is won, perhaps for another value."""
        self.closings += 1
        final = self.value if value is None else value
        self._tell(DealWon(value_minor=final, **self._closing(on) | more), known)
        return self

    def lose(self, on: str, known: str | None = None, **more: Any) -> Deal:
        """It is lost."""
        self.closings += 1
        self._tell(DealLost(value_minor=self.value, **self._closing(on) | more), known)
        return self

    def reopen(self, on: str, known: str | None = None) -> Deal:
        """It is open again."""
        self._tell(
            DealReopened(
                deal_id=self.id,
                closing=self.closings,
                value_minor=self.value,
                currency=self.currency,
                stage=self.stage,
                probability=self.probability,
                occurred_at=noon(on),
            ),
            known,
        )
        return self

    def assign(self, owner: UUID | None, on: str, known: str | None = None) -> Deal:
        """It is somebody else's."""
        self.owner = owner
        self._tell(DealAssigned(deal_id=self.id, owner_id=owner, occurred_at=noon(on)), known)
        return self

    def relink(self, on: str, *, company: UUID | None, product: UUID | None) -> Deal:
        """It is with another company, about another product."""
        self.company, self.product = company, product
        event = DealRelinked(
            deal_id=self.id, company_id=company, product_id=product, occurred_at=noon(on)
        )
        self._tell(event, None)
        return self

    def moved_back(self, stage: str, probability: int) -> Overtaken:
        """The move that brought it here, as a closing before it lists it."""
        return Overtaken(
            at=self.story.events[-1].occurred_at,
            from_stage=stage,
            to_stage=self.stage,
            from_probability=probability,
            to_probability=self.probability,
            from_value_minor=self.value,
            to_value_minor=self.value,
        )

    def _closing(self, on: str) -> dict[str, Any]:
        return {
            "deal_id": self.id,
            "currency": self.currency,
            "position_value_minor": self.value,
            "stage": self.stage,
            "probability": self.probability,
            "opened_at": self.opened,
            "closed_on": noon(on).date(),
            "closing": self.closings,
            "pipeline_id": self.pipeline,
            "owner_id": self.owner,
            "company_id": self.company,
            "product_id": self.product,
            "source": self.source,
            "occurred_at": noon(on),
        }

    def _tell(self, event: Event, known: str | None) -> None:
        self.story.tell("deal", self.id, event, known)


@dataclass
class Story:
    """What happened in a workspace, as recorded events."""

    workspace: UUID = field(default_factory=new_id)
    events: list[Recorded[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._history = History(self.workspace)

    def tell(self, category: str, id_: UUID, event: Event, known: str | None = None) -> None:
        """Record an event."""
        at = noon(known) if known else None
        self.events.append(self._history.add(category, id_, event, recorded_at=at))

    def deal(self, value: int, on: str, **more: Any) -> Deal:
        """A deal is opened; `more`: stage, probability, currency, owner, company, …, known."""
        known = more.pop("known", None)
        links = {name: more.pop(name, None) for name in ("owner", "company", "product", "source")}
        event = DealOpened(
            deal_id=new_id(),
            title=more.pop("title", "A deal"),
            pipeline_id=more.pop("pipeline", UUID(int=1)),
            stage=more.pop("stage", "offer"),
            probability=more.pop("probability", 50),
            value_minor=value,
            currency=more.pop("currency", "EUR"),
            company_id=links["company"],
            product_id=links["product"],
            owner_id=links["owner"],
            source=links["source"],
            occurred_at=noon(on),
        )
        assert not more, more
        self.tell("deal", event.deal_id, event, known)
        return Deal(
            story=self,
            id=event.deal_id,
            pipeline=event.pipeline_id,
            opened=event.occurred_at,
            stage=event.stage,
            probability=event.probability,
            value=value,
            currency=event.currency,
            **links,
        )

    def user(self, name: str, team: UUID | None = None) -> UUID:
        """Somebody who owns deals and contacts."""
        event = UserAdded(user_id=new_id(), name=name, team_id=team, occurred_at=noon("2016-01-01"))
        self.tell("user", event.user_id, event)
        return event.user_id

    def team(self, name: str, region: str | None = None) -> UUID:
        """A team."""
        event = TeamFormed(
            team_id=new_id(), name=name, region=region, occurred_at=noon("2016-01-01")
        )
        self.tell("team", event.team_id, event)
        return event.team_id

    def company(self, name: str, sector: str | None = None, **more: Any) -> UUID:
        """A company; `more`: country, owner_id, on, known."""
        on, known = more.pop("on", "2016-01-01"), more.pop("known", None)
        event = CompanyAdded(
            company_id=new_id(), name=name, sector=sector, occurred_at=noon(on), **more
        )
        self.tell("company", event.company_id, event, known)
        return event.company_id

    def product(self, name: str, series: str | None = None) -> UUID:
        """A product."""
        event = ProductListed(
            product_id=new_id(), name=name, series=series, occurred_at=noon("2016-01-01")
        )
        self.tell("product", event.product_id, event)
        return event.product_id

    def pipeline(self, name: str, *stages: Stage) -> UUID:
        """A pipeline."""
        event = PipelineDesigned(
            pipeline_id=new_id(), name=name, stages=stages, occurred_at=noon("2016-01-01")
        )
        self.tell("pipeline", event.pipeline_id, event)
        return event.pipeline_id

    def person(self, on: str, known: str | None = None, **more: Any) -> UUID:
        """A person is added; `more`: owner_id, company_id, source, country."""
        event = PersonAdded(person_id=new_id(), occurred_at=noon(on), **more)
        self.tell("person", event.person_id, event, known)
        return event.person_id

    def broadcast(self, name: str) -> UUID:
        """A broadcast."""
        event = BroadcastStarted(broadcast_id=new_id(), name=name, occurred_at=noon("2016-01-01"))
        self.tell("broadcast", event.broadcast_id, event)
        return event.broadcast_id

    def message(self, broadcast: UUID, on: str, person: UUID | None = None) -> Message:
        """A message is sent."""
        message = Message(self, new_id(), broadcast, person or new_id())
        sent = MessageSent(occurred_at=noon(on), **message.ids())
        self.tell("message", message.id, sent)
        return message


@dataclass
class Message:
    """A message of a story."""

    story: Story
    id: UUID
    broadcast: UUID
    person: UUID

    def ids(self) -> dict[str, UUID]:
        """What its events say of it."""
        return {
            "message_id": self.id,
            "broadcast_id": self.broadcast,
            "person_id": self.person,
        }

    def open(
        self, on: str, *, machine: bool = False, first: bool = True, known: str | None = None
    ) -> Message:
        """It is opened."""
        event = MessageOpened(machine=machine, first=first, occurred_at=noon(on), **self.ids())
        self.story.tell("message", self.id, event, known)
        return self

    def click(self, on: str, *, machine: bool = False, first: bool = True) -> Message:
        """A link in it is followed."""
        event = LinkClicked(machine=machine, first=first, occurred_at=noon(on), **self.ids())
        self.story.tell("message", self.id, event)
        return self
