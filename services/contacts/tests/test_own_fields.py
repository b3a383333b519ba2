"""Which own fields a workspace has, and that people's values are what they ask for."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.own_field import (
    OwnFieldAdded,
    OwnFieldArranged,
    OwnFieldRetired,
    OwnFieldRetitled,
)
from contacts.read_models.own_fields import OWN_FIELDS, OWN_FIELDS_PROJECTION

Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = new_id()
FIELDS = "/contacts/fields"
served = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


def test_a_row_says_what_the_field_asks_now() -> None:
    book = History()
    added = OwnFieldAdded(ID, "size", "Size", "choice", ("S",), False, None, occurred_at=NOON)
    events = [
        book.add("own_field", ID, event)
        for event in (
            added,
            OwnFieldRetitled(ID, "Shirt", "As on the label", occurred_at=NOON),
            OwnFieldArranged(ID, ("S", "L"), True, occurred_at=NOON),
        )
    ]
    [row] = project(OWN_FIELDS_PROJECTION, *events)[OWN_FIELDS]
    assert row == {
        "field_id": ID,
        "version": 3,
        "key": "size",
        "title": "Shirt",
        "type": "choice",
        "choices": ["S", "L"],
        "required": True,
        "description": "As on the label",
        "added_at": NOON,
    }
    events.append(book.add("own_field", ID, OwnFieldRetired(ID, occurred_at=NOON)))
    assert project(OWN_FIELDS_PROJECTION, *events)[OWN_FIELDS] == []
    events.append(book.add("own_field", ID, added))
    [again] = project(OWN_FIELDS_PROJECTION, *events)[OWN_FIELDS]
    assert (again["title"], again["version"], again["required"]) == ("Size", 5, False)


def administrator(desk: Desk) -> Any:
    """Somebody in the same workspace who may settle which fields there are."""
    rights = desk.ask.principal.permissions | {"settings.write"}
    return desk.other(permissions=rights)


async def settle(desk: Desk, *fields: dict[str, Any]) -> None:
    """The workspace has these fields, and everybody sees them."""
    admin = administrator(desk)
    for field in fields:
        await admin.write("POST", FIELDS, field)
    assert len((await admin.read(FIELDS))["items"]) == len(fields)
    await admin.ask.close()


SHOE = {"title": "Shoe size", "type": "number"}
SIZE = {"title": "Size", "type": "choice", "choices": ["Small", "Large"]}


class TestFields:
    pytestmark = served

    async def test_fields_are_settled_by_administrators_and_seen_by_all(self, desk: Desk) -> None:
        admin = administrator(desk)
        made = await admin.write("POST", FIELDS, {**SIZE, "description": "Of shirts"})
        await admin.write("POST", FIELDS, {**SHOE, "key": "shoe"})
        listed = (await desk.read(FIELDS))["items"]
        assert [each["key"] for each in listed] == ["size", "shoe"]
        assert listed[0] == {
            **SIZE,
            "id": made["id"],
            "version": 1,
            "key": "size",
            "required": False,
            "description": "Of shirts",
            "added_at": listed[0]["added_at"],
        }
        for method, path in (("POST", ""), ("PATCH", "/size"), ("DELETE", "/size")):
            assert (await desk.refused(method, FIELDS + path, SHOE, If_Match='"1"'))[0] == 403
        await admin.ask.close()

    async def test_a_key_is_another_field_in_another_workspace(self, desk: Desk) -> None:
        await settle(desk, SIZE)
        rights = desk.ask.principal.permissions | {"settings.write"}
        elsewhere = desk.ask.other(workspace=new_id(), permissions=rights)
        status, listed, _ = await elsewhere("GET", f"/api/v1{FIELDS}")
        assert (status, listed["items"]) == (200, [])
        for method, body in (("GET", None), ("PATCH", {"title": "Mine"}), ("DELETE", None)):
            path = f"/api/v1{FIELDS}/size"
            status, _, _ = await elsewhere(method, path, body, If_Match='"1"')
            assert status in (404, 412), method
        assert (await elsewhere("POST", f"/api/v1{FIELDS}", SIZE))[0] == 201
        await elsewhere.close()
        [kept] = (await desk.read(FIELDS))["items"]
        assert (kept["title"], kept["version"]) == ("Size", 1)

    async def test_a_field_changes_in_one_version_and_is_retired(self, desk: Desk) -> None:
        admin = administrator(desk)
        await admin.write("POST", FIELDS, SIZE)
        path = f"{FIELDS}/size"
        assert (await admin.refused("PATCH", path, {"title": "x"}))[0] == 428
        await admin.change(path, title="Shirt", choices=["Large", "Small"], required=True)
        assert (await admin.refused("PATCH", path, {"title": "x"}, If_Match='"1"'))[0] == 412
        shown = await admin.read(path)
        assert (shown["title"], shown["choices"], shown["version"]) == (
            "Shirt",
            ["Large", "Small"],
            3,
        )
        status, problem = await admin.refused("POST", FIELDS, SIZE)
        assert (status, problem["code"], problem["field"]) == (409, "already-taken", "key")
        await admin.write("DELETE", path)
        assert (await admin.read(FIELDS))["items"] == []
        assert (await admin.refused("GET", path))[0] == 404
        status, problem = await admin.refused("POST", FIELDS, {"title": "Size", "type": "text"})
        assert (status, problem["code"]) == (409, "type-is-settled")
        assert (await admin.write("POST", FIELDS, SIZE))["version"] == 5
        await admin.ask.close()


class TestValues:
    pytestmark = served

    async def test_a_person_is_added_with_values_of_their_types(self, desk: Desk) -> None:
        await settle(desk, SHOE, SIZE, {"title": "Since", "type": "date"})
        said = {"shoe_size": "38,5", "size": "small", "since": "2026-03-30", "free": [1]}
        ada = await desk.person(first_name="Ada", custom=said)
        kept = (await desk.read(f"/contacts/{ada}"))["custom"]
        assert kept == {"shoe_size": 38.5, "size": "Small", "since": "2026-03-30", "free": [1]}

    async def test_a_value_of_another_type_is_refused_at_its_field(self, desk: Desk) -> None:
        await settle(desk, SHOE)
        ada = await desk.person(first_name="Ada", custom={"shoe_size": 38})
        wrong = {"custom": {"shoe_size": "big"}}
        for method, path, body, more in (
            ("POST", "/contacts", {"first_name": "Bob", **wrong}, {}),
            ("PATCH", f"/contacts/{ada}", wrong, {"If_Match": '"1"'}),
            ("POST", "/contacts/bulk", {"ids": [ada], "action": {"set": wrong}}, {}),
        ):
            status, problem = await desk.refused(method, path, body, **more)
            assert (status, problem["field"]) == (422, "custom.shoe_size"), path
            assert "“big” is no number" in problem["errors"][0]["detail"]
        await desk.change(f"/contacts/{ada}", custom={"shoe_size": "39"})
        assert (await desk.read(f"/contacts/{ada}"))["custom"] == {"shoe_size": 39}
        await desk.change(f"/contacts/{ada}", custom={"shoe_size": None})
        assert (await desk.read(f"/contacts/{ada}"))["custom"] == {}

    async def test_what_is_needed_is_asked_of_whoever_is_added(self, desk: Desk) -> None:
        before = await desk.person(first_name="Ada")
        await settle(desk, {**SHOE, "required": True})
        status, problem = await desk.refused("POST", "/contacts", {"first_name": "Bob"})
        assert (status, problem["field"]) == (422, "custom.shoe_size")
        await desk.person(first_name="Bob", custom={"shoe_size": 40})
        await desk.change(f"/contacts/{before}", city="London")

    async def test_many_get_a_value_as_its_type_has_it(self, desk: Desk) -> None:
        await settle(desk, SIZE)
        ada = await desk.person(first_name="Ada")
        action = {"set": {"custom": {"size": "LARGE"}}}
        status, started, headers = await desk.ask(
            "POST", "/api/v1/contacts/bulk", {"ids": [ada], "action": action}
        )
        assert status == 202, started
        async with asyncio.timeout(60):
            while (await desk.ask("GET", headers["Location"]))[1]["status"] != "done":
                await asyncio.sleep(0.05)
            while not (kept := (await desk.read(f"/contacts/{ada}"))["custom"]):
                await asyncio.sleep(0.05)
        assert kept == {"size": "Large"}

    async def test_a_file_is_read_by_the_types_and_a_wrong_cell_fails_its_row(
        self, desk: Desk
    ) -> None:
        await settle(
            desk,
            SHOE,
            {"title": "Since", "type": "date", "required": True},
            {"title": "Likes", "type": "choices", "choices": ["Tea", "Coffee"]},
        )
        rows = (
            "Email,Shoe,Since,Likes,Note",
            'ada@x.example,"1.234,5",3/4/2026,coffee;TEA,hi',
            "bob@x.example,big,,,",
            "cleo@x.example,,,,",
        )
        columns = {"Email": "email", "Shoe": "custom.shoe_size", "Since": "custom.since"}
        columns |= {"Likes": "custom.likes", "Note": "custom.note"}
        job = await desk.import_file(
            "contacts",
            "\n".join(rows).encode(),
            mapping=json.dumps(columns),
            options='{"dates": "mdy"}',
        )
        assert (job["created"], job["failed"]) == (2, 1), job
        _, errors, _ = await desk.ask("GET", f"/api/v1/imports/{job['id']}/errors")
        [error] = errors["items"]
        assert "“big” is no number" in error["reason"]
        assert error["field"] == "custom.shoe_size"
        async with asyncio.timeout(30):
            while len(found := (await desk.read("/contacts"))["items"]) < 2:
                await asyncio.sleep(0.05)
        ada = next(each["id"] for each in found if each["email"] == "ada@x.example")
        assert (await desk.read(f"/contacts/{ada}"))["custom"] == {
            "shoe_size": 1234.5,
            "since": "2026-03-04",
            "likes": ["Tea", "Coffee"],
            "note": "hi",
        }


class TestConditions:
    pytestmark = served

    async def test_a_condition_asks_by_type_and_is_told_by_title(self, desk: Desk) -> None:
        likes = {"title": "Likes", "type": "choices", "choices": ["Tea", "Coffee"]}
        await settle(
            desk,
            SHOE,
            SIZE,
            likes,
            {"title": "Since", "type": "date"},
            {"title": "VIP", "type": "yes_no"},
        )
        fields = {each["name"]: each for each in (await desk.read("/segments/fields"))["fields"]}
        told = {name: each for name, each in fields.items() if name.startswith("custom.")}
        assert {name: each["kind"] for name, each in told.items()} == {
            "custom.shoe_size": "number",
            "custom.size": "choice",
            "custom.likes": "tags",
            "custom.since": "date",
            "custom.vip": "choice",
        }
        assert told["custom.shoe_size"]["label"] == "Shoe size"
        assert told["custom.likes"]["choices"] == ["Tea", "Coffee"]
        assert told["custom.vip"]["choices"] == ["Yes", "No"]
        ada = {
            "shoe_size": 38.5,
            "size": "Small",
            "likes": ["Tea"],
            "since": "2026-03-04",
            "vip": True,
        }
        await desk.person(first_name="Ada", custom=ada)
        await desk.person(first_name="Bob", custom={"shoe_size": 9})
        await desk.read("/contacts")
        for name, operator, value, people in (
            ("shoe_size", "equals", 38.5, ["Ada"]),
            ("shoe_size", "more_than", 9, ["Ada"]),  # as texts 9 would be more than 38
            ("shoe_size", "at_most", 38.5, ["Ada", "Bob"]),
            ("size", "is", "Small", ["Ada"]),
            ("likes", "has", "Tea", ["Ada"]),
            ("likes", "has_not", "Tea", ["Bob"]),
            ("likes", "has", "Coffee", []),
            ("since", "since", "2026-03-04", ["Ada"]),
            ("since", "before", "2026-03-04", []),
            ("vip", "is", "Yes", ["Ada"]),
        ):
            condition = {"field": f"custom.{name}", "is": operator, "value": value}
            _, found, _ = await desk.ask(
                "POST", "/api/v1/segments/preview", {"condition": condition}
            )
            names = sorted(each["name"] for each in found["examples"])
            assert names == people, condition
        wanted = {"field": "custom.shoe_size", "is": "at_least", "value": 40}
        made = await desk.write("POST", "/segments", {"name": "Large", "condition": wanted})
        shown = await desk.read(f"/segments/{made['id']}")
        assert shown["said"]["words"] == "Shoe size at least 40"
