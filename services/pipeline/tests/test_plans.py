"""Queries find their rows by indexes, as the role that answers requests and with its row rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg2
import pytest
import pytest_asyncio

from chassis.clock import SystemClock
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.postgres.statements import render
from chassis.service import API, Service
from chassis.testing.projections import History
from chassis.testing.service_bench import Client
from pipeline.as_of import Point, board_at, deals_at, open_deals_at
from pipeline.domain.deal import DEAL, LoseDeal, MoveDeal
from pipeline.manifest import MANIFEST
from pipeline.read_models.deal_board import DEAL_BOARD_TABLE, BoardQuery, cards_of, sums_of
from pipeline.read_models.deal_list import SORTS, DealQuery, page_of
from pipeline.testing.lives import ACME, ADA, PERSON, PIPELINE_ID, SALES, on, opened

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

DEALS = 4_000
STAGES = [stage.key for stage in SALES.stages]


def life(number: int, workspace: UUID) -> list[Recorded[Any]]:
    """A deal; nine of ten are closed."""
    book, deal_id = History(workspace), new_id()
    begun = on(1, month=1) + timedelta(minutes=number)
    events: list[Any] = [
        opened(
            begun,
            deal_id=deal_id,
            title=f"Deal {number}",
            value_minor=number,
            owner_id=ADA if number % 50 == 0 else new_id(),
            company_id=ACME if number % 50 == 0 else new_id(),
            contact_id=PERSON if number % 50 == 0 else new_id(),
        )
    ]
    now = on(20)
    for command in (MoveDeal(STAGES[number % 3], SALES, now), LoseDeal(now.date(), now)):
        if isinstance(command, MoveDeal) or number % 10:
            events += DEAL.decide(command, DEAL.fold(events))
    return [book.add("deal", deal_id, event) for event in events]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plan(service: Client, publish: Any, postgres_dsn: str) -> AsyncIterator[Any]:
    """Asks how a statement would be carried out: kinds of nodes, with their tables and indexes."""
    ask = service
    workspace = ask.principal.workspace
    lives = [life(number, workspace) for number in range(DEALS)]
    await publish(lives)
    token = f"{lives[-1][-1].stream}@{lives[-1][-1].version}"
    async with asyncio.timeout(120):
        while "Everlog-Stale" in (await ask("GET", "/api/v1/deals", Everlog_Token=token))[2]:
            continue
    _analyze(postgres_dsn)
    reader = Service(MANIFEST, ask.settings, SystemClock(), API)
    await reader.start()

    async def planned(statement: Any) -> list[tuple[str, str, str]]:
        text, arguments = render(statement)
        async with reader.api.connection(workspace) as connection:
            found = await connection.fetchval(f"explain (format json) {text}", *arguments)
        tree = msgspec.json.decode(found) if isinstance(found, str) else found
        return list(_nodes(tree[0]["Plan"]))

    yield planned, workspace
    await reader.stop()


def _analyze(dsn: str) -> None:
    connection = psycopg2.connect(f"{dsn.rpartition('/')[0]}/everlog_{MANIFEST.service}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    connection.close()


def _nodes(node: dict[str, Any]) -> Any:
    yield node["Node Type"], node.get("Relation Name", ""), node.get("Index Name", "")
    for child in node.get("Plans", ()):
        yield from _nodes(child)


async def test_no_question_reads_a_whole_table(plan: Any) -> None:
    planned, workspace = plan
    page = DealQuery(limit=51)
    board = BoardQuery(PIPELINE_ID)
    mine = replace(board, visible=frozenset({ADA}))
    then = Point(on(25))
    stage = replace(page, pipeline_id=PIPELINE_ID, status="open", stage="lead", sort="-entered")
    questions = {
        **{f"list by {name}": page_of(workspace, replace(page, sort=name)) for name in SORTS},
        "own deals": page_of(workspace, replace(page, visible=frozenset({ADA}))),
        "an owner's deals": page_of(workspace, replace(page, owner_id=ADA)),
        "a company's deals": page_of(workspace, replace(page, company_id=ACME)),
        "a contact's deals": page_of(workspace, replace(page, contact_id=PERSON)),
        "a stage": page_of(workspace, stage),
        "words": page_of(workspace, replace(page, text="deal 77")),
        "cards": cards_of(workspace, board, STAGES),
        "own cards": cards_of(workspace, mine, STAGES),
        "sums then": sums_of(open_deals_at(workspace, board, then)),
        "board then": board_at(workspace, board, then),
        "own board then": board_at(workspace, mine, then),
        "board known then": board_at(workspace, board, Point(on(25), on(26))),
        "open deals then": page_of(
            workspace, page, deals=deals_at(workspace, then, visible=None, only_open=True)
        ),
    }
    for name, statement in questions.items():
        nodes = await planned(statement)
        scanned = [table for kind, table, _ in nodes if kind == "Seq Scan"]
        assert not [table for table in scanned if table.startswith("deal_")], name


@pytest.mark.parametrize("name", ["-opened", "opened", "title", "-value", "closed"])
async def test_a_page_is_read_in_the_order_of_an_index(plan: Any, name: str) -> None:
    planned, workspace = plan
    query = DealQuery(sort=name, limit=51)
    value = {"opened": on(2), "title": "deal 5", "value": 7, "closed": on(2).date()}
    query = replace(query, after=[value[name.removeprefix("-")], new_id()])
    nodes = await planned(page_of(workspace, query))
    assert [kind for kind, table, _ in nodes if table == "deal_list"] == ["Index Scan"]


@pytest.mark.parametrize("name", ["company", "contact", "owner", "stage"])
async def test_a_rare_value_is_found_by_its_own_index(plan: Any, name: str) -> None:
    planned, workspace = plan
    page = DealQuery(limit=51)
    rare: dict[str, DealQuery] = {
        "company": replace(page, company_id=new_id()),
        "contact": replace(page, contact_id=new_id()),
        "owner": replace(page, owner_id=new_id()),
        "stage": replace(page, pipeline_id=PIPELINE_ID, status="open", stage="x", sort="-entered"),
    }
    nodes = await planned(page_of(workspace, rare[name]))
    assert [index for _, table, index in nodes if table == "deal_list"] == [f"deal_list_{name}"]


async def test_the_cards_of_a_stage_are_read_in_the_order_of_an_index(plan: Any) -> None:
    planned, workspace = plan
    nodes = await planned(cards_of(workspace, BoardQuery(PIPELINE_ID, limit_per_stage=5), STAGES))
    kinds = {kind for kind, table, _ in nodes if table == DEAL_BOARD_TABLE.name}
    assert kinds in ({"Index Scan"}, {"Index Only Scan"})
