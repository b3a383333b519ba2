"""Who is meant by these words? Beginnings of words of names, addresses and numbers.

The words are rows of their own, compared as ranges: `like` and trigrams are not leakproof, so
under row-level security PostgreSQL would read all rows instead of using an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Select,
    Table,
    Text,
    Uuid,
    func,
    intersect,
    literal,
    or_,
    select,
    union_all,
)

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.company import CompanyAdded, CompanyProfileChanged, CompanyRenamed
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonPhonesChanged,
    PersonRenamed,
)
from contacts.domain.phone_number import PhoneNumber, matched_as, national_digits
from contacts.domain.words import folded, words
from contacts.read_models.survivors import fetch_survivors

PERSON_WORDS = read_table(
    "person_words",
    Column("person_id", Uuid),
    Column("field", Text),
    Column("word", Text(collation="C")),
    Index("person_words_by_word", "workspace_id", "word", "person_id"),
    key=("person_id", "field", "word"),
)
COMPANY_WORDS = read_table(
    "company_words",
    Column("company_id", Uuid),
    Column("field", Text),
    Column("word", Text(collation="C")),
    Index("company_words_by_word", "workspace_id", "word", "company_id"),
    key=("company_id", "field", "word"),
)
_AFTER_ALL = "\U0010ffff"
_WORDS_MOST = 6
LISTED_MOST = 10_000
"""So many ids are handed to a query at most; more are looked up row by row."""
_NUMBER = re.compile(r"^\+?[\d\s()./-]{3,}$")
_TRUNK = re.compile(r"^(00|0)")

SearchedEvent = (
    PersonAdded
    | PersonRenamed
    | PersonEmailsChanged
    | PersonPhonesChanged
    | PersonErased
    | CompanyAdded
    | CompanyRenamed
    | CompanyProfileChanged
)


def project(recorded: Recorded[SearchedEvent]) -> Iterable[Change]:
    """The words by which a person or a company is found after an event."""
    match recorded.event:
        case PersonAdded() as e:
            name = f"{e.first_name} {e.last_name}"
            yield from _put(PERSON_WORDS, e.person_id, "name", words(name))
            yield from _put(PERSON_WORDS, e.person_id, "email", _email_words(e.emails))
            yield from _put(PERSON_WORDS, e.person_id, "phone", _phone_words(e.phones))
        case PersonRenamed() as e:
            name = f"{e.first_name} {e.last_name}"
            yield from _replace(PERSON_WORDS, e.person_id, "name", words(name))
        case PersonEmailsChanged() as e:
            yield from _replace(PERSON_WORDS, e.person_id, "email", _email_words(e.emails))
        case PersonPhonesChanged() as e:
            yield from _replace(PERSON_WORDS, e.person_id, "phone", _phone_words(e.phones))
        case PersonErased() as e:
            yield Remove(PERSON_WORDS, (e.person_id,))
        case CompanyAdded() as e:
            yield from _put(COMPANY_WORDS, e.company_id, "name", words(e.name))
            yield from _put(COMPANY_WORDS, e.company_id, "website", _site_words(e.website))
        case CompanyRenamed() as e:
            yield from _replace(COMPANY_WORDS, e.company_id, "name", words(e.name))
        case CompanyProfileChanged() as e:
            if "website" in e.changed:
                yield from _replace(COMPANY_WORDS, e.company_id, "website", _site_words(e.website))


def _put(table: Table, id_: UUID, field: str, found: Iterable[str]) -> Iterable[Change]:
    for word in found:
        yield Put(table, (id_, field, word), {})


def _replace(table: Table, id_: UUID, field: str, found: Iterable[str]) -> Iterable[Change]:
    yield Remove(table, (id_, field))
    yield from _put(table, id_, field, found)


def _email_words(emails: tuple[EmailAddress, ...]) -> list[str]:
    """The whole address, so that its beginning finds it, its domain, and the words before the @."""
    found: dict[str, None] = {}
    for email in emails:
        address = folded(email.folded or email.address)
        local, _, domain = address.rpartition("@")
        found.update(dict.fromkeys([address, domain, *words(local)]))
    return list(found)


def _phone_words(phones: tuple[PhoneNumber, ...]) -> list[str]:
    """The number with its country's code and as it is dialled inside the country, without 0."""
    found: dict[str, None] = {}
    for phone in phones:
        digits = matched_as(phone)
        found.update(dict.fromkeys(word for word in (digits, national_digits(phone)) if word))
    return list(found)


def _site_words(website: str | None) -> list[str]:
    bare = re.sub(r"^https?://(www\.)?", "", folded(website or ""))
    return [bare.partition("/")[0]] if bare else []


SEARCH_PROJECTION = Projection(
    "search",
    1,
    (
        PersonAdded,
        PersonRenamed,
        PersonEmailsChanged,
        PersonPhonesChanged,
        PersonErased,
        CompanyAdded,
        CompanyRenamed,
        CompanyProfileChanged,
    ),
    (PERSON_WORDS, COMPANY_WORDS),
    project,
)

# --- fetching


def asked_words(q: str) -> list[str]:
    """The words a search asks for: `Ada love` → ada, love; a number, however spaced, is one."""
    text = q.replace("\0", " ").strip()
    if _NUMBER.match(text):
        return [_TRUNK.sub("", re.sub(r"\D", "", text))]
    found: list[str] = []
    for part in text.split():
        found += [folded(part)] if "@" in part or "." in part[1:-1] else words(part)
    return list(dict.fromkeys(found))[:_WORDS_MOST]


def begins_with(column: ColumnElement[str], beginning: str) -> list[ColumnElement[bool]]:
    """`column` begins so, as a range: its comparisons are leakproof."""
    return [column >= beginning, column < beginning + _AFTER_ALL]


async def people_meant(
    connection: Connection, workspace: UUID, q: str, person_id: ColumnElement[UUID], jobs: Table
) -> list[ColumnElement[bool]]:
    """The conditions for people whom every word of `q` finds, by themselves or by their company.

    People who fit a rare word are listed, and the common words are asked of them. Are all words
    common, those whom all of them find are listed, if they are few. Else everybody is asked, in the
    order of the list: it will not take many until a page is full. `jobs` tells who works where.
    """
    words = asked_words(q)
    found = {word: await few(connection, _found_by(workspace, word, jobs)) for word in words}
    listed = [people for people in found.values() if people is not None]
    common = [word for word, people in found.items() if people is None]
    if not listed and len(common) > 1:
        by_all = await few(
            connection, intersect(*(_found_by(workspace, word, jobs) for word in words))
        )
        if by_all is not None:
            listed, common = [by_all], []
    conditions = [_fits(workspace, word, person_id, jobs) for word in common]
    if listed:
        conditions.insert(0, any_of(person_id, set.intersection(*listed)))
    return conditions


async def few(connection: Connection, people: Any) -> set[UUID] | None:
    """The people whom a query of ids finds; None if they are too many to be listed."""
    rows = await fetch(connection, select(people.subquery()).limit(LISTED_MOST + 1))
    return None if len(rows) > LISTED_MOST else {row["person_id"] for row in rows}


def _found_by(workspace: UUID, word: str, jobs: Table) -> Any:
    """The people whom a word finds, some of them several times."""
    p, c = PERSON_WORDS.c, COMPANY_WORDS.c
    themselves = select(p.person_id).where(p.workspace_id == workspace, *begins_with(p.word, word))
    by_company = (
        select(jobs.c.person_id)
        .join(COMPANY_WORDS, c.company_id == jobs.c.company_id)
        .where(jobs.c.workspace_id == workspace, c.workspace_id == workspace)
        .where(*begins_with(c.word, word))
    )
    return union_all(themselves, by_company)


def _fits(
    workspace: UUID, word: str, person_id: ColumnElement[UUID], jobs: Table
) -> ColumnElement[bool]:
    """Whether a word finds the person in a row.

    `left` keeps this from the index by word, where it would read everybody whom the word finds for
    each row, instead of the few words of one person.
    """
    p, c = PERSON_WORDS.c, COMPANY_WORDS.c
    itself = select(literal(1)).where(
        p.workspace_id == workspace,
        p.person_id == person_id,
        func.left(p.word, len(word)) == word,
    )
    by_company = (
        select(literal(1))
        .join_from(jobs, COMPANY_WORDS, c.company_id == jobs.c.company_id)
        .where(jobs.c.workspace_id == workspace, jobs.c.person_id == person_id)
        .where(c.workspace_id == workspace, func.left(c.word, len(word)) == word)
    )
    return or_(found_for_row(itself), found_for_row(by_company))


def found_for_row(found: Select[Any]) -> ColumnElement[bool]:
    """Whether a query that speaks of the row finds anything. Unlike `exists` it stays what it is:
    asked row by row, in the order of the list, never turned into a join of everybody."""
    return found.limit(1).scalar_subquery().is_not(None)


async def fetch_people_at(
    connection: Connection, workspace: UUID, addresses: Iterable[str]
) -> dict[str, UUID]:
    """People by folded e-mail address; of several at one address the one who came first."""
    return await _of_word(connection, workspace, "email", {folded(each) for each in addresses})


async def fetch_people_called_on(
    connection: Connection, workspace: UUID, numbers: Iterable[str]
) -> dict[str, UUID]:
    """People by phone number as it is matched; of several with one the one who came first."""
    return await _of_word(connection, workspace, "phone", set(numbers))


async def _of_word(
    connection: Connection, workspace: UUID, field: str, words: set[str]
) -> dict[str, UUID]:
    p = PERSON_WORDS.c
    statement = (
        select(p.word, p.person_id)
        .where(p.workspace_id == workspace, any_of(p.word, list(words)), p.field == field)
        .order_by(p.person_id.desc())
    )
    found = {row["word"]: row["person_id"] for row in await fetch(connection, statement)}
    survivors = await fetch_survivors(connection, workspace, found.values())
    return {word: survivors.get(person_id, person_id) for word, person_id in found.items()}


def companies_meant_by(
    q: str, workspace: UUID, company_id: ColumnElement[UUID]
) -> Iterable[ColumnElement[bool]]:
    """The conditions for companies that every word of `q` finds."""
    c = COMPANY_WORDS.c
    for word in asked_words(q):
        found: Any = select(c.company_id).where(
            c.workspace_id == workspace, *begins_with(c.word, word)
        )
        yield company_id.in_(found)
