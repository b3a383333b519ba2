"""The list of people as it was at a point on both time axes: filtered, sorted, a page at a time.

Nothing is folded from the log: `read_models/past_people.py` has what was ever said, and an index
leads to it in the order of the list. Each row that comes up is asked whether it was the last word
at that point; everybody's last word is one look at the few rows of one person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_value
from contacts.domain.country import country_key
from contacts.domain.words import folded
from contacts.read_models.companies import fetch_company_names
from contacts.read_models.known_users import fetch_user_names, visible
from contacts.read_models.past_people import ALL, PAST_JOBS, PAST_PEOPLE, PAST_TAGS, put_together
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.purchase_totals import Point
from contacts.read_models.search import COMPANY_WORDS, asked_words, begins_with, few, found_for_row
from contacts.read_models.segment_members import narrowed_to
from contacts.read_models.survivors import SURVIVORS

_FIRST_MOST = 2_000
"""So many people who were known at the point are listed at most."""
_SEARCHED = {
    "sort_name": "name",
    "spoken_name": "name",
    "folded_email": "email",
    "digits": "phone",
    "national_digits": "phone",
}
"""The columns that a search looks into, and the thing that each is part of."""

N = PAST_PEOPLE.alias("n")
"""The row that brings a person into the list: the one with their name, or their first one."""
SORTS: Mapping[str, tuple[ColumnElement[Any], type, bool]] = {
    "name": (N.c.sort_name, str, False),
    "-name": (N.c.sort_name, str, True),
    "created": (N.c.at, datetime, False),
    "-created": (N.c.at, datetime, True),
}
"""Column, its type, whether descending."""


@dataclass(frozen=True, slots=True)
class PastWanted:
    """Which people, as of which point, in which order, from where on. `owners`: who sees only
    records that are these owners', or nobody's, now; None: all."""

    workspace: UUID
    point: Point
    owners: frozenset[UUID] | None = None
    q: str | None = None
    tag: str | None = None
    owner: UUID | None = None
    company: UUID | None = None
    country: str | None = None
    segment: UUID | None = None
    sort: str = "name"
    limit: int = 50
    cursor: str | None = None


async def fetch_past_people(
    connection: Connection, wanted: PastWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of people as they were, and the cursor of the next page."""
    narrowed = await narrowed_then(connection, wanted)
    rows = await fetch(connection, wanted_then(wanted, narrowed))
    kept, following = page(rows, wanted.limit, lambda row: [row["place"], row["person_id"]])
    return await _shown(connection, wanted, [row["person_id"] for row in kept]), following


def wanted_then(wanted: PastWanted, narrowed: Sequence[ColumnElement[bool]] = ()) -> Select[Any]:
    """The ids of one page of people and of one more; `narrowed`: what the filters come to.

    The filters are asked first: they are what fewest fulfil.
    """
    column, type_, descending = SORTS[wanted.sort]
    order = [column, N.c.person_id]
    statement = (
        select(N.c.person_id, column.label("place"))
        .where(N.c.workspace_id == wanted.workspace, *_happened(N, wanted.point), *narrowed)
        .where(*_in_force(wanted), _last(wanted, "standing", _is_null))
        .order_by(*(each.desc() if descending else each for each in order))
        .limit(wanted.limit + 1)
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [type_, UUID])
        statement = statement.where(after(order, place, descending=descending))
    return statement


def _in_force(wanted: PastWanted) -> Iterable[ColumnElement[bool]]:
    """The row that brings a person is the one that counts at the point."""
    if SORTS[wanted.sort][0] is N.c.at:
        yield N.c.told == ALL
        return
    yield N.c.sort_name.is_not(None)
    yield _last(wanted, "name", lambda v: v.c.version == N.c.version)
    first = PAST_PEOPLE.alias("first")
    known = select(literal(1)).where(
        *_of_row(first, wanted.workspace), first.c.told == ALL, *_happened(first, wanted.point)
    )
    yield found_for_row(known.correlate(N))


def _is_null(v: Any) -> ColumnElement[bool]:
    standing: ColumnElement[bool] = v.c.merged_into.is_(None)
    return standing


def _happened(table: Any, point: Point) -> Iterable[ColumnElement[bool]]:
    """What a row says had happened, and been recorded, by the point."""
    if point.as_of is not None:
        yield table.c.at <= point.as_of
    if point.known_at is not None:
        yield table.c.recorded_at <= point.known_at


def _of_row(table: Any, workspace: UUID) -> list[ColumnElement[bool]]:
    return [table.c.workspace_id == workspace, table.c.person_id == N.c.person_id]


def _last(wanted: PastWanted, thing: str, says: Any) -> ColumnElement[bool]:
    """Whether the last word on a thing, of the person in a row, says so.

    A value of its own, not `exists`: it stays a look at one person's rows, never becomes a join of
    everybody, and the planner takes it to be true often enough to follow the order of the list.
    """
    v = PAST_PEOPLE.alias("v")
    words = select(says(v)).where(
        *_of_row(v, wanted.workspace),
        or_(v.c.told == ALL, v.c.told == thing),
        *_happened(v, wanted.point),
    )
    return _first_is_true(words.order_by(v.c.version.desc()))


def _first_is_true(words: Select[Any], *, without: bool = False) -> ColumnElement[bool]:
    """Whether the first row of a query about the row says so; `without`: what none means."""
    first = words.limit(1).correlate(N).scalar_subquery()
    told: ColumnElement[bool] = func.coalesce(first, without)
    return told


# --- filters


async def narrowed_then(connection: Connection, wanted: PastWanted) -> list[ColumnElement[bool]]:
    """The conditions of the filters and of who is seen: those whom a filter may mean, by what was
    ever said of them until then, are listed if they are few, and all are asked row by row what was
    true of them."""
    v = PAST_PEOPLE.c
    conditions = await _among_the_first(connection, wanted)
    of_all = select(v.person_id).where(
        v.workspace_id == wanted.workspace, *_happened(PAST_PEOPLE, wanted.point)
    )
    if wanted.owner is not None:
        meant = of_all.where(v.owner_id == wanted.owner)
        conditions += await _listed(connection, meant)
        conditions.append(_last(wanted, "owner", lambda v: v.c.owner_id == wanted.owner))
    if wanted.country is not None:
        key = country_key(wanted.country)
        conditions += await _listed(connection, of_all.where(v.country_key == key))
        conditions.append(_last(wanted, "place", lambda v: v.c.country_key == key))
    for table, value, holds in (
        (PAST_TAGS, folded(wanted.tag) if wanted.tag is not None else None, "carried"),
        (PAST_JOBS, wanted.company, "held"),
    ):
        if value is not None:
            conditions += await _narrowed_by(connection, wanted, table, value, holds)
    if wanted.segment is not None:
        conditions.append(
            await narrowed_to(
                connection, wanted.workspace, wanted.segment, N.c.person_id, wanted.point.as_of
            )
        )
    if wanted.owners is not None:
        conditions += await _seen(connection, wanted)
    if wanted.q:
        conditions += await _meant(connection, wanted)
    return conditions


async def _among_the_first(connection: Connection, wanted: PastWanted) -> list[ColumnElement[bool]]:
    """Few people were known early on: they are not looked for among all who came since."""
    v, then = PAST_PEOPLE.c, wanted.point.as_of
    if then is None:
        return []
    known = select(v.person_id).where(
        v.workspace_id == wanted.workspace, v.told == ALL, v.at <= then
    )
    more = known.order_by(v.at).offset(_FIRST_MOST).limit(1)
    if await fetch_value(connection, more) is not None:
        return []
    return await _listed(connection, known)


async def _listed(connection: Connection, people: Any) -> list[ColumnElement[bool]]:
    """That a person is among those whom a query finds, if these are few; else nothing."""
    listed = await few(connection, people)
    return [] if listed is None else [any_of(N.c.person_id, listed)]


async def _narrowed_by(
    connection: Connection, wanted: PastWanted, table: Table, value: Any, holds: str
) -> list[ColumnElement[bool]]:
    """People who had this tag, or this company."""
    what = [column for column in table.primary_key.columns][2].name
    c = table.c
    ever = select(c.person_id).where(
        c.workspace_id == wanted.workspace, c[what] == value, *_happened(table, wanted.point)
    )
    return [*await _listed(connection, ever), _held(wanted, table, what, value, holds)]


def _held(
    wanted: PastWanted, table: Table, what: str, value: Any, holds: str
) -> ColumnElement[bool]:
    """Whether the last word on one tag, or on one company, is that the person has it."""
    t = table.alias("t")
    words = select(t.c[holds]).where(
        *_of_row(t, wanted.workspace), t.c[what] == value, *_happened(t, wanted.point)
    )
    return _first_is_true(words.order_by(t.c.version.desc()))


async def _seen(connection: Connection, wanted: PastWanted) -> list[ColumnElement[bool]]:
    """Who is seen now is seen then: the record itself, and the one that answers for it now."""
    p, s, workspace = PEOPLE.c, SURVIVORS.c, wanted.workspace
    may_be_seen = and_(*visible(p.owner_id, wanted.owners))
    # Values, not conditions, or the rows of all these owners would be looked through for one.
    itself = select(may_be_seen).where(p.workspace_id == workspace, p.person_id == N.c.person_id)
    answering = (
        select(may_be_seen)
        .join_from(SURVIVORS, PEOPLE, p.person_id == s.survivor_id)
        .where(s.workspace_id == workspace, s.person_id == N.c.person_id)
        .where(p.workspace_id == workspace)
    )
    both = [_first_is_true(itself), _first_is_true(answering, without=True)]
    mine = select(p.person_id).where(p.workspace_id == workspace, may_be_seen)
    return [*await _listed(connection, mine), *both]


# --- search


async def _meant(connection: Connection, wanted: PastWanted) -> list[ColumnElement[bool]]:
    """People whom the search as a whole, or each word of it, finds by a beginning."""
    words = asked_words(wanted.q or "")
    if not words:
        return []
    whole = words[0] if len(words) == 1 else folded(wanted.q or "")  # `van der Berg`, O'Connor
    found = {word: await few(connection, _ever_found(wanted, word)) for word in {whole, *words}}
    by_word = [found[word] for word in words if found[word] is not None]
    by_whole = found[whole]
    conditions: list[ColumnElement[bool]] = []
    if by_word and by_whole is not None:
        listed = by_whole | set.intersection(*(each for each in by_word if each is not None))
        conditions.append(any_of(N.c.person_id, listed))
    each_word = and_(*(_fits(wanted, word) for word in words))
    conditions.append(each_word if words == [whole] else or_(_fits(wanted, whole), each_word))
    return conditions


def _ever_found(wanted: PastWanted, word: str) -> Any:
    """The people whom a beginning ever found until then, some of them several times."""
    workspace, v, j, c = wanted.workspace, PAST_PEOPLE.c, PAST_JOBS.c, COMPANY_WORDS.c
    themselves = [
        select(v.person_id)
        .where(v.workspace_id == workspace, *begins_with(v[name], word))
        .where(*_happened(PAST_PEOPLE, wanted.point))
        for name in _SEARCHED
    ]
    by_company = (
        select(j.person_id)
        .join(COMPANY_WORDS, c.company_id == j.company_id)
        .where(j.workspace_id == workspace, c.workspace_id == workspace)
        .where(*begins_with(c.word, word), *_happened(PAST_JOBS, wanted.point))
    )
    return union_all(*themselves, by_company)


def _fits(wanted: PastWanted, word: str) -> ColumnElement[bool]:
    """Whether a beginning finds the person in a row, as they were.

    `left` keeps this from the indexes by word; see `read_models/search.py`.
    """
    fits = []
    for thing in dict.fromkeys(_SEARCHED.values()):
        names = [name for name, of in _SEARCHED.items() if of == thing]
        fits.append(
            _last(
                wanted,
                thing,
                lambda v, names=names: or_(*(func.left(v.c[n], len(word)) == word for n in names)),
            )
        )
    j, k, c = PAST_JOBS.alias("j"), PAST_JOBS.alias("k"), COMPANY_WORDS.c
    latest = select(func.max(k.c.version)).where(
        k.c.workspace_id == wanted.workspace,
        k.c.person_id == j.c.person_id,
        k.c.company_id == j.c.company_id,
        *_happened(k, wanted.point),
    )
    by_company = (
        select(literal(1))
        .join_from(j, COMPANY_WORDS, c.company_id == j.c.company_id)
        .where(*_of_row(j, wanted.workspace), j.c.held)
        .where(j.c.version == latest.correlate(j).scalar_subquery())
        .where(c.workspace_id == wanted.workspace, func.left(c.word, len(word)) == word)
    )
    return or_(*fits, found_for_row(by_company.correlate(N)))


# --- showing


async def _shown(
    connection: Connection, wanted: PastWanted, people: Sequence[UUID]
) -> list[dict[str, Any]]:
    """These people as they were, in this order; companies and users by their names of now."""
    if not people:
        return []
    last = await _last_words(connection, wanted, PAST_PEOPLE, "told", people)
    known = {id_: put_together(rows) for id_, rows in last.items()}
    tags = await _last_words(connection, wanted, PAST_TAGS, "folded", people)
    shown = [(person, tags.get(id_, ())) for id_ in people if (person := known.get(id_))]
    ids = {name: [person[name] for person, _ in shown] for name in ("owner_id", "company_id")}
    users = await fetch_user_names(connection, wanted.workspace, filter(None, ids["owner_id"]))
    firms = await fetch_company_names(
        connection, wanted.workspace, list(filter(None, ids["company_id"]))
    )
    items = [_item(person, carried, users, firms) for person, carried in shown]
    if wanted.company is not None:
        jobs = await _last_words(connection, wanted, PAST_JOBS, "company_id", people)
        for item in items:
            roles = {row["company_id"]: row["role"] for row in jobs.get(item["id"], ())}
            item["role"] = roles.get(wanted.company)
    return items


async def _last_words(
    connection: Connection, wanted: PastWanted, table: Table, on: str, people: Sequence[UUID]
) -> dict[UUID, list[Mapping[str, Any]]]:
    """Of these people the last row of a table at the point, on each thing."""
    c = table.c
    statement = (
        select(table)
        .ext(distinct_on(c.person_id, c[on]))
        .where(c.workspace_id == wanted.workspace, any_of(c.person_id, people))
        .where(*_happened(table, wanted.point))
        .order_by(c.person_id, c[on], c.version.desc())
    )
    last: dict[UUID, list[Mapping[str, Any]]] = {}
    for row in await fetch(connection, statement):
        last.setdefault(row["person_id"], []).append(row)
    return last


def _item(
    person: Mapping[str, Any],
    tags: Iterable[Mapping[str, Any]],
    users: Mapping[UUID, str],
    firms: Mapping[UUID, str],
) -> dict[str, Any]:
    """As the list of now shows somebody, without version and last activity."""
    company, owner = person["company_id"], person["owner_id"]
    return {
        "id": person["person_id"],
        "first_name": person["first_name"],
        "last_name": person["last_name"],
        "name": full_name(person),
        "email": person["email"],
        "phone": person["phone"],
        "company": {"id": company, "name": firms.get(company)} if company else None,
        "owner_id": owner,
        "owner": {"id": owner, "name": users.get(owner)} if owner else None,
        "tags": sorted((row["tag"] for row in tags if row["carried"]), key=folded),
        "city": person["city"],
        "country": person["country"],
        "created_at": person["created_at"],
    }
