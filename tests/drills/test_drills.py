"""Disasters, and the way back: each time everything is proven to be what it was, to the byte."""

from __future__ import annotations

import shutil

import pytest

from tests.drills.drill import Drill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


async def test_kafkas_data_is_deleted(drill: Drill) -> None:
    before = await drill.baseline()
    await drill.run("down")
    shutil.rmtree(drill.home.path / "kafka" / "data")
    await drill.run("up")
    assert await drill.digests() == before
    await drill.still_answers()


@pytest.mark.long
async def test_topics_and_a_read_database_are_lost_while_everything_runs(drill: Drill) -> None:
    before = await drill.baseline()
    await drill.delete_topics("everlog.contacts", "everlog.pipeline", "everlog.keys")
    done = await drill.run("republish", "--all")
    assert {each["service"] for each in done if each["events"]} >= {"contacts", "pipeline"}
    for schema in drill.read_model_schemas("contacts"):
        drill.execute(f"drop schema {schema} cascade", "everlog_contacts")
    await drill.run("rebuild", "contacts")
    assert await drill.digests() == before
    await drill.still_answers()


async def test_event_stores_are_dropped(drill: Drill) -> None:
    before = await drill.baseline()
    drill.execute("drop database everlog_contacts with (force)")
    contacts = (await drill.run("restore", "contacts", "--from-kafka"))["store"]
    assert contacts["destroyed_keys"] >= 1
    drill.execute("drop database everlog_pipeline with (force)")
    assert "--from-kafka" in await drill.fails("setup")  # it would begin anew beside the topic
    pipeline = (await drill.run("restore", "pipeline", "--from-kafka"))["store"]
    assert pipeline["reacted_known"]
    assert await drill.digests() == before
    await drill.still_answers()
    async with drill.visiting() as ada:
        taken = {"first_name": "Not", "last_name": "Grace", "external_id": "navy-0"}
        assert (await ada.ask("POST", "/api/v1/contacts", json=taken)).status == 409
        feed = await ada.get("/api/v1/events", service="contacts", limit=200)
        assert [each["number"] for each in feed["items"]] == [*range(1, len(feed["items"]) + 1)]


async def test_afterwards_work_goes_on(drill: Drill) -> None:
    async with drill.visiting() as ada:
        path = f"/api/v1/contacts/{drill.known_id}"
        shown = await ada.get(path)
        change = {"last_name": f"Hopper the {shown['version']}th"}
        headers = {"If_Match": f'"{shown["version"]}"'}
        changed = await ada.ask("PATCH", path, json=change, headers=headers)
        assert changed.status == 200, changed
        assert (await ada.get(path))["last_name"] == change["last_name"]
    before = await drill.baseline()
    drill.known = None
    assert await drill.baseline() != before
