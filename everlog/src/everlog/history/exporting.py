"""Exports events: from each service in turn, in bounded memory; the file is whole or absent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from chassis.events import Event, service_of, wire_name
from chassis.manifest import Manifest
from everlog.history.clearing import Clearing
from everlog.history.envelope import NAMES, Batch, without_sealed
from everlog.history.origins import Origin, explained, keyring_of, origin_of
from everlog.history.register import registered
from everlog.history.selection import Selection
from everlog.history.typed import select_of
from everlog.history.writing import Format, Shape, Target, size_of, writing
from everlog.home import Home
from everlog.output import Report

SEALED = "Fields about persons are left out. Whoever holds the master key gets them with --clear."
CLEAR = "Fields about persons are in clear text; erased people read [erased]. Keep it accordingly."


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    format: Format
    events: Mapping[str, int]
    bytes: int
    seconds: float
    clear: bool

    @property
    def total(self) -> int:
        """All events."""
        return sum(self.events.values())

    def told(self) -> dict[str, Any]:
        """For machines."""
        return {
            "path": str(self.path),
            "format": str(self.format),
            "events": self.total,
            "services": dict(self.events),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 2),
            "personal_data": "clear" if self.clear else "left out",
            "note": CLEAR if self.clear else SEALED,
        }


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported, and how."""

    selection: Selection
    target: Target
    clear: bool = False
    from_kafka: bool = False


def export(
    home: Home, asked: Export, manifests: Mapping[str, Manifest], report: Report
) -> Exported:
    """Carry out an export; it is in the register before it begins."""
    asked.target.check()
    note = {
        "clear": asked.clear,
        "selection": asked.selection.told(),
        "from": "kafka" if asked.from_kafka else "store",
        "path": str(asked.target.path.absolute()),
        "format": str(asked.target.format),
    }
    with registered(home, "export events", **note) as entry, explained():
        done = _written(home, asked, manifests, report)
        entry.found = {"events": done.total, "bytes": done.bytes, "services": dict(done.events)}
        return done


def _written(
    home: Home, asked: Export, manifests: Mapping[str, Manifest], report: Report
) -> Exported:
    begin = time.monotonic()
    selection = asked.selection
    events = dict.fromkeys(selection.services, 0)
    with writing(asked.target, shape_of(asked, manifests)) as under_way:
        for service in selection.services:
            with origin_of(home, service, from_kafka=asked.from_kafka) as origin:
                opened = opening(home, manifests[service], origin, clear=asked.clear)
                total = origin.count(selection)
                with report.counting(f"Exporting {service}", total) as more:
                    for batch in origin.batches(selection):
                        under_way.write(service, opened(batch))
                        more(len(batch))
    events |= under_way.events
    size = size_of(asked.target.path)
    seconds = time.monotonic() - begin
    return Exported(asked.target.path, asked.target.format, events, size, seconds, asked.clear)


def opening(
    home: Home, manifest: Manifest, origin: Origin, *, clear: bool
) -> Callable[[Batch], Batch]:
    """What is done about fields on persons: left out, or opened."""
    if not clear:
        return without_sealed
    return Clearing(manifest.codec(), keyring_of(home), origin.keys)


def shape_of(asked: Export, manifests: Mapping[str, Manifest]) -> Shape | None:
    """Where one type is exported to Parquet, its fields are columns as well."""
    types = asked.selection.types
    if asked.target.format is not Format.PARQUET or len(types) != 1:
        return None
    event = _class_of(types[0], manifests)
    return None if event is None else typed(event, clear=asked.clear)


def _class_of(type_: str, manifests: Mapping[str, Manifest]) -> type[Event] | None:
    """None for a version that only upcasters read."""
    published = manifests[service_of(type_)].published()
    return next((event for event in published if wire_name(event) == type_), None)


def typed(event: type[Event], *, clear: bool) -> Shape:
    """Adds the typed columns of one event type."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    select = select_of(event, "events", clear=clear, envelope=NAMES)

    def shape(table: Any) -> Any:
        connection.register("events", table)
        found = connection.sql(select).to_arrow_table()
        fields = [(table if f.name in NAMES else found).schema.field(f.name) for f in found.schema]
        return found.cast(pa.schema(fields))

    return shape
