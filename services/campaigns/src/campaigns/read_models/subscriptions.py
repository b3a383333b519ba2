"""Who wants no mail, about what, and why? Unsubscriptions, suppressions, silent addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Table,
    Text,
    Uuid,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union,
)

from campaigns.domain.recipient import (
    EVENTS,
    EVERYTHING,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientEvent,
    RecipientReleased,
    RecipientSuppressed,
)
from campaigns.received import PersonMerged, PersonUnmerged
from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_value
from chassis.projection import Add, Change, Projection, Put, Remove, read_table

UNSUBSCRIBED: Table = read_table(
    "unsubscribed",
    Column("person_id", Uuid),
    Column("topic", Text),
    Column("via", Text),
    Column("since", DateTime(timezone=True)),
    Column("broadcast_id", Uuid),
    key=("person_id", "topic"),
)
SUPPRESSED: Table = read_table(
    "suppressed",
    Column("person_id", Uuid),
    Column("reason", Text),
    Column("since", DateTime(timezone=True)),
    key=("person_id", "reason"),
)
SAME_PERSON: Table = read_table(
    "same_person",
    Column("person_id", Uuid),
    Column("other_id", Uuid),
    Column("merged_id", Uuid),
    Column("until", DateTime(timezone=True)),
    key=("person_id", "other_id", "merged_id"),
)
"""Records that are, or were, taken for one person, both ways: what one of them wanted no mail about
by then (`until`) counts for the other, for ever. `merged_id`: which was merged into the other."""
SILENT: Table = read_table(
    "silent_addresses",
    Column("address_hash", Text),
    Column("topic", Text),
    Column("people", BigInteger, nullable=False, server_default="0"),
    key=("address_hash", "topic"),
)


def project(
    recorded: Recorded[RecipientEvent | PersonMerged | PersonUnmerged],
) -> Iterable[Change]:
    """A row per person and topic, per person and reason; a count of people per silent address."""
    event = recorded.event
    if isinstance(event, PersonMerged | PersonUnmerged):
        yield from _same_person(event)
        return
    match event:
        case PersonUnsubscribed() as e:
            topic = e.topic or EVERYTHING
            columns = {"via": e.via, "since": e.occurred_at, "broadcast_id": e.broadcast_id}
            yield Put(UNSUBSCRIBED, (e.person_id, topic), columns)
            if e.address_hash is not None:
                yield Add(SILENT, (e.address_hash, topic), {"people": 1})
        case PersonResubscribed() as e:
            yield Remove(UNSUBSCRIBED, (e.person_id,))
            for lifted in e.lifted:
                if lifted.address_hash is not None:
                    place = (lifted.address_hash, lifted.topic or EVERYTHING)
                    yield Add(SILENT, place, {"people": -1})
        case RecipientSuppressed() as e:
            yield Put(SUPPRESSED, (e.person_id, e.reason), {"since": e.occurred_at})
        case RecipientReleased() as e:
            yield Remove(SUPPRESSED, (e.person_id, e.reason))


def _same_person(event: PersonMerged | PersonUnmerged) -> Iterable[Change]:
    one = event.person_id
    match event:
        case PersonMerged():
            other, until = event.into_id, None
        case PersonUnmerged():
            other, until = event.from_id, event.occurred_at
    for pair in ((one, other), (other, one)):
        yield Put(SAME_PERSON, (*pair, one), {"until": until})


PROJECTION = Projection(
    "subscriptions",
    2,
    (*EVENTS, PersonMerged, PersonUnmerged),
    (UNSUBSCRIBED, SUPPRESSED, SILENT, SAME_PERSON),
    project,
    shared=(SILENT,),
)


def blocked(
    workspace: ColumnElement[UUID], person: ColumnElement[UUID], topic: str
) -> ColumnElement[str | None]:
    """Why a person gets no mail about a topic, as a word; null if they may get it."""
    u, s = UNSUBSCRIBED.c, SUPPRESSED.c
    reason = (
        select(func.min(func.split_part(s.reason, ":", 1)))
        .where(s.workspace_id == workspace, s.person_id == person)
        .scalar_subquery()
    )
    about = u.topic.in_([EVERYTHING, topic])
    unsubscribed = exists().where(u.workspace_id == workspace, u.person_id == person, about)
    as_another = exists().where(*_as_another(workspace, person), about)
    return func.coalesce(
        reason, case((or_(unsubscribed, as_another), literal("unsubscribed")), else_=null())
    )


def _as_another(
    workspace: ColumnElement[UUID] | UUID, person: ColumnElement[UUID] | UUID
) -> list[ColumnElement[bool]]:
    """What a person wants no mail about as another record that is, or was, taken for theirs."""
    u, same = UNSUBSCRIBED.c, SAME_PERSON.c
    return [
        same.workspace_id == workspace,
        same.person_id == person,
        u.workspace_id == workspace,
        u.person_id == same.other_id,
        or_(same.until.is_(None), u.since <= same.until),
    ]


async def fetch_any_silent(connection: Connection, workspace: UUID) -> bool:
    """Whether a workspace has silent addresses at all."""
    s = SILENT.c
    found = select(exists().where(s.workspace_id == workspace, s.people > 0))
    return bool(await fetch_value(connection, found))


async def fetch_silent(
    connection: Connection, workspace: UUID, hashes: Sequence[str], topic: str
) -> frozenset[str]:
    """Those of these addresses (hashed) that want no mail about a topic."""
    if not hashes:
        return frozenset()
    s = SILENT.c
    statement = select(s.address_hash).where(
        s.workspace_id == workspace,
        s.address_hash.in_(hashes),
        s.topic.in_([EVERYTHING, topic]),
        s.people > 0,
    )
    return frozenset(row["address_hash"] for row in await fetch(connection, statement))


async def fetch_of_person(
    connection: Connection, workspace: UUID, person_id: UUID
) -> tuple[list[Record], list[Record]]:
    """A person's unsubscriptions and suppressions."""
    u, s = UNSUBSCRIBED.c, SUPPRESSED.c
    columns = select(u.topic, u.via, u.since, u.broadcast_id)
    own = columns.where(u.workspace_id == workspace, u.person_id == person_id)
    unsubscribed = union(own, columns.where(*_as_another(workspace, person_id))).subquery()
    suppressed = select(s.reason, s.since).where(
        s.workspace_id == workspace, s.person_id == person_id
    )
    return (
        await fetch(connection, select(unsubscribed).order_by(unsubscribed.c.since)),
        await fetch(connection, suppressed.order_by(s.since)),
    )
