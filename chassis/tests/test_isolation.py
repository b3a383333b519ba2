"""Nobody gets into another workspace, no service into the database of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from fastapi import APIRouter, Response
from sqlalchemy import select

from chassis.errors import NotFound
from chassis.http.reading import Reading
from chassis.ids import new_id
from chassis.imports import IMPORT_SCHEMA, import_router, import_worker
from chassis.manifest import Manifest
from chassis.postgres.database import dsn_for
from chassis.postgres.statements import fetch_one
from chassis.setup import prepare_database
from chassis.testing import freight
from chassis.testing.isolation import BreakIn
from chassis.testing.parcel_routes import SCANNING
from chassis.testing.parcels import ON_THE_WAY, PARCEL, PARCELS
from chassis.testing.road import KEYRING
from chassis.testing.service_bench import running

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

router = APIRouter()
MAY = freight.MAY | {"ops", "events.read", "letters.write"}


@router.get("/parcels/{parcel_id}")
async def one_parcel(parcel_id: UUID, read: Reading) -> Response:
    """Asks the database for the id alone: nothing but row-level security keeps the others apart."""
    async with read.connection() as connection:
        row = await fetch_one(connection, select(PARCELS).where(PARCELS.c.parcel_id == parcel_id))
    if row is None:
        raise NotFound("There is no such parcel.")
    return read.json(dict(row))


MANIFEST = Manifest(
    "harbour",
    deciders=(PARCEL,),
    projections=(ON_THE_WAY,),
    routers=(router, SCANNING, import_router(freight.KINDS)),
    workers=(import_worker(freight.KINDS),),
    schema=IMPORT_SCHEMA,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def break_in(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BreakIn]:
    secrets = tmp_path_factory.mktemp("secrets")
    async with running(MANIFEST, postgres_dsn, kafka_bootstrap, secrets, MAY) as victim:
        await freight.send(victim, b"Receiver,City\nZephyr One,Oslo\nZephyr Two,Atlantis\n")
        intruder = victim.other(workspace=new_id())
        yield BreakIn(
            "harbour",
            victim,
            intruder,
            postgres_dsn,
            marks=("Zephyr",),
            repair=("on_the_way", "parcel"),
            malformed=("POST /api/v1/imports", "POST /api/v1/imports/preview"),
        )
        await intruder.close()


async def test_no_route_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_every_route()


async def test_no_statement_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_sql()


async def test_no_role_gets_into_another_services_database(postgres_dsn: str) -> None:
    for service in ("harbour_a", "harbour_b"):
        manifest = Manifest(service, deciders=(PARCEL,))
        await asyncio.to_thread(prepare_database, manifest, postgres_dsn, KEYRING)
    for role in ("api", "worker"):
        own = dsn_for(postgres_dsn, "harbour_a", role, KEYRING)
        await (await asyncpg.connect(own)).close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(own.removesuffix("a") + "b")
