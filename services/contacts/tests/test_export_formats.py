"""Files of other systems get in as they are: recognised by their columns, with all they say."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chassis.imports.mapping import recognise, suggest
from chassis.imports.previewing import dates_of
from chassis.imports.reading import read
from contacts.imports.companies import COMPANIES_KIND
from contacts.imports.people import PEOPLE_KIND
from contacts.imports.vcard import read_cards

DATA = Path(__file__).parents[4] / "shared" / "data"
EXPORTS, CARDS = DATA / "crm_export_formats", DATA / "vcards"
on_servers = pytest.mark.integration
pytestmark = pytest.mark.skipif(not EXPORTS.exists(), reason="the data sets are not here")
Desk = Any

PEOPLE = {
    "google_contacts_2024.csv": "google",
    "google_contacts_legacy.csv": "google-legacy",
    "hubspot-crm-exports-all-contacts.csv": "hubspot",
    "linkedin_connections.csv": "linkedin",
    "mailchimp_subscribed_members_export.csv": "mailchimp",
    "mailchimp_unsubscribed_members_export.csv": "mailchimp-unsubscribed",
    "outlook_contacts_cp1252.csv": "outlook",
    "pipedrive_people.csv": "pipedrive",
    "salesforce_dataexport_Contact.csv": "salesforce",
    "salesforce_report_contacts.csv": "salesforce-report",
    "shopify_customers_export.csv": "shopify",
    "square_customers_export.csv": "square",
    "zoho_Contacts_001.csv": "zoho",
}
COMPANIES = {
    "hubspot-crm-exports-all-companies.csv": "hubspot-companies",
    "zoho_Accounts_001.csv": "zoho-accounts",
}
# rows, created, updated, skipped, failed
COUNTS: Mapping[str, tuple[int, int, int, int, int]] = {
    "google": (5, 5, 0, 0, 0),
    "google-legacy": (5, 5, 0, 0, 0),
    "hubspot": (5, 5, 0, 0, 0),
    "linkedin": (6, 5, 0, 1, 0),
    "mailchimp": (4, 4, 0, 0, 0),
    "mailchimp-unsubscribed": (2, 2, 0, 0, 0),
    "outlook": (4, 4, 0, 0, 0),
    "pipedrive": (5, 5, 0, 0, 0),
    "salesforce": (5, 5, 0, 0, 0),
    "salesforce-report": (5, 5, 0, 0, 0),
    "shopify": (5, 5, 0, 0, 0),
    "square": (5, 5, 0, 0, 0),
    "zoho": (5, 5, 0, 0, 0),
    "hubspot-companies": (3, 2, 0, 0, 1),  # two ids for one name
    "zoho-accounts": (2, 2, 0, 0, 0),
}


def counts(job: Any) -> tuple[int, int, int, int, int]:
    assert job["status"] == "done", job["error"]
    return (job["rows"], job["created"], job["updated"], job["skipped"], job["failed"])


@pytest.mark.parametrize(
    ("name", "preset"), [*PEOPLE.items(), *COMPANIES.items()], ids=lambda each: str(each)
)
def test_each_file_is_recognised_by_its_columns_and_all_it_maps_exists(
    name: str, preset: str
) -> None:
    kind = PEOPLE_KIND if name in PEOPLE else COMPANIES_KIND
    sheet = read((EXPORTS / name).read_bytes(), kind.readers)
    found = recognise(sheet.headers, kind)
    assert found is not None
    assert found.name == preset
    fields = {field.name for field in kind.fields}
    mapping = suggest(sheet.headers, kind, found)
    assert {f for f in mapping.values() if not f.startswith("custom.")} <= fields
    assert mapping.items() >= {
        (column, field) for column, field in found.columns.items() if column in sheet.headers
    }


def test_presets_name_fields_that_there_are() -> None:
    for kind in (PEOPLE_KIND, COMPANIES_KIND):
        fields = {field.name for field in kind.fields}
        for preset in kind.presets:
            strange = {f for f in preset.columns.values() if not f.startswith("custom.")} - fields
            assert not strange, preset.name


def test_notices_around_the_table_are_no_rows_and_are_named() -> None:
    linked = read((EXPORTS / "linkedin_connections.csv").read_bytes())
    assert (linked.headers[0], len(list(linked.rows()))) == ("First Name", 6)
    assert linked.left_out[0] == "above the table: Notes:"
    report = read((EXPORTS / "salesforce_report_contacts.csv").read_bytes())
    assert len(list(report.rows())) == 5
    assert report.left_out[0] == "below the table: All Contacts"
    assert len(report.left_out) == 5


@on_servers
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [*PEOPLE, *COMPANIES])
async def test_every_row_of_an_export_gets_in_and_a_second_time_changes_nothing(
    desk: Desk, name: str
) -> None:
    type_, preset = ("contacts", PEOPLE.get(name)) if name in PEOPLE else ("companies", None)
    preset = preset or COMPANIES[name]
    content = (EXPORTS / name).read_bytes()
    dry = await desk.import_file(type_, content, dry_run="true")
    job = await desk.import_file(type_, content)
    assert (job["preset"], counts(dry), counts(job)) == (preset, COUNTS[preset], COUNTS[preset])
    again = await desk.import_file(type_, content)
    rows, *_, failed = COUNTS[preset]
    assert counts(again) == (rows, 0, 0, rows - failed, failed)


async def people(desk: Desk, name: str, **fields: str) -> dict[str, Any]:
    """The people of an export, each with their whole record, by first name."""
    job = await desk.import_file("contacts", (EXPORTS / name).read_bytes(), **fields)
    assert job["failed"] == 0, job
    found = (await desk.read("/contacts"))["items"]
    return {each["first_name"]: await desk.read(f"/contacts/{each['id']}") for each in found}


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_names_addresses_and_groups_of_google(desk: Desk) -> None:
    found = await people(desk, "google_contacts_2024.csv")
    zoe, jean, ana = found["Zoë"], found['Jean "JJ"'], found["Ana"]
    assert (zoe["name"], zoe["tags"]) == ("Zoë Östergård", ["Customers"])
    assert (zoe["companies"][0]["name"], zoe["companies"][0]["role"]) == (
        "Nordwind AB",
        "Head of Buying",
    )
    assert zoe["custom"] == {"notes": "line one\nline two"}
    assert (zoe["phones"][0]["e164"], zoe["phones"][0]["kind"]) == ("+46855501001", "mobile")
    assert (jean["last_name"], jean["email"]) == ("de la Tour", "jj+crm@latour.example")
    assert (ana["last_name"], ana["phone"], ana["email"]) == ("", "555-0142 ext. 9", None)
    legacy = await people(desk, "google_contacts_legacy.csv")
    addresses = [each["address"] for each in legacy["Siobhán"]["emails"]]
    assert addresses == ["SIOBHAN@Kells-Press.example", "second@Kells-Press.example"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_text_marks_of_shops_are_taken_off_and_consents_are_kept(desk: Desk) -> None:
    found = await people(desk, "shopify_customers_export.csv")
    zoe, siobhan = found["Zoë"], found["Siobhán"]
    assert zoe["external_ids"] == [{"id": "7210448301100", "source": "shopify"}]
    assert (zoe["phone"], zoe["custom"]["postcode"], zoe["country"]) == (
        "+46 8 555 010 01",
        "01234",
        "SE",
    )
    agreed = [(c["channel"], c["purpose"], c["given"]) for c in zoe["consents"]]
    assert agreed == [("email", "marketing", True), ("sms", "marketing", False)]
    assert [c["given"] for c in siobhan["consents"]] == [False, False]
    assert sorted(zoe["tags"]) == ["newsletter", "vip"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_whoever_unsubscribed_there_is_opted_out_here_and_stays_so(desk: Desk) -> None:
    await people(desk, "mailchimp_unsubscribed_members_export.csv")
    found = {each["email"]: each for each in (await desk.read("/contacts"))["items"]}
    gone = await desk.read(f"/contacts/{found['gone@kells-press.example']['id']}")
    abuse = await desk.read(f"/contacts/{found['abuse@nordwind.example']['id']}")
    [said] = gone["consents"]
    assert (said["channel"], said["given"], said["at"]) == ("email", False, "2025-06-01T10:00:00Z")
    assert said["source"] == "import mailchimp: normal"
    assert [(c["purpose"], c["given"]) for c in abuse["consents"]] == [
        ("complaint", False),
        ("marketing", False),
    ]
    again = b"Email Address,Newsletter\ngone@kells-press.example,yes\n"
    job = await desk.import_file("contacts", again)
    assert job["notes"]["opted out of email here already: stays so"] == 1
    assert (await desk.read(f"/contacts/{gone['id']}"))["consents"] == gone["consents"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_subscribers_agreed_when_they_opted_in(desk: Desk) -> None:
    zoe = (await people(desk, "mailchimp_subscribed_members_export.csv"))["Zoë"]
    [said] = zoe["consents"]
    assert (said["given"], said["at"]) == (True, "2024-03-14T09:12:31Z")
    assert (zoe["tags"], zoe["custom"]["birthday"]) == (["Blog", "VIP"], "03-14")
    assert (zoe["created_at"], zoe["time_zone"]) == ("2024-03-14T09:12:31Z", "Europe/Stockholm")


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_opt_outs_and_placeholders_of_salesforce(desk: Desk) -> None:
    report = await people(desk, "salesforce_report_contacts.csv")
    assert [c["given"] for c in report["Zoë"]["consents"]] == [False]
    assert report["Siobhán"]["consents"] == []
    export = await people(desk, "salesforce_dataexport_Contact.csv")
    assert export["Ana"]["last_name"] == ""
    deleted = b"Id,AccountId,LastName,FirstName,SystemModstamp,IsDeleted\n9,,Gone,Al,,true\n"
    job = await desk.import_file("contacts", deleted)
    assert (counts(job), job["notes"]) == (
        (1, 0, 0, 1, 0),
        {"skipped: deleted in the other system": 1},
    )


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_connections_without_an_address_are_known_by_their_profile(desk: Desk) -> None:
    found = await people(desk, "linkedin_connections.csv")
    assert found["Siobhán"]["external_id"] == "https://www.linkedin.com/in/example-1"
    assert found["Siobhán"]["created_at"] == "2025-03-02T00:00:00Z"


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_a_preview_shows_what_was_recognised_and_what_is_left_out(desk: Desk) -> None:
    async def looked_at(name: str, **fields: str) -> Any:
        form = aiohttp.FormData({"type": "contacts", **fields})
        form.add_field("file", io.BytesIO((EXPORTS / name).read_bytes()), filename=name)
        status, preview = await desk.ask.post_form("/api/v1/imports/preview", form)
        assert status == 200, preview
        return preview

    outlook = await looked_at("outlook_contacts_cp1252.csv")
    assert (outlook["encoding"], outlook["preset"], outlook["format"]) == (
        "cp1252",
        "outlook",
        "csv",
    )
    assert "Internet Free Busy" in outlook["unmapped"]
    assert (await looked_at("outlook_contacts_cp1252.csv", preset="none"))["preset"] is None
    companies = await looked_at("hubspot-crm-exports-all-companies.csv")
    assert companies["looks_like"] == {"type": "companies", "label": "HubSpot companies"}
    linked = await looked_at("linkedin_connections.csv")
    assert len(linked["left_out"]) == 2


def test_cards_of_every_program_are_read_each_as_a_row() -> None:
    if not CARDS.exists():
        pytest.skip("the cards are not here")
    read_ = {path.name: read_cards(path.read_bytes()) for path in CARDS.glob("*.vcf")}
    rows = {name: len(list(grid.rows())) for name, grid in read_.items() if grid is not None}
    assert (len(rows), sum(rows.values()), rows["John_Doe_ANDROID.vcf"]) == (18, 26, 6)
    first = next(iter(read_["rfc6350-example.vcf"].rows()))[1]  # type: ignore[union-attr]
    told = dict(zip(read_["rfc6350-example.vcf"].headers, first, strict=True))  # type: ignore[union-attr]
    assert (told["Phone (work)"], told["Birthday"]) == ("+1-418-656-9254 ext. 102", "--0203")
    broken = dict(
        zip(
            read_["John_Doe_LOTUS_NOTES.vcf"].headers,  # type: ignore[union-attr]
            next(iter(read_["John_Doe_LOTUS_NOTES.vcf"].rows()))[1],  # type: ignore[union-attr]
            strict=True,
        )
    )
    assert broken["E-mail"] == "john.doe@ibm.com ::: billy_bob@gmail.com"


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_cards_become_people_and_the_same_cards_again_change_nothing(desk: Desk) -> None:
    if not CARDS.exists():
        pytest.skip("the cards are not here")
    every = sorted(CARDS.glob("*.vcf"))
    cards = b"".join(path.read_bytes() + b"\r\n" for path in every)
    dry = await desk.import_file("contacts", cards, dry_run="true")
    job = await desk.import_file("contacts", cards)
    assert (job["format"], job["preset"], counts(job)) == ("vcard", "vcard", counts(dry))
    assert job["rows"] == job["created"] + job["updated"] + job["skipped"] + job["failed"] == 26
    # Cards of one person that contradict each other are all applied again: those aside, nothing is.
    agreeing = [path for path in every if "John_Doe" not in path.name]
    cards = b"".join(path.read_bytes() + b"\r\n" for path in agreeing)
    await desk.import_file("contacts", cards)
    again = await desk.import_file("contacts", cards)
    assert (again["created"], again["updated"], again["rows"]) == (0, 0, 13)
    simon = await desk.import_file("contacts", (CARDS / "jcard-example.json").read_bytes())
    assert (simon["format"], counts(simon)[0]) == ("jcard", 1)
    [found] = (await desk.read("/contacts?q=perreault"))["items"]
    record = await desk.read(f"/contacts/{found['id']}")
    assert (record["custom"]["birthday"], record["companies"][0]["name"]) == ("02-03", "Viagenie")


def test_the_order_of_dates_is_told_by_those_that_leave_no_choice() -> None:
    def order(*days: str) -> Any:
        text = "First name,Birthday\n" + "".join(f"Ada,{day}\n" for day in days)
        found = dates_of(read(text.encode()), {"Birthday": "birthday"}, PEOPLE_KIND)
        return found and (found.order, found.sure)

    assert order("1985-12-10") is None
    assert order("03/04/1985", "13/04/1985") == ("dmy", True)
    assert order("03/04/1985", "04/13/1985") == ("mdy", True)
    assert order("03/04/1985") == ("dmy", False)
    assert order("03.04.1985") == ("dmy", True)
