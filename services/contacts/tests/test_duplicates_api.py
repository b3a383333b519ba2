"""Duplicates over HTTP: found as people change, shown, told apart, merged by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any
ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@x.example", "city": "London"}
SLIP = {"first_name": "Ada", "last_name": "Lovelase", "email": "ada@x.example"}
OTHERS = [("Grace", "Hopper"), ("Alan", "Turing"), ("Mary", "Shelley"), ("Ada", "Lovell")]


async def until(what: Callable[[], Awaitable[Any]], wanted: Any) -> Any:
    """What is found after a while; a second or two."""
    async with asyncio.timeout(30):
        while (found := await what()) != wanted:
            await asyncio.sleep(0.1)
    return found


def pairs(desk: Desk) -> Callable[[], Awaitable[list[set[str]]]]:
    async def found() -> list[set[str]]:
        items = (await desk.read("/contacts/duplicates"))["items"]
        return [{item["left"]["id"], item["right"]["id"]} for item in items]

    return found


async def crowd(desk: Desk) -> tuple[str, str]:
    for first, last in OTHERS:
        await desk.person(first_name=first, last_name=last, email=f"{last}@y.example")
    return await desk.person(**ADA), await desk.person(**SLIP, external_id="7")


async def test_duplicates_are_found_as_people_change(desk: Desk) -> None:
    ada, slip = await crowd(desk)
    await until(pairs(desk), [{ada, slip}])
    (item,) = (await desk.read("/contacts/duplicates"))["items"]
    assert item["score"] > 0.9
    assert {item["left"]["external_id"], item["right"]["external_id"]} == {None, "7"}
    said = {each["field"]: each for each in item["why"]}
    assert said["email"]["level"] == "same"
    assert said["last_name"]["level"] == "close"
    await desk.change(f"/contacts/{slip}", first_name="Bob", last_name="Ray", email="bob@z.example")
    await until(pairs(desk), [])
    await desk.change(f"/contacts/{slip}", **SLIP)
    await until(pairs(desk), [{ada, slip}])


async def test_several_records_of_one_person_are_one_cluster(desk: Desk) -> None:
    ada, slip = await crowd(desk)
    third = await desk.person(first_name="Ada", last_name="Lovelace", email="ada@x.example")

    async def found() -> list[set[str]]:
        items = (await desk.read("/contacts/duplicates/clusters"))["items"]
        return [{person["id"] for person in item["people"]} for item in items]

    await until(found, [{ada, slip, third}])


async def test_who_is_told_apart_is_never_asked_about_again(desk: Desk) -> None:
    ada, slip = await crowd(desk)
    await until(pairs(desk), [{ada, slip}])
    await desk.write("POST", f"/contacts/{slip}/told-apart", {"other_id": ada})
    assert await pairs(desk)() == []
    await desk.change(f"/contacts/{slip}", city="London")
    await asyncio.sleep(1.5)
    assert await pairs(desk)() == []


async def test_who_was_merged_is_out_of_the_queue_and_after_unmerging_told_apart(
    desk: Desk,
) -> None:
    ada, slip = await crowd(desk)
    await until(pairs(desk), [{ada, slip}])
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": slip})
    desk.saw(f"person-{slip}@2")
    assert await pairs(desk)() == []
    await desk.write("POST", f"/contacts/{ada}/unmerge", {"duplicate_id": slip})
    desk.saw(f"person-{slip}@3")
    await asyncio.sleep(1.5)
    assert await pairs(desk)() == []


async def test_whoever_enters_somebody_is_told_who_is_there_already(desk: Desk) -> None:
    ada, slip = await crowd(desk)
    await until(pairs(desk), [{ada, slip}])

    async def like(**entered: Any) -> set[str]:
        status, found, _ = await desk.ask("POST", "/api/v1/contacts/duplicates/check", entered)
        assert status == 200, found
        return {item["person"]["id"] for item in found["items"]}

    assert ada in await like(first_name="Ada", last_name="Lovelace")
    assert await like(email="ADA@x.example") == {ada, slip}
    assert await like(first_name="Ada", last_name="Lovelase", id=slip, email="ada@x.example") == {
        ada
    }
    assert await like(first_name="Nobody", email="not yet an addr") == set()
    began = time.perf_counter()
    await like(**ADA)
    assert time.perf_counter() - began < 0.5


async def test_the_sure_ones_are_merged_by_themselves_if_the_workspace_wants_it(
    desk: Desk,
) -> None:
    status, problem = await desk.refused("PUT", "/contacts/duplicates/rule", {"threshold": 0.95})
    assert (status, problem["code"]) == (403, "forbidden")
    administrator = desk.other(permissions=desk.ask.principal.permissions | {"settings.write"})
    await administrator.write("PUT", "/contacts/duplicates/rule", {"threshold": 0.95})
    assert (await desk.read("/contacts/duplicates/rule")) == {"threshold": 0.95}
    ada, slip = await crowd(desk)

    async def answering() -> str:
        return str((await desk.read(f"/contacts/{slip}"))["id"])

    await until(answering, ada)
    history = (await desk.read(f"/contacts/{ada}/history"))["items"]
    absorbed = next(e for e in history if e["type"] == "contacts.person-absorbed.v1")
    assert absorbed["actor"]["name"] == "duplicates"
    await desk.write("POST", f"/contacts/{ada}/unmerge", {"duplicate_id": slip})
    await asyncio.sleep(1.5)
    assert await answering() == slip
    await administrator.ask.close()


async def test_an_erased_person_leaves_nothing_behind(desk: Desk) -> None:
    ada, slip = await crowd(desk)
    await until(pairs(desk), [{ada, slip}])
    await desk.write("POST", f"/contacts/{slip}/erase")
    assert await pairs(desk)() == []
