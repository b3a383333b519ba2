"""Statements of SQLAlchemy on asyncpg: lists as one parameter, and pages that begin at an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, select

from chassis.http.paging import after
from chassis.ids import new_id
from chassis.postgres.statements import any_of, fetch, render

T = Table(
    "pages_of_things",
    MetaData(),
    Column("at", DateTime(timezone=True)),
    Column("name", Text(collation="C")),
    Column("id", Uuid),
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_lists_of_any_length_are_one_parameter_of_the_same_text() -> None:
    texts = {render(select(T.c.id).where(any_of(T.c.name, ["a"] * n)))[0] for n in range(5)}
    assert len(texts) == 1


@pytest.mark.integration
async def test_a_page_goes_on_where_the_one_before_ended(postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.execute(
            "create temp table pages_of_things "
            '(at timestamptz not null, name text collate "C" not null, id uuid not null); '
            "create index on pages_of_things (at, id)"
        )
        rows = [(NOON + timedelta(hours=n // 3), "abc"[n % 3], new_id()) for n in range(3000)]
        await connection.copy_records_to_table("pages_of_things", records=rows)
        await connection.execute("analyze pages_of_things")
        order = [T.c.at, T.c.id]
        for descending in (False, True):
            sort = [column.desc() if descending else column for column in order]
            everything = [row["id"] for row in await fetch(connection, select(T).order_by(*sort))]
            at, _, id_ = next(row for row in rows if row[2] == everything[1500])
            rest = select(T).where(after(order, [at, id_], descending=descending)).order_by(*sort)
            assert [r["id"] for r in await fetch(connection, rest)] == everything[1501:]
            text, arguments = render(rest.limit(10))
            plan = "\n".join(r[0] for r in await connection.fetch("explain " + text, *arguments))
            assert "Index Cond: (ROW(at, id)" in plan
        few = await fetch(connection, select(T).where(any_of(T.c.name, ["a", "c"])))
        assert len(few) == 2000
    finally:
        await connection.close()
