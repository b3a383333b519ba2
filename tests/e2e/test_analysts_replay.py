"""Exports, replays and the notebook over a workspace whose numbers are known by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from pyarrow import parquet

from everlog.testing import EmbeddedPlatform, Platform, Visitor, visiting_alone

pytestmark = pytest.mark.e2e

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples" / "replay"


@dataclass
class Shop:
    """A workspace: Ada came by the web and bought twice, Grace from a fair and bought once."""

    platform: Platform
    visitor: Visitor

    def everlog(self, *arguments: str, **more: Any) -> Any:
        """A command about this workspace alone."""
        mine = ("--workspace", str(self.visitor.workspace))
        return self.platform.everlog(*arguments, *mine, **more)

    async def add(self, name: str, source: str) -> str:
        body = {"first_name": name, "last_name": "Example", "source": source}
        return str((await self.visitor.post("/api/v1/contacts", body))["id"])

    async def win(self, contact: str, value: int, closed_on: str) -> None:
        deal = {
            "title": f"Books of {closed_on}",
            "contact_id": contact,
            "value": {"amount_minor": value, "currency": "EUR"},
            "opened_at": "2026-01-02T12:00:00Z",
        }
        made = await self.visitor.post("/api/v1/deals", deal)
        won = f"/api/v1/deals/{made['id']}/win"
        await self.visitor.post(won, {"closed_on": closed_on})

    async def published(self, service: str, head: int) -> None:
        """Until so many events are in a feed, or more."""
        path = "/api/v1/events"
        while (page := await self.visitor.get(path, service=service, limit=1))["head"] < head:
            await self.visitor.get(path, service=service, after=page["head"], wait_s=2)


@pytest.fixture
async def shop(platform: Platform) -> AsyncIterator[Shop]:
    async with visiting_alone(platform) as visitor:
        shop = Shop(platform, visitor)
        ada, grace = await shop.add("Ada", "web"), await shop.add("Grace", "fair")
        await shop.win(ada, 100_00, "2026-02-10")
        await shop.win(ada, 50_00, "2026-03-01")
        await shop.win(grace, 70_00, "2026-03-02")
        await visitor.post(f"/api/v1/contacts/{grace}/erase")
        await shop.published("contacts", 3)
        await shop.published("pipeline", 7)
        yield shop


EXPECTED = [
    ("2026-02", "web", 1, 100_00),
    ("2026-03", "fair", 1, 70_00),
    ("2026-03", "web", 1, 50_00),
]


def told(rows: list[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[n] for n in ("month", "source", "deals", "won_minor")) for row in rows]


async def test_the_documented_projection_comes_to_the_known_numbers(shop: Shop) -> None:
    projection = ("replay", "--projection", "{files}/won_by_first_source.py")
    assert told(shop.everlog(*projection, files=EXAMPLES)) == EXPECTED
    rows = shop.everlog(*projection, "--as-of", "2026-02-28", files=EXAMPLES)
    # The people were entered after they had bought.
    assert told(rows) == [("2026-02", "unknown", 1, 100_00)]
    differences = shop.everlog(
        *projection, "--against", "{files}/won_by_deal_source.py", files=EXAMPLES
    )
    assert {row["difference"] for row in differences} == {
        "only in the first",
        "only in the second",
    }


async def test_sql_answers_over_the_whole_log_and_without_anybodys_name(shop: Shop) -> None:
    workspace = str(shop.visitor.workspace)
    won = (
        "select sum(value_minor) as won, count(*) as deals from pipeline_deal_won "
        f"where workspace = '{workspace}'"
    )
    assert shop.platform.everlog("replay", "--sql", won) == [{"won": 220_00, "deals": 3}]
    added = f"select body from events where workspace = '{workspace}' and service = 'contacts'"
    assert "Ada" not in json.dumps(shop.platform.everlog("replay", "--sql", added))
    clear = ("replay", "--clear", "--sql", "select first_name from contacts_person_added "
             f"where workspace = '{workspace}' order by 1")  # fmt: skip
    names = [row["first_name"] for row in shop.platform.everlog(*clear)]
    assert names == ["Ada", "[erased]"]
    noted = shop.platform.everlog("export", "list")[-1]
    assert (noted["what"], noted["clear"], noted["status"]) == ("replay --sql", True, "done")


async def test_an_export_has_the_feed_and_no_more(shop: Shop, tmp_path: Path) -> None:
    if not isinstance(shop.platform, EmbeddedPlatform):
        pytest.skip("what is written in a container stays there")
    for more in ([], ["--from-kafka"]):
        path = tmp_path / f"pipeline{len(more)}.parquet"
        told = shop.everlog("export", "events", "--service", "pipeline", *more, str(path))
        feed = (await shop.visitor.get("/api/v1/events", service="pipeline", limit=200))["items"]
        assert told["events"] == len(feed)
        rows = parquet.read_table(path).to_pylist()
        assert {row["id"] for row in rows} == {item["id"] for item in feed}
        assert {row["hash"] for row in rows} == {item["hash"] for item in feed}


async def test_the_notebook_goes_from_an_export_to_a_chart(shop: Shop, tmp_path: Path) -> None:
    if not isinstance(shop.platform, EmbeddedPlatform):
        pytest.skip("it starts everlog beside itself")
    shutil.copytree(DOCS / "examples", tmp_path / "examples")
    path = DOCS / "notebooks" / "replay.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert [cell for cell in notebook.cells if cell.get("outputs")] == [], "strip its outputs"
    first = notebook.cells[1]
    assert 'WORKSPACE = ""' in first.source
    first.source = first.source.replace('""', f'"{shop.visitor.workspace}"', 1)
    (tmp_path / "notebooks").mkdir()
    where = {"metadata": {"path": str(tmp_path / "notebooks")}}
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources=where)
    await client.async_execute(env={**shop.platform.environ, "IPYTHONDIR": str(tmp_path)})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = " ".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    texts = " ".join(shown.split())
    assert "'personal_data': 'left out'" in texts
    assert "'source': 'web', 'currency': 'EUR', 'deals': 1, 'won_minor': 10000" in texts
    assert any("image/png" in output.get("data", {}) for output in outputs)
