"""Everything that is kept of a person, in one file: whole, readable, and for nobody else."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
Desk = Any


async def unzipped(desk: Desk, path: str) -> dict[str, str]:
    kind, content = await desk.take_out(path)
    assert kind == "application/zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_all_of_it_is_in_the_file(desk: Desk) -> None:
    ada = await desk.person(
        first_name="Ada",
        last_name="Lovelace; Byron",
        emails=[{"address": "ada@example.org", "kind": "work"}],
        company="Analytical Engines",
        tags=["VIP"],
    )
    path = f"/contacts/{ada}"
    await desk.write("POST", f"{path}/interactions", {"kind": "note", "text": "likes poetry"})
    await desk.write(
        "PUT", f"{path}/consents/email/news", {"source": "=cmd()", "text_version": "3"}
    )
    await desk.write("DELETE", f"{path}/consents/email/news")
    line = {"title": "Tea", "quantity": 1, "unit_price_minor": 500}
    await desk.write("POST", "/purchases", {"currency": "EUR", "lines": [line], "contact_id": ada})
    files = await unzipped(desk, f"{path}/export")
    person = json.loads(files["person.json"])
    assert (person["id"], person["tags"]) == (ada, ["VIP"])
    assert "likes poetry" in files["timeline.json"]
    assert [each["lines"][0]["title"] for each in json.loads(files["purchases.json"])] == ["Tea"]
    assert len(json.loads(files["history.json"])) >= 4
    rows = list(csv.DictReader(io.StringIO(files["consents.csv"])))
    assert [(row["agreed"], row["channel"], row["purpose"]) for row in rows] == [
        ("yes", "email", "news"),
        ("no", "email", "news"),
    ]
    assert (rows[0]["text_version"], rows[0]["source"]) == ("3", "'=cmd()")
    assert "N:Lovelace\\; Byron;Ada;;;" in files["contact.vcf"].split("\r\n")
    assert sorted(name for name in files if name in files["README.txt"]) == sorted(
        set(files) - {"README.txt"}
    )


async def test_what_was_merged_into_it_is_in_it_too(desk: Desk) -> None:
    ada, copy = await desk.person(first_name="Ada"), await desk.person(first_name="Augusta")
    await desk.write("PUT", f"/contacts/{copy}/consents/email/news", {})
    await desk.write("POST", f"/contacts/{ada}/merge", {"duplicate_id": copy})
    desk.saw(f"person-{copy}@3")
    files = await unzipped(desk, f"/contacts/{copy}/export")
    assert json.loads(files["person.json"])["id"] == ada
    assert "Augusta" in files["history.json"]
    assert len(list(csv.DictReader(io.StringIO(files["consents.csv"])))) >= 1


async def test_whoever_may_not_see_a_person_gets_nothing_and_the_erased_have_nothing(
    desk: Desk,
) -> None:
    ada = await desk.person(first_name="Ada", owner_id=str(new_id()))
    me = new_id()
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    assert (await rep.refused("GET", f"/contacts/{ada}/export"))[0] == 404
    await rep.ask.close()
    await desk.write("POST", f"/contacts/{ada}/erase")
    status, problem = await desk.refused("GET", f"/contacts/{ada}/export")
    assert (status, problem["code"]) == (404, "erased")
