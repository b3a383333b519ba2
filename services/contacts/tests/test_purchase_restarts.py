"""An import of purchases that is decided again, or goes on after a restart, does nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chassis.clock import SystemClock
from chassis.ids import new_id
from chassis.imports import Create, ImportRow, ImportRun, Joined
from chassis.service import WORKER, Service
from contacts.imports.purchase_cells import read_cells
from contacts.imports.purchases import Occurrences, handle, prepare
from contacts.manifest import MANIFEST

Desk = Any
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = "2026-02-01 10:00"


def run_of(**more: Any) -> ImportRun:
    service = cast(Any, SimpleNamespace(settings=None))
    given = {"service": service, "workspace": new_id(), "now": NOON, "actor": str(new_id())}
    return ImportRun(**{"id": new_id(), **given, **more})


def row_of(number: int, order: str, quantity: str = "1", price: str = "1") -> ImportRow:
    values = {"number": order, "bought_at": AT, "sku": "T", "quantity": quantity}
    return ImportRow(number, {**values, "unit_price": price})


def test_rows_that_are_alike_are_counted_once_however_often_a_chunk_is_decided() -> None:
    run, occurrences = run_of(), Occurrences()
    one, two, other = (
        read_cells(row_of(n, "1", quantity), run)
        for n, quantity in ((1, "-1"), (2, "-1"), (3, "-2"))
    )
    for _ in range(2):
        occurrences.begin(one.row)
        assert [occurrences.count(each) for each in (one, two, other)] == [0, 1, 0]
    occurrences.begin(other.row)
    assert occurrences.count(read_cells(row_of(3, "1", "-1", "1.00"), run)) == 2
    assert occurrences.of("1", one.alike) == 3
    assert occurrences.of("2", one.alike) == 0


@pytest.mark.asyncio
async def test_after_a_restart_the_rows_that_are_done_are_counted_again() -> None:
    rows = [row_of(1, "a"), row_of(2, "a", "none"), row_of(3, "b"), row_of(4, "a"), row_of(5, "a")]
    run = run_of(position=4, seen={"order b": new_id()}, options={"currency": "EUR"})
    await prepare(run, rows)
    occurrences: Occurrences = run.memory["occurrences of lines"]
    assert occurrences.count(read_cells(rows[4], run)) == 2
    assert occurrences.count(read_cells(rows[2], run)) == 0  # this run has made it: all are new


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_chunk_that_is_decided_again_makes_nobody_twice(desk: Desk) -> None:
    worker = Service(MANIFEST, desk.ask.settings, SystemClock(), WORKER)
    await worker.start()
    rows = [
        ImportRow(n, {**row_of(n, "1").values, "customer_id": "7", "country": "France"})
        for n in (1, 2)
    ]
    given = {"service": worker, "workspace": desk.workspace, "id": new_id()}
    try:
        for _ in range(2):  # as two processes would, of which the first one died in between
            run = run_of(**given)
            await prepare(run, rows)
            first, second = await handle(run, rows)
            assert isinstance(first, Create)
            assert second == Joined(1)
            [recorded] = cast(Any, first.append.events)
    finally:
        await worker.stop()
    _, feed, _ = await desk.ask("GET", "/api/v1/events?type=contacts.person-added.v1&wait_s=5")
    [added] = feed["items"]
    assert recorded.person_id == run.seen["id 7"]
    assert added["data"]["person_id"] == str(recorded.person_id)
