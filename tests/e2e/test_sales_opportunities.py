"""Real sales data of two years: imported, on the board, in the figures; again, and rebuilt."""

from __future__ import annotations

import csv
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from everlog.testing import Platform, Visitor, visiting_alone

pytestmark = pytest.mark.e2e

DATA = Path(__file__).parents[3] / "shared" / "data" / "crm_sales_opportunities"
DAY = "2017-06-30"


@pytest.fixture
async def owner(platform: Platform) -> AsyncIterator[Visitor]:
    if not DATA.is_dir():
        pytest.skip("the sales data is not there")
    async with visiting_alone(platform, name="Hardware", currency="USD") as visitor:
        yield visitor


async def test_the_figures_are_those_that_the_data_is_known_to_contain(
    platform: Platform, owner: Visitor
) -> None:
    begin = time.monotonic()
    jobs = _import(platform, owner)
    print(
        f"The whole import took {time.monotonic() - begin:.1f} s."
    )  # less than 60 on 2 idle cores
    assert {job["type"]: (job["rows"], job["created"], job["failed"]) for job in jobs} == {
        "users": (35, 35, 0),
        "companies": (85, 85, 0),
        "products": (7, 7, 0),
        "deals": (8800, 8800, 0),
    }
    notes = " ".join(note for job in jobs for note in job["notes"])
    assert "GTXPro" in notes
    assert "technolgy" in notes
    figures = await _figures(owner)
    assert figures == {
        "deals_won": 4238,
        "deals_lost": 2473,
        "win_rate": 0.6315,
        "revenue_won": 10_005_534,
        "sales_cycle_days": 51.78,
        "open_deals": 2089,
    }
    assert await _open_on_the_board(owner) == 2089
    assert await _open_on_the_board(owner, as_of=DAY) == _open_on(DAY)

    again = _import(platform, owner)
    assert sum(job["created"] + job["updated"] + job["failed"] for job in again) == 0
    assert await _figures(owner) == figures

    rebuilt = platform.everlog("rebuild", "--all")
    assert {"pipeline", "analytics", "contacts"} <= {each["service"] for each in rebuilt}
    assert await _figures(owner) == figures
    assert await _open_on_the_board(owner) == 2089
    assert await _open_on_the_board(owner, as_of=DAY) == _open_on(DAY)


def _import(platform: Platform, owner: Visitor) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]]
    jobs = platform.everlog("import", "{files}", token=owner.token, files=DATA)
    assert {job["status"] for job in jobs} == {"done"}, jobs
    return jobs


async def _figures(owner: Visitor) -> dict[str, Any]:
    found = {}
    for name in ("deals_won", "deals_lost", "revenue_won", "open_deals"):
        found[name] = (await owner.get(f"/api/v1/kpis/{name}"))["value"]
    found["win_rate"] = round((await owner.get("/api/v1/kpis/win_rate"))["value"], 4)
    cycle = (await owner.get("/api/v1/kpis/sales_cycle_days"))["value"]
    found["sales_cycle_days"] = round(cycle, 2)
    return found


async def _open_on_the_board(owner: Visitor, **params: str) -> int:
    board = await owner.get("/api/v1/board", **params)
    return sum(stage["count"] for stage in board["stages"])


def _open_on(day: str) -> int:
    """Counted in the file: engaged by that day, and not closed by then."""
    with (DATA / "sales_pipeline.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return sum(
        1
        for row in rows
        if row["engage_date"]
        and row["engage_date"] <= day
        and not (row["close_date"] and row["close_date"] <= day)
    )
