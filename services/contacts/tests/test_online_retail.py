"""A year of a real gift shop: the published figures come out of the file, and of the service.

By default the service imports the first 20,000 rows and is compared with a plain reading of them.
With EVERLOG_WHOLE_FILES=1 it imports all 541,909, which takes a minute or two, and its figures are
compared with the published ones as well.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chassis.ids import new_id
from chassis.imports import ImportRun
from chassis.imports.engine import Rows
from chassis.imports.mapping import guess
from chassis.imports.parsing import parse
from chassis.postgres.database import Database, dsn_for
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring
from contacts.imports.purchase_cells import FIELDS, read_cells
from contacts.read_models.purchases import PURCHASES_PROJECTION

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "online_retail"
SLICE = 20_000
WHOLE = "EVERLOG_WHOLE_FILES"
CUSTOMER, NUMBER, QUANTITY, PRICE = "CustomerID", "InvoiceNo", "Quantity", "UnitPrice"

pytestmark = pytest.mark.skipif(
    not FOLDER.parent.exists(), reason="the data sets (../shared/data) are not on this machine"
)
Desk = Any


@dataclass(frozen=True)
class Figures:
    """`clean`: of lines with a customer, a quantity and a price, that are no return. In pence."""

    lines: int
    invoices: int
    customers: int
    total: int
    clean_lines: int
    clean_customers: int
    clean_total: int


PUBLISHED = Figures(541_909, 25_900, 4_372, 974_774_793, 397_884, 4_338, 891_140_790)


def content(rows: int | None = None) -> bytes:
    """The file, or its first rows. (No field of it has a line end in it.)"""
    raw = gzip.decompress((FOLDER / "online_retail.csv.gz").read_bytes())
    return raw if rows is None else b"".join(raw.splitlines(keepends=True)[: rows + 1])


def read_plainly(raw: bytes) -> Figures:
    """The figures, by nothing but a reader of CSV and decimal numbers."""
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    clean = [
        row
        for row in rows
        if row[CUSTOMER]
        and int(row[QUANTITY]) > 0
        and Decimal(row[PRICE]) > 0
        and not row[NUMBER].startswith("C")
    ]
    return Figures(
        len(rows),
        len({row[NUMBER] for row in rows}),
        len({row[CUSTOMER] for row in rows} - {""}),
        _pence(rows),
        len(clean),
        len({row[CUSTOMER] for row in clean}),
        _pence(clean),
    )


def _pence(rows: list[dict[str, str]]) -> int:
    return round(sum(int(row[QUANTITY]) * Decimal(row[PRICE]) for row in rows) * 100)


def test_the_published_figures_come_out_of_the_lines_whatever_their_fractions_of_a_penny() -> None:
    sheet = parse(content())
    service = cast(Any, SimpleNamespace(settings=None))
    now = datetime(2026, 3, 2, tzinfo=UTC)
    run = ImportRun(service, new_id(), new_id(), str(new_id()), now)
    invoices, customers, clean_customers = set(), set(), set()
    lines = total = clean_lines = clean_total = 0
    for row in Rows(sheet, guess(sheet.headers, FIELDS)):
        cells = read_cells(row, run)
        line = cells.line("GBP")
        lines, total = lines + 1, total + line.amount_minor
        invoices.add(cells.number)
        if cells.customer is None:
            continue
        customers.add(cells.customer.external_id)
        if line.quantity > 0 and cells.price > 0 and not cells.number.startswith("C"):
            clean_lines, clean_total = clean_lines + 1, clean_total + line.amount_minor
            clean_customers.add(cells.customer.external_id)
    counted = (lines, len(invoices), len(customers), total)
    assert Figures(*counted, clean_lines, len(clean_customers), clean_total) == PUBLISHED


_COUNTED = """
with line as (
    select p.purchase_id, p.person_id, p.number, (l->>'quantity')::bigint as quantity,
           (l->>'amount_minor')::bigint as amount,
           coalesce((l->>'exact_price_minor')::numeric, (l->>'unit_price_minor')::numeric) as price
      from purchases p
      join purchase_lines t on t.workspace_id = p.workspace_id and t.purchase_id = p.purchase_id,
           jsonb_array_elements(t.lines) as l
     where p.workspace_id = $1),
clean as (
    select * from line
     where person_id is not null and quantity > 0 and price > 0 and number not like 'C%')
select (select count(*) from line), (select count(distinct purchase_id) from line),
       (select count(distinct person_id) from line), (select sum(amount)::bigint from line),
       (select count(*) from clean), (select count(distinct person_id) from clean),
       (select sum(amount)::bigint from clean)
"""
_SUMMED = """
select sum(purchases + returns)::bigint, sum(bought_minor + returned_minor)::bigint
  from purchase_totals where workspace_id = $1
"""


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_shop_is_imported_line_by_line_once(desk: Desk, postgres_dsn: str) -> None:
    raw = content(None if os.environ.get(WHOLE) == "1" else SLICE)
    expected = read_plainly(raw)
    for created, skipped in ((expected.lines, 0), (0, expected.lines)):
        job = await desk.import_file("purchases", raw, options='{"currency": "GBP"}')
        assert (job["rows"], job["created"], job["skipped"]) == (expected.lines, created, skipped)
    keyring = Keyring(bytes.fromhex(MASTER_KEY))
    worker = Database(dsn_for(postgres_dsn, "contacts", "worker", keyring), name="test", most=1)
    await worker.start()
    worker.search_path = f"{PURCHASES_PROJECTION.name}_g1, purchase_totals_g1"
    try:
        async with worker.connection(None) as connection:
            counted = Figures(*await connection.fetchrow(_COUNTED, desk.workspace))
            summed = await connection.fetchrow(_SUMMED, desk.workspace)
    finally:
        await worker.stop()
    assert counted == expected
    assert expected == PUBLISHED or expected.lines == SLICE
    named = [row for row in csv.DictReader(io.StringIO(raw.decode())) if row[CUSTOMER]]
    assert tuple(summed) == (len({row[NUMBER] for row in named}), _pence(named))
