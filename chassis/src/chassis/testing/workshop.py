"""A whole small service to repair: two read models, a reaction that can be made to fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, Uuid

from chassis.events import Recorded
from chassis.manifest import Manifest
from chassis.projection import Change, Projection, Put, read_table
from chassis.reaction import Ask, Order, Reaction
from chassis.testing.parcel_routes import SCANNING, SENDING, SHOWING
from chassis.testing.parcels import (
    ON_THE_WAY,
    PARCEL,
    ParcelDelivered,
    ParcelSent,
    Scan,
)

ARRIVED: Table = read_table("arrived", Column("parcel_id", Uuid), key=("parcel_id",))


def arrivals(recorded: Recorded[Any]) -> Iterator[Change]:
    """Parcels that have arrived."""
    yield Put(ARRIVED, (recorded.event.parcel_id,), {})


@dataclass
class Switch:
    """`broken`: the reaction fails after its first order."""

    broken: bool = False


SWITCH = Switch()


def welcome(recorded: Recorded[Any]) -> Iterator[Order]:
    """What goes to Rome is scanned at the border and in the depot."""
    event: ParcelSent = recorded.event
    if event.city == "Rome":
        yield Ask(PARCEL, event.parcel_id, Scan("border", event.occurred_at))
        if SWITCH.broken:
            raise RuntimeError("the depot is closed")
        yield Ask(PARCEL, event.parcel_id, Scan("depot", event.occurred_at))


MANIFEST = Manifest(
    "workshop",
    deciders=(PARCEL,),
    projections=(
        replace(ON_THE_WAY, name="on_the_way"),
        Projection("arrivals", 1, (ParcelDelivered,), (ARRIVED,), arrivals),
    ),
    reactions=(Reaction("welcome", (ParcelSent,), welcome),),
    routers=(SENDING, SCANNING, SHOWING),
)


def write_module(folder: Path) -> None:
    """A module of the service's name in this folder: rebuilds run as `python -m workshop`."""
    (folder / "workshop.py").write_text(
        "from chassis.runner import main\n"
        "from chassis.testing.workshop import MANIFEST\n"
        'if __name__ == "__main__":\n'
        "    main(MANIFEST)\n"
    )
