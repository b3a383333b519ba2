"""Words by which people and companies are found, and that finding them uses an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.statements import render
from chassis.testing.projections import History, project
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring
from contacts.crowds import ID_BYTES, everybody, fetch_everybody
from contacts.domain.company import CompanyAdded, CompanyProfileChanged, CompanyRenamed
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonPhonesChanged,
    PersonRenamed,
)
from contacts.domain.phone_number import PhoneNumber
from contacts.manifest import MANIFEST
from contacts.read_models.people import (
    JOBS,
    PeopleWanted,
    fetch_people,
    narrowed_by,
    wanted_people,
)
from contacts.read_models.saved_views import ViewsWanted, wanted_views
from contacts.read_models.search import (
    COMPANY_WORDS,
    PERSON_WORDS,
    SEARCH_PROJECTION,
    _found_by,
    asked_words,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA, ACME = new_id(), new_id()
Desk = Any

added = PersonAdded(
    ADA,
    "Zoë",
    "O'Connor",
    emails=(EmailAddress("Zoe.Connor@X.de", "work", True, "zoe.connor@x.de"),),
    phones=(PhoneNumber("030 123", "work", True, "+4930123"), PhoneNumber("0555 1")),
    tags=(),
    custom={},
    occurred_at=NOON,
)


def words_after(*events: Any) -> dict[str, set[str]]:
    book = History()
    recorded = [book.add("person", ADA, event) for event in (added, *events)]
    found: dict[str, set[str]] = {}
    for row in project(SEARCH_PROJECTION, *recorded)[PERSON_WORDS]:
        found.setdefault(row["field"], set()).add(row["word"])
    return found


def test_a_person_is_found_by_names_addresses_and_numbers() -> None:
    assert words_after() == {
        "name": {"zoe", "o", "connor"},
        "email": {"zoe.connor@x.de", "x.de", "zoe", "connor"},
        "phone": {"4930123", "30123", "05551", "5551"},
    }


def test_old_words_go_with_what_they_stood_for() -> None:
    found = words_after(
        PersonRenamed(ADA, "Zoe", "King", occurred_at=NOON),
        PersonEmailsChanged(ADA, (), occurred_at=NOON),
        PersonPhonesChanged(ADA, (PhoneNumber("1234"),), occurred_at=NOON),
    )
    assert found == {"name": {"zoe", "king"}, "phone": {"1234"}}
    assert words_after(PersonErased(ADA, occurred_at=NOON)) == {}


def test_a_company_is_found_by_name_and_website() -> None:
    book = History()
    rows = project(
        SEARCH_PROJECTION,
        book.add("company", ACME, CompanyAdded(ACME, "Old Name", occurred_at=NOON)),
        book.add("company", ACME, CompanyRenamed(ACME, "Acme & Sons", occurred_at=NOON)),
        book.add(
            "company",
            ACME,
            CompanyProfileChanged(
                ACME, ("website",), website="https://www.Acme.example/x", occurred_at=NOON
            ),
        ),
    )
    assert {row["word"] for row in rows[COMPANY_WORDS]} == {"acme", "sons", "acme.example"}


def test_a_question_is_taken_apart_as_the_words_were() -> None:
    assert asked_words("  Zoë O'Conn ") == ["zoe", "o", "conn"]
    assert asked_words("zoe.connor@") == ["zoe.connor@"]
    assert asked_words("+49 (30) 12-3") == ["493012" + "3"]
    assert asked_words("030 123") == ["30123"]
    assert asked_words("0049 30 123") == ["4930123"]
    assert asked_words("acme.ex") == ["acme.ex"]
    assert asked_words("\0 ") == []
    assert len(asked_words("a b c d e f g h")) == 6


# --- through the whole service


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_people_are_found_by_any_beginning_and_all_words_must_fit(desk: Desk) -> None:
    for first, last, email, phone, company in (
        ("Zoë", "Östergård", "zoe@nordwind.example", "+46 8 555 010 01", "Nordwind AB"),
        ("Zoë", "Smith", "smith@x.de", None, None),
        ("Ada", "Lovelace", "ada@x.de", "+44 20 7946 0958", "Nordwind AB"),
    ):
        await desk.person(
            first_name=first, last_name=last, email=email, phone=phone, company=company
        )
    for q, names in (
        ("zoe", ["Zoë Östergård", "Zoë Smith"]),
        ("ZOË ost", ["Zoë Östergård"]),
        ("nordw", ["Ada Lovelace", "Zoë Östergård"]),
        ("nordwind ada", ["Ada Lovelace"]),
        ("ada@x", ["Ada Lovelace"]),
        ("x.de", ["Ada Lovelace", "Zoë Smith"]),
        ("+44 20 79", ["Ada Lovelace"]),
        ("020 7946", ["Ada Lovelace"]),
        ("oe", []),
    ):
        found = (await desk.read(f"/contacts?q={q.replace('+', '%2B')}"))["items"]
        assert [item["name"] for item in found] == names, q
    [company] = (await desk.read("/companies?q=nordwind"))["items"]
    of_company = (await desk.read(f"/contacts?company={company['id']}"))["items"]
    assert len(of_company) == 2


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_list_is_sorted_filtered_and_paged(desk: Desk) -> None:
    owner = str(new_id())
    for n, (first, country) in enumerate(
        [("Cleo", "DE"), ("Ada", "Germany"), ("Bob", "Narnia"), ("Dan", None)]
    ):
        at = (NOON + timedelta(days=n)).isoformat()
        more = {"owner_id": owner} if first in ("Ada", "Dan") else {}
        await desk.person(first_name=first, last_name="X", country=country, at=at, **more)
    for sort, names in (
        ("name", "Ada Bob Cleo Dan"),
        ("-name", "Dan Cleo Bob Ada"),
        ("created", "Cleo Ada Bob Dan"),
        ("-created", "Dan Bob Ada Cleo"),
        ("-activity", "Dan Bob Ada Cleo"),
    ):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await desk.read(f"/contacts?sort={sort}&limit=1&cursor={cursor}")
            seen += [item["first_name"] for item in page["items"]]
            cursor = page["next"]
        assert seen == names.split(), sort
    for asked, names in (
        ("country=Deutschland", "Ada Cleo"),
        ("country=narnia", "Bob"),
        (f"owner={owner}", "Ada Dan"),
        (f"owner={owner}&country=de", "Ada"),
    ):
        found = (await desk.read(f"/contacts?{asked}"))["items"]
        assert [item["first_name"] for item in found] == names.split(), asked
    cursor = (await desk.read("/contacts?sort=name&limit=1"))["next"]
    status, problem = await desk.refused("GET", f"/contacts?sort=created&cursor={cursor}")
    assert (status, "cursor" in problem["detail"]) == (422, True)
    assert (await desk.refused("GET", "/contacts?sort=shoe"))[0] == 422


async def _crowd(worker: Database, workspace: UUID, size: int) -> None:
    """A workspace full of people, put straight into the live read models."""
    words, people = [], []
    for n in range(size):
        id_, name = new_id(), f"name{n:05}"
        at = NOON + timedelta(minutes=n)
        people.append((workspace, id_, 1, "Ada", name, f"{name} ada", at, at))
        words += [(workspace, id_, "name", name), (workspace, id_, "name", "ada")]
    columns = "workspace_id person_id version first_name last_name sort_name created_at"
    async with worker.connection(None) as connection:
        await connection.copy_records_to_table(
            "people",
            schema_name="people_g1",
            columns=[*columns.split(), "last_activity_at"],
            records=people,
        )
        await connection.copy_records_to_table(
            "person_words",
            schema_name="search_g1",
            columns=["workspace_id", "person_id", "field", "word"],
            records=words,
        )
        for table in ("people_g1.people", "search_g1.person_words"):
            await connection.execute(f"analyze {table}")


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_searching_and_paging_use_indexes_under_row_level_security(
    desk: Desk, postgres_dsn: str
) -> None:
    keyring = Keyring(bytes.fromhex(MASTER_KEY))
    worker, api = (
        Database(dsn_for(postgres_dsn, "contacts", role, keyring), name="test", most=2)
        for role in ("worker", "api")
    )
    await worker.start()
    await api.start()
    api.search_path = ", ".join([*(f"{p.name}_g1" for p in MANIFEST.projections), "road"])
    try:
        await _crowd(worker, desk.workspace, 4000)
        async with api.connection(desk.workspace) as connection:
            word = _found_by(desk.workspace, "name0123", JOBS)
            plan = await _plan(connection, word)
            assert "person_words_by_word" in plan
            assert "(word >= 'name0123'" in plan
            first = PeopleWanted(desk.workspace)
            _, cursor = await fetch_people(connection, first)
            plan = await _plan(
                connection, wanted_people(PeopleWanted(desk.workspace, cursor=cursor))
            )
            assert "people_by_name" in plan
            assert "ROW(sort_name, person_id) > ROW(" in plan
            assert "Seq Scan on people" not in plan
            owned = PeopleWanted(desk.workspace, owner=new_id(), q="name0123")
            meant = await narrowed_by(connection, owned)
            plan = await _plan(connection, everybody(wanted_people(owned, meant)))
            assert "Seq Scan on people" not in plan
            assert "companies" not in plan, "whoever is only counted needs no company's name"
            assert len(await fetch_everybody(connection, first)) == 4000 * ID_BYTES
            await connection.execute("set enable_seqscan = off")  # nobody has kept a view yet
            views = wanted_views(ViewsWanted(desk.workspace, new_id()))
            plan = await _plan(connection, views)
            assert "saved_views_by_name" in plan
            assert "Sort" not in plan
            common = await fetch_people(connection, PeopleWanted(desk.workspace, q="ada name01"))
            assert len(common[0]) == 50
    finally:
        await worker.stop()
        await api.stop()


async def _plan(connection: Any, statement: Any) -> str:
    text, arguments = render(statement)
    return "\n".join(row[0] for row in await connection.fetch(f"explain {text}", *arguments))
