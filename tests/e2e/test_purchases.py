"""A shop's orders on the whole platform: sent as a file, and there on the record of who bought."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from everlog.testing import Platform, Visitor, visiting_alone

pytestmark = pytest.mark.e2e

ORDERS = """Order number,Ordered at,Customer id,E-mail,Item,Quantity,Unit price
1001,2026-02-01 10:00,,ada@example.org,Tea,2,2.50
1001,2026-02-01 10:00,,ada@example.org,Cup,1,12.00
R-7,2026-02-03 10:00,,ada@example.org,Cup,-1,12.00
1002,2026-02-02 09:00,17850.0,,Lamp,1,0.001
"""


@pytest.fixture
async def owner(platform: Platform) -> AsyncIterator[Visitor]:
    async with visiting_alone(platform, name="Tea house") as visitor:
        yield visitor


async def test_a_file_of_orders_is_on_the_records_of_who_bought(
    platform: Platform, owner: Visitor, tmp_path: Path
) -> None:
    added = await owner.post("/api/v1/contacts", {"first_name": "Ada", "email": "ada@example.org"})
    (tmp_path / "orders.csv").write_text(ORDERS)
    told = ("import", "{files}", "--option", "currency=GBP")
    for created, skipped in ((4, 0), (0, 4)):
        [job] = platform.everlog(*told, token=owner.token, files=tmp_path)
        assert (job["type"], job["created"], job["skipped"]) == ("purchases", created, skipped)
    summary: Any = (await owner.get(f"/api/v1/contacts/{added['id']}"))["purchases"]
    assert (summary["count"], summary["returns"]) == (1, 1)
    assert summary["totals"][0]["total"] == {"amount_minor": 500, "currency": "GBP"}
    names = {item["name"] for item in (await owner.get("/api/v1/contacts"))["items"]}
    assert names == {"Ada", "Customer 17850"}
    listed = await owner.get(f"/api/v1/contacts/{added['id']}/purchases")
    assert [item["number"] for item in listed["items"]] == ["R-7", "1001"]
