"""Slim models of other services' events: only what facts and dimensions read.

Persons' data is left out: no fact holds a name or an address. Users' names are the exception: they
label the groups of a figure and stay sealed under the user's own key.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from chassis.events import PERSONAL, Event

# identity


class TeamFormed(Event, frozen=True, tag="identity.team-formed.v1"):
    team_id: UUID
    name: str
    region: str | None = None


class TeamRenamed(Event, frozen=True, tag="identity.team-renamed.v1"):
    team_id: UUID
    name: str
    region: str | None = None


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]
    team_id: UUID | None = None


class UserRenamed(Event, frozen=True, tag="identity.user-renamed.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class UserJoinedTeam(Event, frozen=True, tag="identity.user-joined-team.v1"):
    user_id: UUID
    team_id: UUID | None = None


# contacts


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    person_id: UUID
    company_id: UUID | None = None
    owner_id: UUID | None = None
    source: str | None = None
    country: str | None = None


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    company_id: UUID
    name: str
    sector: str | None = None
    country: str | None = None
    owner_id: UUID | None = None


class CompanyRenamed(Event, frozen=True, tag="contacts.company-renamed.v1"):
    company_id: UUID
    name: str


class CompanyProfileChanged(Event, frozen=True, tag="contacts.company-profile-changed.v1"):
    company_id: UUID
    sector: str | None = None
    country: str | None = None


# pipeline


class Stage(msgspec.Struct, frozen=True):
    key: str
    name: str


class PipelineDesigned(Event, frozen=True, tag="pipeline.pipeline-designed.v1"):
    pipeline_id: UUID
    name: str
    stages: tuple[Stage, ...]


class PipelineRedesigned(Event, frozen=True, tag="pipeline.pipeline-redesigned.v1"):
    pipeline_id: UUID
    name: str
    stages: tuple[Stage, ...]


class ProductListed(Event, frozen=True, tag="pipeline.product-listed.v1"):
    product_id: UUID
    name: str
    series: str | None = None


class ProductRenamed(Event, frozen=True, tag="pipeline.product-renamed.v1"):
    product_id: UUID
    name: str
    series: str | None = None


class DealOpened(Event, frozen=True, tag="pipeline.deal-opened.v1"):
    deal_id: UUID
    title: str
    pipeline_id: UUID
    stage: str
    probability: int
    value_minor: int
    currency: str
    company_id: UUID | None = None
    product_id: UUID | None = None
    owner_id: UUID | None = None
    source: str | None = None


class DealMoved(Event, frozen=True, tag="pipeline.deal-moved.v1"):
    deal_id: UUID
    from_stage: str
    to_stage: str
    from_probability: int
    to_probability: int
    value_minor: int
    currency: str


class DealRevalued(Event, frozen=True, tag="pipeline.deal-revalued.v1"):
    deal_id: UUID
    from_value_minor: int
    to_value_minor: int
    currency: str
    stage: str
    probability: int


class Overtaken(msgspec.Struct, frozen=True):
    """A change that turned out to lie after a closing: it never took place.

    `from_open`/`to_open` are false where the deal was closed before or after it.
    """

    at: datetime
    from_stage: str
    to_stage: str
    from_probability: int
    to_probability: int
    from_value_minor: int
    to_value_minor: int
    currency: str = ""
    from_open: bool = True
    to_open: bool = True


class DealClosed(Event, frozen=True):
    """What winning and losing have in common; no event of its own.

    `was_open` is false if the deal was closed on that day already; `overtaken_closings` are those
    that count no more from this closing on.
    """

    deal_id: UUID
    value_minor: int
    currency: str
    position_value_minor: int
    stage: str
    probability: int
    opened_at: datetime
    closed_on: date
    closing: int
    pipeline_id: UUID
    owner_id: UUID | None = None
    company_id: UUID | None = None
    product_id: UUID | None = None
    source: str | None = None
    overtaken: tuple[Overtaken, ...] = ()
    was_open: bool = True
    overtaken_closings: tuple[int, ...] = ()


class DealWon(DealClosed, frozen=True, tag="pipeline.deal-won.v1"):
    pass


class DealLost(DealClosed, frozen=True, tag="pipeline.deal-lost.v1"):
    pass


class DealReopened(Event, frozen=True, tag="pipeline.deal-reopened.v1"):
    """`value_minor` is the open value with which the deal comes back."""

    deal_id: UUID
    closing: int
    value_minor: int
    currency: str
    stage: str
    probability: int


class DealAssigned(Event, frozen=True, tag="pipeline.deal-assigned.v1"):
    deal_id: UUID
    owner_id: UUID | None = None


class DealRelinked(Event, frozen=True, tag="pipeline.deal-relinked.v1"):
    deal_id: UUID
    company_id: UUID | None = None
    product_id: UUID | None = None


class DealRetitled(Event, frozen=True, tag="pipeline.deal-retitled.v1"):
    deal_id: UUID
    title: str


# campaigns


class BroadcastStarted(Event, frozen=True, tag="campaigns.broadcast-started.v1"):
    broadcast_id: UUID
    name: str


class MessageSent(Event, frozen=True, tag="campaigns.message-sent.v1"):
    message_id: UUID
    broadcast_id: UUID
    person_id: UUID


class MessageOpened(Event, frozen=True, tag="campaigns.message-opened.v1"):
    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    machine: bool
    first: bool


class LinkClicked(Event, frozen=True, tag="campaigns.link-clicked.v1"):
    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    machine: bool
    first: bool
