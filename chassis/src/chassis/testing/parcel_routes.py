"""The little domain of parcels over HTTP: a service in a test takes the routes it needs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from chassis.errors import NotFound
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.postgres.statements import fetch_one
from chassis.testing.parcels import PARCEL, PARCELS, Scan, Send

SENDING, SCANNING, SHOWING = APIRouter(), APIRouter(), APIRouter()


class SendBody(BaseModel):
    """A parcel to be sent."""

    city: str
    receiver: str = "Ada"
    number: str | None = None


@SENDING.post("/parcels", status_code=201)
async def send_parcel(body: SendBody, write: Writing) -> Response:
    """Send a parcel to a city."""
    parcel = new_id()
    command = Send(parcel, new_id(), body.receiver, body.city, write.now, body.number)
    return await write.new(PARCEL, parcel, command, location="/api/v1/parcels")


@SCANNING.post("/parcels/{parcel_id}/scans")
async def scan_parcel(parcel_id: UUID, city: str, write: Writing) -> Response:
    """See a parcel in a city."""
    return await write.change(PARCEL, parcel_id, Scan(city, write.now))


@SHOWING.get("/parcels/{parcel_id}")
async def one_parcel(parcel_id: UUID, read: Reading) -> Response:
    """A parcel on its way."""
    async with read.connection() as connection:
        where = PARCELS.c.workspace_id == read.principal.workspace
        statement = select(PARCELS).where(where, PARCELS.c.parcel_id == parcel_id)
        row = await fetch_one(connection, statement)
    if row is None:
        raise NotFound("There is no such parcel.")
    return read.json(dict(row))
