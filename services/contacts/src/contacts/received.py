"""What this service reads of the other services' events: just the fields it uses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from chassis.events import PERSONAL, Event

# identity: who did it, and whose it is; what is counted in


class WorkspaceOpened(Event, frozen=True, tag="identity.workspace-opened.v1"):
    workspace_id: UUID
    currency: str


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class UserRenamed(Event, frozen=True, tag="identity.user-renamed.v1"):
    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class ApiTokenMade(Event, frozen=True, tag="identity.api-token-made.v1"):
    user_id: UUID
    token_id: UUID
    name: str
    expires_at: datetime | None = None


class ApiTokenRevoked(Event, frozen=True, tag="identity.api-token-revoked.v1"):
    user_id: UUID
    token_id: UUID


# pipeline: what is being sold to a person or a company


class DealOpened(Event, frozen=True, tag="pipeline.deal-opened.v1"):
    deal_id: UUID
    title: str
    stage: str
    value_minor: int
    currency: str
    contact_id: UUID | None = None
    company_id: UUID | None = None
    owner_id: UUID | None = None


class DealMoved(Event, frozen=True, tag="pipeline.deal-moved.v1"):
    deal_id: UUID
    from_stage: str
    to_stage: str


class DealRevalued(Event, frozen=True, tag="pipeline.deal-revalued.v1"):
    deal_id: UUID
    from_value_minor: int
    to_value_minor: int
    currency: str


class DealWon(Event, frozen=True, tag="pipeline.deal-won.v1"):
    deal_id: UUID
    value_minor: int
    currency: str
    closed_on: date


class DealLost(Event, frozen=True, tag="pipeline.deal-lost.v1"):
    deal_id: UUID
    value_minor: int
    currency: str
    closed_on: date
    reason: str | None = None


class DealReopened(Event, frozen=True, tag="pipeline.deal-reopened.v1"):
    deal_id: UUID
    was: str


class DealRetitled(Event, frozen=True, tag="pipeline.deal-retitled.v1"):
    deal_id: UUID
    title: str


class DealAssigned(Event, frozen=True, tag="pipeline.deal-assigned.v1"):
    deal_id: UUID
    owner_id: UUID | None = None


class DealRelinked(Event, frozen=True, tag="pipeline.deal-relinked.v1"):
    deal_id: UUID
    contact_id: UUID | None = None
    company_id: UUID | None = None


# campaigns: what was sent to a person, and what came back


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
    url: str
    machine: bool
    first: bool
    first_of_link: bool = False


class PersonUnsubscribed(Event, frozen=True, tag="campaigns.person-unsubscribed.v1"):
    person_id: UUID
    via: str
    broadcast_id: UUID | None = None
    topic: str | None = None


class PersonResubscribed(Event, frozen=True, tag="campaigns.person-resubscribed.v1"):
    person_id: UUID
    via: str | None = None


class RecipientSuppressed(Event, frozen=True, tag="campaigns.recipient-suppressed.v1"):
    person_id: UUID
    reason: str


class RecipientReleased(Event, frozen=True, tag="campaigns.recipient-released.v1"):
    person_id: UUID
    reason: str


RECEIVED: tuple[type[Event], ...] = (
    WorkspaceOpened,
    UserAdded,
    UserRenamed,
    ApiTokenMade,
    ApiTokenRevoked,
    DealOpened,
    DealMoved,
    DealRevalued,
    DealWon,
    DealLost,
    DealReopened,
    DealRetitled,
    DealAssigned,
    DealRelinked,
    BroadcastStarted,
    MessageSent,
    MessageOpened,
    LinkClicked,
    PersonUnsubscribed,
    PersonResubscribed,
    RecipientSuppressed,
    RecipientReleased,
)
