"""Folded rows arrive in PostgreSQL as they were put, whatever is in their JSON columns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Column, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.postgres.copying import load_tables
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.rows import write_rows
from chassis.projection import Fold, Projection, Put, read_table
from chassis.setup import prepare_database
from chassis.vault import Keyring

BOXES = read_table(
    "boxes",
    Column("box_id", Uuid),
    Column("label", Text(collation="C")),
    Column("content", JSONB),
    key=("box_id",),
)
CONTENTS: tuple[Any, ...] = ([{"a": 1}], [], [[1], [2, 3]], {"a": ["ä", "\n"]}, "text", 7, None)


@pytest.mark.integration
@pytest.mark.parametrize("way", ["write", "copy"])
async def test_lists_objects_and_nothing_arrive_in_json_columns(
    postgres_dsn: str, way: str
) -> None:
    manifest = Manifest("boxes", projections=(Projection("boxes", 1, (), (BOXES,), lambda _: ()),))
    keyring, workspace, fold = Keyring(bytes(32)), new_id(), Fold()
    await asyncio.to_thread(prepare_database, manifest, postgres_dsn, keyring)
    put = {new_id(): content for content in CONTENTS}
    for id_, content in put.items():
        fold.apply(workspace, [Put(BOXES, (id_,), {"label": "b", "content": content})])
    dsn = dsn_for(postgres_dsn, "boxes", "worker", keyring)
    database = Database(dsn, name="boxes")
    await database.start()
    try:
        async with database.connection(None) as connection:
            if way == "write":
                await write_rows(connection, "boxes_g1", fold)
            else:
                await load_tables(dsn, "boxes_g1", fold.rows.items())
            query = "select * from boxes_g1.boxes where workspace_id = $1"
            rows = await connection.fetch(query, workspace)
    finally:
        await database.stop()
    assert {row["box_id"]: row["content"] for row in rows} == put
