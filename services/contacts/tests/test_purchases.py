"""Purchases with their lines, as they are listed, and that the list finds them by an index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.events import Event
from chassis.ids import new_id
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.statements import render
from chassis.testing.projections import History, project
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring
from contacts.domain.purchase import PurchaseCancelled, PurchaseLinesAdded, PurchaseRecorded
from contacts.domain.purchase_line import purchase_line
from contacts.manifest import MANIFEST
from contacts.read_models.purchase_totals import Point, totals_now, totals_then
from contacts.read_models.purchases import (
    PURCHASE_LINES,
    PURCHASES,
    PURCHASES_PROJECTION,
    PurchasesWanted,
    fetch_purchases,
    wanted_lines,
    wanted_purchases,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ORDER, ADA = new_id(), new_id()
TEA = purchase_line(2, Decimal(250), "T1", "Tea")
CUP = purchase_line(1, Decimal(1200), "C1")
Desk = Any

recorded = PurchaseRecorded(
    ORDER, ADA, "EUR", (TEA, CUP), 1700, "17", "till", "shop", occurred_at=NOON
)
added = PurchaseLinesAdded(ORDER, ADA, "EUR", (CUP,), 1200, 2900, occurred_at=NOON)
cancelled = PurchaseCancelled(ORDER, ADA, "EUR", 2900, "17", "twice", occurred_at=LATER)


def rows_after(*events: Event) -> dict[Any, list[dict[str, Any]]]:
    book = History()
    return project(
        PURCHASES_PROJECTION,
        *(book.add("purchase", ORDER, event, recorded_at=LATER) for event in events),
    )


def test_a_purchase_is_listed_with_its_lines_as_they_became_known() -> None:
    rows = rows_after(recorded, added)
    assert rows[PURCHASES] == [
        {
            "purchase_id": ORDER,
            "version": 2,
            "person_id": ADA,
            "number": "17",
            "source": "till",
            "channel": "shop",
            "currency": "EUR",
            "bought_at": NOON,
            "recorded_at": LATER,
            "total_minor": 2900,
            "first_title": "Tea",
            "first_quantity": 2,
            "lines": 3,
            "cancelled_at": None,
            "cancelled_known_at": None,
            "reason": None,
        }
    ]
    parts = [(r["version"], r["amount_minor"], len(r["lines"])) for r in rows[PURCHASE_LINES]]
    assert parts == [(1, 1700, 2), (2, 1200, 1)]
    assert rows[PURCHASE_LINES][0]["lines"][1] == {
        "quantity": 1,
        "unit_price_minor": 1200,
        "amount_minor": 1200,
        "sku": "C1",
        "title": None,
        "exact_price_minor": None,
    }


def test_a_cancelled_purchase_stays_in_the_list() -> None:
    [row] = rows_after(recorded, added, cancelled)[PURCHASES]
    assert (row["cancelled_at"], row["cancelled_known_at"]) == (LATER, LATER)
    assert (row["reason"], row["version"], row["total_minor"]) == ("twice", 3, 2900)


def test_a_purchase_of_nobody_without_a_number_is_one_too() -> None:
    bare = PurchaseRecorded(ORDER, None, "EUR", (TEA,), 500, occurred_at=NOON)
    [row] = rows_after(bare)[PURCHASES]
    assert (row["person_id"], row["number"], row["source"]) == (None, None, "")


# --- how they are found

PEOPLE, EACH = 400, 10


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(desk: Desk, postgres_dsn: str) -> AsyncIterator[tuple[Any, UUID, UUID]]:
    """A workspace full of purchases, put straight into the live read models; asked as the role that
    answers requests, with its row rules."""
    keyring = Keyring(bytes.fromhex(MASTER_KEY))
    worker, api = (
        Database(dsn_for(postgres_dsn, "contacts", role, keyring), name="test", most=2)
        for role in ("worker", "api")
    )
    await worker.start()
    await api.start()
    api.search_path = ", ".join([*(f"{p.name}_g1" for p in MANIFEST.projections), "road"])
    people = [new_id() for _ in range(PEOPLE)]
    try:
        await _fill(worker, desk.workspace, people)
        async with api.connection(desk.workspace) as connection:
            yield connection, desk.workspace, people[0]
    finally:
        await _empty(worker, desk.workspace)
        await worker.stop()
        await api.stop()


async def _fill(worker: Database, workspace: UUID, people: list[UUID]) -> None:
    purchases, lines = [], []
    for number in range(PEOPLE * EACH):
        id_, at = new_id(), NOON + timedelta(minutes=number)
        person = people[number % PEOPLE]
        purchases.append((workspace, id_, 1, person, str(number), "", "EUR", at, at, 500, 1))
        lines.append((workspace, id_, 1, 500, at))
    columns = "workspace_id purchase_id version person_id number source currency bought_at"
    totals = [(workspace, person, "EUR", EACH, EACH * 500, 0, 0) for person in people]
    async with worker.connection(None) as connection:
        for place, names, records in (
            ("purchases_g1.purchases", f"{columns} recorded_at total_minor lines", purchases),
            (
                "purchases_g1.purchase_lines",
                "workspace_id purchase_id version amount_minor recorded_at",
                lines,
            ),
            (
                "purchase_totals_g1.purchase_totals",
                "workspace_id person_id currency purchases bought_minor returns returned_minor",
                totals,
            ),
        ):
            schema, _, table = place.partition(".")
            await connection.copy_records_to_table(
                table, schema_name=schema, columns=names.split(), records=records
            )
        none = "update purchases_g1.purchase_lines set lines = '[]' where workspace_id = $1"
        await connection.execute(none, workspace)
        for place in ("purchases_g1.purchases", "purchases_g1.purchase_lines"):
            await connection.execute(f"vacuum analyze {place}")


async def _empty(worker: Database, workspace: UUID) -> None:
    """No event stands behind these rows: later tests compare all rows with the log."""
    async with worker.connection(None) as connection:
        for place in (
            "purchases_g1.purchases",
            "purchases_g1.purchase_lines",
            "purchase_totals_g1.purchase_totals",
        ):
            statement = f"delete from {place} where workspace_id = $1"
            await connection.execute(statement, workspace)


async def _plan(connection: Any, statement: Any) -> str:
    text, arguments = render(statement)
    return "\n".join(row[0] for row in await connection.fetch(f"explain {text}", *arguments))


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_persons_purchases_are_found_by_indexes_under_row_level_security(
    crowd: tuple[Any, UUID, UUID],
) -> None:
    connection, workspace, person = crowd
    found, cursor = await fetch_purchases(connection, PurchasesWanted(workspace, (person,), 4))
    assert (len(found), cursor is not None) == (4, True)
    plan = await _plan(
        connection, wanted_purchases(PurchasesWanted(workspace, (person,), 4, cursor=cursor))
    )
    assert "purchases_by_person" in plan
    assert "ROW(bought_at, purchase_id) < ROW(" in plan
    for name, statement in {
        "lines": wanted_lines(workspace, [each["id"] for each in found]),
        "totals now": totals_now(workspace, [person]),
        "totals then": totals_then(workspace, [person], Point(LATER, LATER)),
    }.items():
        plan = await _plan(connection, statement)
        assert "Seq Scan on purchase" not in plan, f"{name}\n{plan}"
    assert "Sort" not in await _plan(connection, totals_now(workspace, [person]))
