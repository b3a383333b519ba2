"""The CRM Sales Opportunities data: what it is known to hold is what comes out."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.testing.desk import counts, deals_of, send

REAL = Path(__file__).parents[4] / "shared" / "data" / "crm_sales_opportunities"


def lines_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def real(name: str) -> bytes:
    if not (REAL / name).exists():
        pytest.skip("the CRM Sales Opportunities data is not here")
    return (REAL / name).read_bytes()


def open_on(rows: Sequence[dict[str, str]], moment: str) -> int:
    """How many deals of the file had been engaged, and not been closed, by the end of a day."""
    return sum(
        bool(r["engage_date"])
        and r["engage_date"] <= moment
        and not (r["close_date"] and r["close_date"] <= moment)
        for r in rows
    )


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_the_real_file_holds_what_it_is_known_to_hold(shop: Any) -> None:
    ask, others = shop
    content = real("sales_pipeline.csv")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    agents = [
        r["sales_agent"] for r in csv.DictReader(io.StringIO(real("sales_teams.csv").decode()))
    ]
    accounts = [r["account"] for r in csv.DictReader(io.StringIO(real("accounts.csv").decode()))]
    await others.users(*agents)
    await others.companies(*accounts)
    assert counts(await send(ask, "products", real("products.csv"))) == (7, 0, 0, 0)
    begun, cpu = time.perf_counter(), time.process_time()
    done = await send(ask, "deals", content)
    took_s = time.perf_counter() - begun
    print(f"8,800 deals took {took_s:.1f} s, {time.process_time() - cpu:.1f} of this process")
    assert counts(done) == (8_800, 0, 0, 0)
    assert done["notes"]["no company given"] == 1_425
    assert done["notes"]['product "GTXPro" read as "GTX Pro"'] == 1_480
    assert took_s < 60
    deals = await deals_of(ask)
    assert len(deals) == 8_800
    assert Counter(d["status"] for d in deals.values()) == {
        "won": 4_238,
        "lost": 2_473,
        "open": 2_089,
    }
    won = sum(d["value"]["amount_minor"] for d in deals.values() if d["status"] == "won")
    assert won == 10_005_534_00
    assert all(d["owner"] and d["product"] for d in deals.values())
    _, board, _ = await ask("GET", "/api/v1/board")
    assert [(s["key"], s["count"]) for s in board["stages"]][:2] == [
        ("prospecting", 500),
        ("engaging", 1_589),
    ]
    for moment in ("2016-12-31", "2017-06-30", "2017-12-30"):
        _, then, _ = await ask("GET", f"/api/v1/board?as_of={moment}")
        assert then["totals"]["count"] == open_on(rows, moment)
    again = await send(ask, "deals", content)
    assert counts(again) == (0, 0, 8_800, 0)
