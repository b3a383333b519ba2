"""Files of contacts and companies become people and companies, with their dirt said and mended."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.imports.mapping import guess
from contacts.imports import KINDS, companies, people_fields

DATA = Path(__file__).parents[4] / "shared" / "data"
ACCOUNTS = DATA / "crm_sales_opportunities" / "accounts.csv"
EXPORTS = DATA / "crm_export_formats"

on_servers = pytest.mark.integration
Desk = Any


def table(header: str, *rows: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header.split(","), *rows])
    return out.getvalue().encode()


def counts(job: Any) -> tuple[int, int, int, int, int]:
    assert job["status"] == "done", job["error"]
    return (job["rows"], job["created"], job["updated"], job["skipped"], job["failed"])


def test_columns_of_other_systems_are_recognised() -> None:
    headers = ["First Name", "Last Name", "Email", "Phone Number", "Associated Company"]
    assert list(guess(headers, people_fields.FIELDS).values()) == [
        "first_name",
        "last_name",
        "email",
        "phone",
        "company",
    ]
    accounts = "account,sector,year_established,revenue,employees,office_location,subsidiary_of"
    assert guess(accounts.split(","), companies.FIELDS) == {
        "account": "name",
        "sector": "sector",
        "office_location": "country",
        "employees": "employees",
        "revenue": "revenue_millions",
        "year_established": "founded",
        "subsidiary_of": "parent",
    }
    assert [kind.name for kind in KINDS] == ["contacts", "companies", "purchases"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_people_are_added_once_with_their_companies_and_notes(desk: Desk) -> None:
    desk.saw(await desk.others.users(Sam_Sales=(sam := new_id())))
    content = table(
        "Id,First name,Last name,E-mail,Phone,Company,Title,Tags,Country,Owner,Created",
        [
            "1",
            "Zoë",
            "Östergård",
            "zoe@x.example",
            "+46 8 555 010 01",
            "Nordwind AB",
            "Boss",
            "VIP; math",
            "Sweden",
            "Sam Sales",
            "2024-03-10 09:14",
        ],
        ["2", "Ana", "", "", "030 1234567", "nordwind ab", "", "", "Germny", "Nobody", ""],
    )
    dry = await desk.import_file("contacts", content, dry_run="true")
    assert counts(dry) == (2, 2, 0, 0, 0)
    assert (await desk.read("/contacts"))["items"] == (await desk.read("/companies"))["items"] == []
    job = await desk.import_file("contacts", content)
    assert counts(job) == (2, 2, 0, 0, 0)
    assert job["notes"] == {
        "companies that nobody knew were added": 1,
        "country Germny read as Germany": 1,
        "owner Nobody is no user here: left out": 1,
    }
    zoe, ana = (await desk.read("/contacts?sort=created"))["items"]
    assert (zoe["name"], zoe["tags"], zoe["created_at"]) == (
        "Zoë Östergård",
        ["math", "VIP"],
        "2024-03-10T09:14:00Z",
    )
    assert (zoe["owner_id"], zoe["company"]) == (str(sam), ana["company"])
    record = await desk.read(f"/contacts/{ana['id']}")
    assert (record["country"], record["phones"][0]["e164"]) == ("Germany", "+49301234567")
    assert (record["external_id"], record["companies"][0]["role"]) == ("2", None)
    assert counts(await desk.import_file("contacts", content)) == (2, 0, 0, 2, 0)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_known_people_are_found_by_id_or_address_and_only_filled_cells_count(
    desk: Desk,
) -> None:
    ada = await desk.person(
        first_name="Ada", email="ada@x.de", city="London", tags=["VIP"], phone="+44 20 7946 0958"
    )
    content = table(
        "Email,Last name,City,Tags,Phone,Record ID,Company",
        ["ADA@X.DE", "King", "", "vip,new", "+1 212 555 0100", "77", "Acme"],
    )
    options = '{"external_source": "hubspot"}'
    job = await desk.import_file("contacts", content, options=options)
    assert counts(job) == (1, 0, 1, 0, 0)
    record = await desk.read(f"/contacts/{ada}")
    assert (record["last_name"], record["city"], record["tags"]) == (
        "King",
        "London",
        ["new", "VIP"],
    )
    assert [phone["number"] for phone in record["phones"]] == [
        "+44 20 7946 0958",
        "+1 212 555 0100",
    ]
    assert (record["phone"], record["company"]["name"]) == ("+44 20 7946 0958", "Acme")
    assert record["external_ids"] == [{"id": "77", "source": "hubspot"}]
    by_id = table("Record ID,Email,First name", ["77", "countess@x.de", "Augusta"])
    assert counts(await desk.import_file("contacts", by_id, options=options)) == (1, 0, 1, 0, 0)
    record = await desk.read(f"/contacts/{ada}")
    assert [e["address"] for e in record["emails"]] == ["ada@x.de", "countess@x.de"]
    assert (record["first_name"], record["email"]) == ("Augusta", "ada@x.de")


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_bad_rows_fail_with_field_and_reason_and_the_others_get_in(desk: Desk) -> None:
    content = table(
        "First name,Email,Phone,Birthday,Created",
        ["Good", "good@x.de", "", "", ""],
        ["Bad", "bad@", "", "", ""],
        ["Bad", "", "abc", "", ""],
        ["Bad", "", "", "1985-13-12", ""],
        ["Bad", "", "", "", "2199-01-01"],
        ["", "", "", "1985-12-10", ""],
    )
    for dry_run in ("true", "false"):
        job = await desk.import_file("contacts", content, dry_run=dry_run)
        assert counts(job) == (6, 1, 0, 0, 5)
    text = (await desk.ask.get_text(job["errors_url"])).removeprefix("\ufeff")
    errors = [row["error"] for row in csv.DictReader(io.StringIO(text))]
    starts = ["email: 'bad@'", "phone: 'abc'", "birthday: '1985-13-12'", "at:", "first_name:"]
    assert [error.startswith(start) for error, start in zip(errors, starts, strict=True)] == [
        True
    ] * 5


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_person_twice_in_a_file_is_one(desk: Desk) -> None:
    content = table(
        "Email,First name,City",
        ["ada@x.de", "Ada", ""],
        ["bob@x.de", "Bob", ""],
        ["Ada@x.de", "Ada", "London"],
        ["ada@X.de", "Ada", "London"],
    )
    for dry_run in ("true", "false"):
        job = await desk.import_file("contacts", content, dry_run=dry_run)
        assert counts(job) == (4, 2, 1, 1, 0)
    names = [(item["name"], item["city"]) for item in (await desk.read("/contacts"))["items"]]
    assert names == [("Ada", "London"), ("Bob", None)]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_people_with_neither_id_nor_address_are_added_once_however_often_they_come(
    desk: Desk,
) -> None:
    header = "First name,Last name,Phone,Company,Created"
    ada = ["Ada", "Lovelace", "+44 20 7946 0958", "Engines", "2024-03-10"]
    content = table(header, ada, ["Grace", "Hopper", "", "", ""], [" ADA", "LOVELACE", *ada[2:]])
    for dry_run, expected in (("true", (3, 2, 0, 1, 0)), ("false", (3, 2, 0, 1, 0))):
        assert counts(await desk.import_file("contacts", content, dry_run=dry_run)) == expected
    job = await desk.import_file("contacts", content)
    assert counts(job) == (3, 0, 0, 3, 0)
    assert job["notes"]["skipped: imported before"] == 3
    # What was done to them since stays; another row of the same name is somebody else.
    found = {item["first_name"]: item["id"] for item in (await desk.read("/contacts"))["items"]}
    await desk.change(f"/contacts/{found['Ada']}", last_name="King")
    more = table(header, ada, ["Ada", "Lovelace", "+44 20 7946 0959", "", ""])
    assert counts(await desk.import_file("contacts", more)) == (2, 1, 0, 1, 0)
    people = (await desk.read("/contacts"))["items"]
    names = ["Ada King", "Ada Lovelace", "Grace Hopper"]
    assert sorted(item["name"] for item in people) == names


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_representative_cannot_see_is_not_added_once_more(desk: Desk) -> None:
    content = table("First name,Owner", ["Ada", "Sam Sales"], ["Grace", ""])
    desk.saw(await desk.others.users(Sam_Sales=new_id()))
    assert counts(await desk.import_file("contacts", content)) == (2, 2, 0, 0, 0)
    me = new_id()
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    job = await rep.import_file("contacts", content)
    assert counts(job) == (2, 0, 0, 1, 1)
    assert "somebody else's customer" in await rep.ask.get_text(job["errors_url"])
    await rep.ask.close()


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_erasing_somebody_takes_along_what_imports_keep_of_rows(
    desk: Desk, postgres_dsn: str
) -> None:
    ada = await desk.person(first_name="Ada", email="ada@x.de")
    content = table("First name,E-mail,Phone", ["Ada", "ada@x.de", "no number"], ["Bea", "", ""])
    job = await desk.import_file("contacts", content)
    assert counts(job) == (2, 1, 0, 0, 1)
    assert "ada@x.de" in await desk.ask.get_text(job["errors_url"])
    await desk.write("POST", f"/contacts/{ada}/erase")
    status, problem = await desk.refused("GET", f"/imports/{job['id']}/errors.csv")
    assert (status, problem["code"]) == (404, "not-kept")
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_contacts")
    kept = "select count(*) from imports.refusals where workspace_id = $1"
    assert await connection.fetchval(kept, desk.workspace) == 0
    await connection.close()
    # Bea is still known by her row; once she is erased, nobody is.
    assert counts(await desk.import_file("contacts", content)) == (2, 0, 0, 1, 1)
    [bea] = [p for p in (await desk.read("/contacts"))["items"] if p["name"] == "Bea"]
    await desk.write("POST", f"/contacts/{bea['id']}/erase")
    only_bea = table("First name,E-mail,Phone", ["Bea", "", ""])
    assert counts(await desk.import_file("contacts", only_bea)) == (1, 1, 0, 0, 0)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_representatives_import_for_themselves_and_leave_others_people_alone(
    desk: Desk,
) -> None:
    stranger, me = new_id(), new_id()
    await desk.person(first_name="Theirs", email="theirs@x.de", owner_id=str(stranger))
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    content = table("Email,First name,City", ["theirs@x.de", "T", "X"], ["new@x.de", "New", "Y"])
    job = await rep.import_file("contacts", content)
    assert counts(job) == (2, 1, 0, 0, 1)
    [item] = (await rep.read("/contacts"))["items"]
    assert (item["name"], item["owner_id"]) == ("New", str(me))
    await rep.ask.close()


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_companies_find_their_parents_wherever_in_the_file_they_are(desk: Desk) -> None:
    await desk.others.open_workspace("CHF")
    content = table(
        "Name,Sector,Subsidiary of,Annual revenue,Founded",
        ["Child", "technolgy", "Mother", "1,000", "1990"],
        ["Mother", "Retial", "", "", ""],
        ["Orphan", "", "Lost Inc", "", ""],
        ["Bad", "", "", "much", ""],
        ["Late", "", "", "", "2199"],
    )
    dry = await desk.import_file("companies", content, dry_run="true")
    job = await desk.import_file("companies", content)
    assert counts(dry) == counts(job) == (5, 3, 0, 0, 2)
    assert job["notes"] == {
        "sector technolgy read as technology": 1,
        "sector Retial read as retail": 1,
        "company Lost Inc was added: it was only named as a parent": 1,
    }
    found = {c["name"]: c for c in (await desk.read("/companies"))["items"]}
    assert found["Child"]["parent"]["name"] == "Mother"
    assert found["Orphan"]["parent"]["name"] == "Lost Inc"
    assert found["Child"]["revenue"] == {"amount_minor": 100_000, "currency": "CHF"}
    assert counts(await desk.import_file("companies", content)) == (5, 0, 0, 3, 2)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_company_was_only_named_for_is_filled_in_later(desk: Desk) -> None:
    await desk.person(first_name="Ada", company="Acme")
    content = table("Record ID,Company name,Industry,City", ["9", "ACME", "RETAIL", "Rome"])
    job = await desk.import_file("companies", content)
    assert counts(job) == (1, 0, 1, 0, 0)
    [company] = (await desk.read("/companies"))["items"]
    assert (company["name"], company["sector"], company["people"]) == ("Acme", "retail", 1)
    renamed = table("Record ID,Company name", ["9", "Acme International"])
    assert counts(await desk.import_file("companies", renamed)) == (1, 0, 1, 0, 0)
    [company] = (await desk.read("/companies"))["items"]
    assert (company["name"], company["city"]) == ("Acme International", "Rome")


@on_servers
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.skipif(not ACCOUNTS.exists(), reason="the data set is not on this machine")
async def test_the_real_accounts_get_in_with_their_dirt_said(desk: Desk) -> None:
    dollars = '{"currency": "usd"}'
    job = await desk.import_file("companies", ACCOUNTS.read_bytes(), options=dollars)
    assert counts(job) == (85, 85, 0, 0, 0)
    assert job["notes"] == {
        "revenue read as millions of USD": 85,
        "sector technolgy read as technology": 12,
        "country Philipines read as Philippines": 1,
    }
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.read(f"/companies?limit=30&cursor={cursor}")
        found, cursor = found + page["items"], page["next"]
    by_name = {company["name"]: company for company in found}
    acme = by_name["Acme Corporation"]
    assert (len(found), acme["sector"], acme["founded"], acme["employees"]) == (
        85,
        "technology",
        1996,
        2822,
    )
    assert acme["revenue"] == {"amount_minor": 110_004_000_000, "currency": "USD"}
    assert by_name["Cheers"]["parent"]["name"] == "Massive Dynamic"
    assert by_name["Bioholding"]["country"] == "Philippines"
    assert sum(company["parent"] is not None for company in found) == 15
    again = await desk.import_file("companies", ACCOUNTS.read_bytes(), options=dollars)
    assert counts(again) == (85, 0, 0, 85, 0)
    subsidiaries = [
        c["name"] for c in found if (c["parent"] or {}).get("name") == "Acme Corporation"
    ]
    assert subsidiaries == ["Bluth Company", "Codehow", "Donquadtech", "Iselectrics"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.skipif(not EXPORTS.exists(), reason="the data sets are not on this machine")
@pytest.mark.parametrize(
    ("name", "people_there", "first"),
    [
        ("hubspot-crm-exports-all-contacts.csv", 5, "Zoë Östergård"),
        ("zoho_Contacts_001.csv", 5, "Zoë Östergård"),
        ("pipedrive_people.csv", 5, "Zoë Östergård"),
        ("google_contacts_2024.csv", 5, "Zoë Östergård"),
    ],
)
async def test_exports_of_other_systems_get_in_as_they_are(
    desk: Desk, name: str, people_there: int, first: str
) -> None:
    job = await desk.import_file("contacts", (EXPORTS / name).read_bytes())
    assert (job["created"] + job["updated"], job["failed"]) == (people_there, 0), job
    names = [item["name"] for item in (await desk.read("/contacts"))["items"]]
    assert first in names
    again = await desk.import_file("contacts", (EXPORTS / name).read_bytes())
    assert again["created"] == 0 or name == "google_contacts_2024.csv"


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_a_check_shows_what_it_would_change_and_errors_come_cell_by_cell(desk: Desk) -> None:
    await desk.person(first_name="Ada", email="ada@x.de", city="London")
    content = table(
        "Email,First name,City,Shoe",
        ["ada@x.de", "Augusta", "Paris", "38"],
        ["bob@x.de", "Bob", "", ""],
        ["bad@", "Bad", "", "40"],
    )
    mapping = (
        '{"Email": "email", "First name": "first_name", "City": "city", "Shoe": "custom.shoe"}'
    )
    check = await desk.import_file("contacts", content, dry_run="true", mapping=mapping)
    assert counts(check) == (3, 1, 1, 0, 1)
    examples = (await desk.read(f"/imports/{check['id']}/examples"))["items"]
    assert [(each["row"], each["outcome"], each["title"]) for each in examples] == [
        (1, "updated", "Augusta"),
        (2, "created", "Bob"),
    ]
    assert {c["field"]: (c["before"], c["after"]) for c in examples[0]["changes"]} == {
        "First name": ("Ada", "Augusta"),
        "City": ("London", "Paris"),
        "Shoe": ("", "38"),
    }
    errors = await desk.read(f"/imports/{check['id']}/errors")
    assert [column["field"] for column in errors["columns"]] == [
        "email",
        "first_name",
        "city",
        "custom.shoe",
    ]
    [row] = errors["items"]
    assert (row["row"], row["field"], row["cells"]) == (3, "email", ["bad@", "Bad", "", "40"])
    assert counts(await desk.import_file("contacts", content, mapping=mapping)) == (3, 1, 1, 0, 1)
    [ada] = (await desk.read("/contacts?q=augusta"))["items"]
    assert (await desk.read(f"/contacts/{ada['id']}"))["custom"] == {"shoe": "38"}
