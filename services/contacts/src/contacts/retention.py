"""Whom does a rule of retention find, and erasing them in the background.

It is run as imports are: a chunk of records in one transaction with how far it is, so that nobody
is left out when a process dies. Everybody is looked at once more before they are erased: whoever
did something meanwhile, or has an open deal by now, stays. Merged records go with the one that
answers for them, each as a row of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    any_,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from chassis.imports import (
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Remove,
    Skip,
)
from chassis.ports import Append, Context, Loaded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_value
from contacts.bulk import COLUMNS, read_picked
from contacts.domain.person import PERSON
from contacts.domain.person.commands import ErasePerson
from contacts.domain.person.state import Person
from contacts.domain.retention_rule import Terms
from contacts.read_models.consent_ledger import CONSENT_LEDGER
from contacts.read_models.deal_standings import DEAL_PEOPLE, DEAL_STANDINGS, OPEN, WON
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.person_record import CONSENTS
from contacts.read_models.purchases import PURCHASES
from contacts.read_models.segment_members import is_member
from contacts.read_models.survivors import SURVIVORS
from contacts.read_models.timeline import TIMELINE
from contacts.read_models.traits import CLICKED, DEEDS, INTERACTION, OPENED

KIND = "retention"
SAMPLE = 50
FAILED = "kept: "
"""Begins the remark that counts a reason."""
_MEANWHILE = "Something happened with this person meanwhile."

_P = PEOPLE.c
_OTHERS = (
    select(SURVIVORS.c.person_id)
    .where(SURVIVORS.c.workspace_id == _P.workspace_id, SURVIVORS.c.survivor_id == _P.person_id)
    .correlate(PEOPLE)
)
_RECORDS = (
    select(
        func.array_append(
            func.array(_OTHERS.scalar_subquery(), type_=ARRAY(Uuid)), _P.person_id
        ).label("ids")
    )
    .correlate(PEOPLE)
    .lateral("records")
)
"""All records of a person: what happened under one that was merged counts, too."""


class Search(msgspec.Struct, frozen=True):
    """What the people of a run were found by: kept with the run, so that it is asked once more."""

    months: int
    before: datetime
    segment_id: UUID | None
    spare_consenting: bool
    spare_buyers: bool

    @classmethod
    def of(cls, terms: Terms, now: datetime) -> Search:
        """What a rule comes to now."""
        return cls(
            terms.months,
            terms.before(now),
            terms.segment_id,
            terms.spare_consenting,
            terms.spare_buyers,
        )


def _mine(person: Any) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = person == any_(_RECORDS.c.ids)
    return mine


def _keeping(search: Search) -> Iterable[Select[Any]]:
    """What speaks against erasing a person: rows of any of these."""
    deal, purchase, deed = DEAL_STANDINGS.c, PURCHASES.c, DEEDS.c
    consent, said = CONSENTS.c, CONSENT_LEDGER.c
    deals = select(literal(1)).where(deal.workspace_id == _P.workspace_id, _mine(deal.contact_id))
    bought = select(literal(1)).where(
        purchase.workspace_id == _P.workspace_id, _mine(purchase.person_id)
    )
    yield deals.where(deal.status == OPEN)
    if search.spare_buyers:
        yield deals.where(deal.status == WON)
        yield bought
    else:
        yield bought.where(purchase.bought_at >= search.before)
    yield select(literal(1)).where(
        deed.workspace_id == _P.workspace_id,
        _mine(deed.person_id),
        any_of(deed.kind, (INTERACTION, OPENED, CLICKED)),
        deed.at >= search.before,
    )
    if search.spare_consenting:
        yield select(literal(1)).where(
            consent.workspace_id == _P.workspace_id, _mine(consent.person_id), consent.given
        )
    yield select(literal(1)).where(
        said.workspace_id == _P.workspace_id, _mine(said.person_id), said.at >= search.before
    )
    yield _deals_moved(search)


def _deals_moved(search: Search) -> Select[Any]:
    """Something happened with a deal that is or was with the person."""
    d, t = DEAL_PEOPLE.c, TIMELINE.c
    moved = and_(t.workspace_id == d.workspace_id, t.subject_id == d.deal_id)
    return (
        select(literal(1))
        .join(TIMELINE, moved)
        .where(d.workspace_id == _P.workspace_id, _mine(d.person_id), t.at >= search.before)
    )


def found(workspace: UUID, search: Search) -> Select[Any]:
    """The people whom a rule finds: nothing has happened with them since then."""
    statement = (
        select(_P.person_id)
        .select_from(PEOPLE)
        .join(_RECORDS, literal(True))
        .where(
            _P.workspace_id == workspace,
            _P.merged_into.is_(None),
            _P.last_activity_at < search.before,
        )
    )
    for against in _keeping(search):
        statement = statement.where(~against.correlate(PEOPLE, _RECORDS).exists())
    if search.segment_id is not None:
        statement = statement.where(is_member(workspace, search.segment_id, _P.person_id))
    return statement


async def fetch_found(
    connection: Connection, workspace: UUID, search: Search
) -> tuple[int, list[dict[str, Any]]]:
    """How many people a rule finds, and some of them: those who have been quiet for longest."""
    everybody = found(workspace, search)
    count = select(func.count()).select_from(everybody.subquery())
    names = (_P.first_name, _P.last_name, _P.email, _P.phone, _P.last_activity_at)
    some = everybody.add_columns(*names).order_by(_P.last_activity_at, _P.person_id).limit(SAMPLE)
    rows = await fetch(connection, some)
    return int(await fetch_value(connection, count)), [
        {
            "person": {"id": row["person_id"], "name": full_name(row)},
            "last_activity_at": row["last_activity_at"],
        }
        for row in rows
    ]


async def fetch_records_found(
    connection: Connection, workspace: UUID, search: Search
) -> tuple[int, bytes]:
    """How many people a rule finds, and the ids of all records of theirs, ID_BYTES each: those that
    answer, then those that were merged into them."""
    people, s = found(workspace, search).cte("found"), SURVIVORS.c
    merged = select(s.person_id, literal(1).label("place")).where(
        s.workspace_id == workspace, s.survivor_id == people.c.person_id
    )
    themselves = select(people.c.person_id, literal(0).label("place"))
    every = union_all(themselves, merged).subquery("every")
    rows = await fetch(connection, select(every).order_by(every.c.place))
    count = sum(row["place"] == 0 for row in rows)
    return count, b"".join(row["person_id"].bytes for row in rows)


async def still_found(
    connection: Connection, workspace: UUID, search: Search, people: Collection[UUID]
) -> set[UUID]:
    """Those of these people whom a rule finds."""
    statement = found(workspace, search).where(any_of(_P.person_id, list(people)))
    return {row["person_id"] for row in await fetch(connection, statement)}


async def erase_found(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each record: it is erased, or kept, and why."""
    search = msgspec.json.decode(rows[0].values["action"], type=Search)
    streams = {row.number: PERSON.stream(UUID(row.values["id"])) for row in rows}
    asking = Context(run.workspace, run.actor, run.id)
    log = run.service.work_log
    loaded = await log.load_many(asking, list(streams.values()))
    states = {number: _state(loaded.get(stream)) for number, stream in streams.items()}
    answers = {p.merged_into or p.person_id for p in states.values() if p is not None}
    above = await log.load_many(asking, [PERSON.stream(id_) for id_ in answers])
    gone = {
        person.person_id
        for each in above.values()
        if (person := _state(each)) is not None and person.erased_at is not None
    }
    async with run.service.work.connection(run.workspace) as connection:
        fit = await still_found(connection, run.workspace, search, answers)
    return [
        _outcome(run, row, states[row.number], loaded.get(streams[row.number]), fit | gone)
        for row in rows
    ]


def _state(loaded: Loaded | None) -> Person | None:
    events: Any = (each.event for each in loaded.events) if loaded else ()
    return PERSON.fold(events)


def _outcome(
    run: ImportRun,
    row: ImportRow,
    person: Person | None,
    loaded: Loaded | None,
    going: Collection[UUID],
) -> Outcome:
    if person is None or loaded is None or person.erased_at is not None:
        return Skip("was erased already")
    if (person.merged_into or person.person_id) not in going:
        return Fail(_MEANWHILE, notes=(f"{FAILED}{_MEANWHILE}",))
    events = PERSON.decide(ErasePerson(run.now), person)
    made = PERSON.append_of(person.person_id, events, loaded.version)
    context = run.context(row)
    return Remove(
        Append(made.stream, made.events, made.expected, made.claims, made.forget, context)
    )


RETENTION_KIND = ImportKind(
    KIND,
    tuple(ImportField(name, name) for name in COLUMNS),
    "settings.write",
    erase_found,
    readers=(read_picked,),
    noun="run",
)
