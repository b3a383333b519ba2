"""What a write has to look up before it can be decided: by key or name, never a rule."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from chassis.errors import BadInput, Conflict, NotFound
from chassis.http.writing import Write, Writing
from chassis.postgres.database import Connection, Record
from pipeline.domain.deal import DEAL, Deal
from pipeline.domain.naming import folded
from pipeline.domain.pipeline import PIPELINE, Pipeline, default_pipeline_id
from pipeline.querying import ids_by_name
from pipeline.read_models.known_users import KNOWN_USERS_TABLE
from pipeline.read_models.known_workspaces import Ways, fetch_ways
from pipeline.read_models.pipelines import chosen, fetch_pipelines
from pipeline.read_models.products import fetch_product

_WAIT_S = 2.0


class Desk:
    """A write and the look-ups it may need; what the caller has just written is waited for."""

    def __init__(self, write: Write, request: Request) -> None:
        self.write = write
        self._service: Any = request.app.state.service
        self._tokens = request.headers.get("everlog-token")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        workspace = self.write.principal.workspace
        if self._tokens:
            await self._service.progress.wait(workspace, self._tokens, timeout_s=_WAIT_S)
            self._tokens = None
        async with self._service.api.connection(workspace) as connection:
            yield connection

    async def deal(self, deal_id: UUID) -> Deal:
        """A deal this user may see. Raises NotFound."""
        visible = self.write.principal.visible_owners()
        deal = await self.write.state(DEAL, deal_id)
        if deal is None or (visible is not None and deal.owner_id not in (None, *visible)):
            raise NotFound("There is no such deal.")
        return deal

    async def pipeline(self, wanted: str | None) -> Pipeline:
        """The pipeline with this id or name; None: the workspace's first. Raises BadInput."""
        given_id = _uuid(wanted)
        pipeline_id = given_id or await self._pipeline_named(wanted)
        pipeline = await self.write.state(PIPELINE, pipeline_id)
        if pipeline is not None:
            return pipeline
        if wanted is None:
            raise Conflict("This workspace has no pipeline yet. Design one: POST /pipelines.")
        raise BadInput(f"There is no pipeline {wanted}. GET /pipelines lists those there are.")

    async def pipeline_of(self, deal: Deal) -> Pipeline:
        """The pipeline a deal goes through."""
        pipeline = await self.write.state(PIPELINE, deal.pipeline_id)
        if pipeline is None:
            raise Conflict("The pipeline of this deal is not there any more.")
        return pipeline

    async def _pipeline_named(self, wanted: str | None) -> UUID:
        async with self._connection() as connection:
            rows = await fetch_pipelines(connection, self.write.principal.workspace)
        row = chosen(rows, wanted)
        if row is not None:
            found: UUID = row["pipeline_id"]
            return found
        if wanted is None:
            return default_pipeline_id(self.write.principal.workspace)
        there = ", ".join(row["name"] for row in rows) or "none yet"
        raise BadInput(f"There is no pipeline {wanted}; there are: {there}.")

    async def owner(self, name: str) -> UUID:
        """The user with this id or name. Raises BadInput."""
        given_id = _uuid(name)
        if given_id is not None:
            return given_id
        workspace, wanted = self.write.principal.workspace, folded(name)
        async with self._connection() as connection:
            found = await ids_by_name(connection, workspace, KNOWN_USERS_TABLE, "user_id", [wanted])
        ids = found.get(wanted, ())
        if len(ids) != 1:
            many = "more than one user" if ids else "no user"
            raise BadInput(f"There is {many} called {name}. Give the id in owner_id.")
        return ids[0]

    async def ways(self) -> Ways:
        """The workspace's currency and time zone."""
        async with self._connection() as connection:
            return await fetch_ways(connection, self.write.principal.workspace)

    async def today(self) -> tuple[date, Ways]:
        """The day it is where the workspace is."""
        ways = await self.ways()
        return self.write.now.astimezone(ways.zone).date(), ways

    async def product(self, product_id: UUID) -> Record | None:
        """A product, if it is known here."""
        async with self._connection() as connection:
            return await fetch_product(connection, self.write.principal.workspace, product_id)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def desk_of(write: Writing, request: Request) -> Desk:
    """A dependency."""
    return Desk(write, request)


AtDesk = Annotated[Desk, Depends(desk_of)]
