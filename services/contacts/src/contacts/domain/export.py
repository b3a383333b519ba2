"""An export: personal data that left as a file. What was taken out by whom stays known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from chassis.decider import Decider
from chassis.events import Event

PERSON_FILE, CONSENTS, BREACH = "person", "consents", "breach"
"""What can be taken out: all of one person, the ledger of consents, whom a breach touched."""


class ExportMade(Event, frozen=True, tag="contacts.export-made.v1"):
    """Somebody took data of people out. `person_id`: if it was about one; `filters`: what was asked
    for, without anything that says who people are."""

    export_id: UUID
    kind: str
    rows: int
    people: int
    person_id: UUID | None = None
    filters: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MakeExport:
    export_id: UUID
    kind: str
    rows: int
    people: int
    at: datetime
    person_id: UUID | None = None
    filters: Mapping[str, str] = field(default_factory=dict)


def decide(command: MakeExport, made: bool) -> list[ExportMade]:
    """It is noted once."""
    if made:
        return []
    return [
        ExportMade(
            command.export_id,
            command.kind,
            command.rows,
            command.people,
            command.person_id,
            dict(command.filters),
            occurred_at=command.at,
        )
    ]


def evolve(_: bool, __: ExportMade) -> bool:
    """Whether it was made."""
    return True


EXPORT: Decider[MakeExport, bool, ExportMade] = Decider(
    "export", False, decide, evolve, (ExportMade,)
)
