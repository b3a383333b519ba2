"""The list of people at any moment: by SQL what the log says, and how it is read and asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.clock import SystemClock
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.postgres.rows import write_rows
from chassis.postgres.statements import fetch
from chassis.projection import Fold
from chassis.service import API, WORKER, Service
from chassis.testing.projections import History
from contacts.domain.company import CompanyAdded
from contacts.domain.country import country_key
from contacts.domain.history import known_by
from contacts.domain.person import PERSON, state
from contacts.domain.person.events import PersonAdded, PersonMerged, PersonRenamed, PersonUnmerged
from contacts.domain.person.state import Person
from contacts.domain.words import folded
from contacts.manifest import MANIFEST
from contacts.past_list import (
    SORTS,
    PastWanted,
    fetch_past_people,
    narrowed_then,
    wanted_then,
)
from contacts.read_models.people import PeopleWanted, fetch_people
from contacts.read_models.purchase_totals import Point
from contacts.read_models.search import asked_words
from contacts.testing.pasts import COUNTRIES, TAGS, Somebody, World

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MADE_OF = ("people", "past_people", "survivors", "search", "companies")
_LIVE = """
select relnamespace::regnamespace::text from pg_class where oid = $1::text::regclass
"""
SEARCHES = ("ada", "king", "van der", "anna maria", "o'con", "ost", "zoe@", "030 12", "+4420", "be")


@dataclass(frozen=True)
class Crowd:
    """People with random pasts, as the log has them, and their read models."""

    workspace: UUID
    world: World
    pasts: Mapping[UUID, Sequence[Recorded[Any]]]
    firms: Mapping[UUID, str]


def crowd(workspace: UUID, seed: int) -> tuple[Crowd, list[Recorded[Any]]]:
    random, book = Random(seed), History(workspace)
    firms = {new_id(): "Acme Works", new_id(): "Beta", new_id(): "Gamma Beams"}
    people = [new_id() for _ in range(60)]
    world = World(list(firms), [new_id() for _ in range(3)], people)
    told = [
        book.add("company", id_, CompanyAdded(id_, name, occurred_at=NOON - 9 * DAY))
        for id_, name in firms.items()
    ]
    pasts = {}
    for id_ in people:
        begun = NOON + timedelta(hours=random.randint(0, 200))
        events = Somebody(id_, random, world, begun).events(12)
        pasts[id_] = [
            book.add("person", id_, event, recorded_at=begun + n * DAY)
            for n, event in enumerate(events)
        ]
        told += pasts[id_]
    early = new_id()
    for event in (
        PersonAdded(early, "E", "Arly", (), (), tags=(), custom={}, occurred_at=NOON + 9 * DAY),
        PersonRenamed(early, "Too", "Early", occurred_at=NOON),
        PersonMerged(early, people[0], occurred_at=NOON),
        PersonUnmerged(early, people[0], occurred_at=NOON),
    ):
        told.append(book.add("person", early, event, recorded_at=NOON + 9 * DAY))
    pasts[early] = told[-4:]
    return Crowd(workspace, world, pasts, firms), told


@pytest_asyncio.fixture(loop_scope="module")
async def service_then(desk: Desk) -> AsyncIterator[tuple[Service, Crowd]]:
    """The API of the service, and a crowd in its read models."""
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    api = Service(MANIFEST, desk.ask.settings, SystemClock(), API)
    await worker.start()
    await api.start()
    them, told = crowd(desk.workspace, seed=5)
    async with worker.work.connection(None) as connection:
        for projection in MANIFEST.projections:
            if projection.name in MADE_OF:
                fold = Fold()
                for recorded in told:
                    if recorded.type in projection.types():
                        fold.apply(desk.workspace, projection.project(recorded))
                schema = await connection.fetchval(_LIVE, projection.tables[0].name)
                await write_rows(connection, schema, fold)
    yield api, them
    async with worker.work.connection(None) as connection:  # the log has none of it
        for projection in MANIFEST.projections:
            if projection.name in MADE_OF:
                for table in projection.tables:
                    gone = f"delete from {table.name} where workspace_id = $1"
                    await connection.execute(gone, desk.workspace)
    await api.stop()
    await worker.stop()


def as_it_was(them: Crowd, point: Point) -> list[Person]:
    """Everybody at a point, folded from the log."""
    as_of, known_at = point.as_of, point.known_at
    people = []
    for past in them.pasts.values():
        kept = known_by(
            past,
            lambda r: (
                (as_of is None or r.occurred_at <= as_of)
                and (known_at is None or r.recorded_at <= known_at)
            ),
        )
        person = PERSON.fold(each.event for each in kept)
        if person is not None and person.merged_into is None:
            people.append(person)
    return people


def fits(them: Crowd, wanted: PastWanted, person: Person) -> bool:
    """Whether a person fulfils the filters, and is seen by who asks."""
    now = PERSON.fold(each.event for each in them.pasts[person.person_id])
    assert now is not None
    answering = PERSON.fold(each.event for each in them.pasts[now.merged_into or now.person_id])
    assert answering is not None
    facts = state.facts(person)
    seen = wanted.owners is None or all(
        each.owner_id is None or each.owner_id in wanted.owners for each in (now, answering)
    )
    return (
        seen
        and (wanted.owner is None or person.owner_id == wanted.owner)
        and (wanted.tag is None or folded(wanted.tag) in map(folded, person.tags))
        and (wanted.country is None or _country(facts) == country_key(wanted.country))
        and (wanted.company is None or wanted.company in [job.company_id for job in person.jobs])
        and (not wanted.q or _found(them, wanted.q, person))
    )


def _country(facts: Mapping[str, Any]) -> str | None:
    return country_key(facts["country"])


def _found(them: Crowd, q: str, person: Person) -> bool:
    facts, words = state.facts(person), asked_words(q)
    first, last = person.first_name, person.last_name
    digits = (facts["phones"] or [{"e164": None, "number": ""}])[0]
    number = (digits["e164"] or digits["number"]).lstrip("+")
    beginnings = [
        folded(f"{first} {last}"),
        folded(f"{last} {first}"),
        folded(facts["email"] or ""),
    ]
    beginnings += [number, number.removeprefix("49").removeprefix("44")]
    firms = [w for job in person.jobs for w in folded(them.firms[job.company_id]).split()]

    def finds(word: str) -> bool:
        return any(each.startswith(word) for each in (*beginnings, *firms))

    return all(map(finds, words)) or finds(folded(q))


def questions(them: Crowd, random: Random) -> PastWanted:
    """One of many ways to ask."""
    may = random.random
    point = Point(
        NOON + random.randint(-1, 20) * DAY if may() < 0.9 else None,
        NOON + random.randint(-1, 20) * DAY if may() < 0.2 else None,
    )
    return PastWanted(
        them.workspace,
        point,
        frozenset(them.world.owners[:2]) if may() < 0.2 else None,
        q=random.choice(SEARCHES) if may() < 0.4 else None,
        tag=random.choice(TAGS).upper() if may() < 0.3 else None,
        owner=random.choice(them.world.owners) if may() < 0.3 else None,
        company=random.choice(them.world.companies) if may() < 0.2 else None,
        country=random.choice(COUNTRIES[:-1]) if may() < 0.2 else None,
        sort=random.choice(list(SORTS)),
        limit=random.choice((1, 7, 200)),
    )


async def everybody(api: Service, wanted: PastWanted) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    async with api.api.connection(wanted.workspace) as connection:
        while True:
            items, following = await fetch_past_people(connection, wanted)
            assert len(items) == wanted.limit or following is None
            found += items
            if following is None:
                return found
            wanted = replace(wanted, cursor=following)


def place(wanted: PastWanted, person: Person) -> Any:
    if "created" in wanted.sort:
        return person.added_at, person.person_id
    return folded(f"{person.last_name} {person.first_name}"), person.person_id


async def test_the_list_of_any_moment_is_what_the_log_says(
    service_then: tuple[Service, Crowd],
) -> None:
    api, them = service_then
    random, sizes = Random(11), []
    for _ in range(250):
        wanted = questions(them, random)
        people = [p for p in as_it_was(them, wanted.point) if fits(them, wanted, p)]
        people.sort(key=lambda p: place(wanted, p), reverse=wanted.sort.startswith("-"))
        found = await everybody(api, wanted)
        assert [item["id"] for item in found] == [p.person_id for p in people], wanted
        for item, person in zip(found, people, strict=True):
            facts = state.facts(person)
            same = ("id", "first_name", "name", "email", "phone", "city", "country", "created_at")
            assert {n: item[n] for n in same} == {n: facts[n] for n in same}
            assert set(item["tags"]) == set(facts["tags"])
            assert item["owner_id"] == facts["owner_id"]
            company = item["company"]["id"] if item["company"] else None
            assert company == (person.jobs[0].company_id if person.jobs else None)
            if wanted.company is not None:
                roles = {job.company_id: job.role for job in person.jobs}
                assert item["role"] == roles[wanted.company]
        sizes.append(len(people))
    assert sizes.count(0) < 150
    assert max(sizes) > 30


async def ids(api: Service, wanted: PastWanted, narrowed: Sequence[Any]) -> list[UUID]:
    async with api.api.connection(wanted.workspace) as connection:
        rows = await fetch(connection, wanted_then(wanted, narrowed))
        return [row["person_id"] for row in rows]


async def test_nobody_is_listed_before_they_were_added(
    service_then: tuple[Service, Crowd],
) -> None:
    api, them = service_then
    for days in range(12):
        point = Point(NOON + days * DAY)
        found = await ids(api, PastWanted(them.workspace, point, limit=200), ())
        assert set(found) == {person.person_id for person in as_it_was(them, point)}


async def test_whom_a_filter_means_is_the_same_asked_row_by_row(
    service_then: tuple[Service, Crowd],
) -> None:
    api, them = service_then
    every = PastWanted(them.workspace, Point(NOON + 12 * DAY), limit=200)
    for wanted in (
        replace(every, owners=frozenset(them.world.owners[:2])),
        replace(every, owner=them.world.owners[0]),
        replace(every, tag="vip"),
        replace(every, company=them.world.companies[0]),
        replace(every, country="Germany"),
        replace(every, q="ada"),
        replace(every, q="van der"),
    ):
        async with api.api.connection(them.workspace) as connection:
            narrowed = await narrowed_then(connection, wanted)
        fitting = [p.person_id for p in as_it_was(them, wanted.point) if fits(them, wanted, p)]
        assert set(await ids(api, wanted, narrowed)) == set(fitting)
        row_by_row = narrowed[2:]  # without those lists of ids that a larger crowd would not fit in
        assert set(await ids(api, wanted, row_by_row)) == set(fitting), wanted


async def test_the_list_as_of_now_is_the_list_of_now(service_then: tuple[Service, Crowd]) -> None:
    api, them = service_then
    for sort in SORTS:
        now = PeopleWanted(them.workspace, sort=sort, limit=200)
        async with api.api.connection(them.workspace) as connection:
            items, _ = await fetch_people(connection, now)
        left_out = {"version", "last_activity_at"}
        present = [{n: v for n, v in item.items() if n not in left_out} for item in items]
        latest = Point(as_of=NOON + 999 * DAY)
        wanted = PastWanted(them.workspace, latest, sort=sort, limit=200)
        assert await everybody(api, wanted) == present
