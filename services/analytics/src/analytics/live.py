"""The last hour of every workspace in windows of ten seconds. Pure: time and events come in.

What counts is when an event was recorded. A deal won counts if it was won within the last hour:
a closing dated further back is history, however late it was entered.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

SLOT_S = 10
HOUR = timedelta(hours=1)
RECENT_MOST = 20
TYPES_MOST = 10
UNREMARKABLE = frozenset(f"campaigns.message-{step}.v1" for step in ("planned", "deferred", "sent"))
"""Counted, but not among the recent ones: a broadcast would push everything else out."""

_SLOTS = 3600 // SLOT_S
_SLOTS_A_MINUTE = 60 // SLOT_S


@dataclass(frozen=True, slots=True)
class Won:
    """What a deal brought, and whose it was."""

    owner_id: UUID | None
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it goes by. `place`: topic and partition."""

    place: tuple[str, int]
    offset: int
    workspace: UUID
    type: str
    stream: str
    occurred_at: datetime
    recorded_at: datetime
    won: Won | None = None


@dataclass(slots=True)
class _Slot:
    events: int = 0
    types: Counter[str] = field(default_factory=Counter)
    won: dict[tuple[UUID | None, str], tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Workspace:
    slots: dict[int, _Slot] = field(default_factory=dict)
    recent: list[Seen] = field(default_factory=list)


class LastHour:
    """Counts events as they are seen, each once, and forgets what is older than an hour."""

    def __init__(self) -> None:
        self.positions: dict[tuple[str, int], int] = {}
        self._workspaces: dict[UUID, _Workspace] = {}

    def see(self, seen: Seen, now: datetime) -> bool:
        """Count an event; False if it was seen before or is too old to matter."""
        if seen.offset < self.positions.get(seen.place, 0):
            return False
        self.positions[seen.place] = seen.offset + 1
        if seen.recorded_at <= now - HOUR:
            return False
        workspace = self._workspaces.setdefault(seen.workspace, _Workspace())
        slot = workspace.slots.setdefault(_slot_of(seen.recorded_at), _Slot())
        slot.events += 1
        slot.types[seen.type] += 1
        if seen.won is not None and seen.occurred_at > seen.recorded_at - HOUR:
            whose = (seen.won.owner_id, seen.won.currency)
            deals, amount = slot.won.get(whose, (0, 0))
            slot.won[whose] = (deals + 1, amount + seen.won.amount_minor)
        if seen.type not in UNREMARKABLE:
            # Partitions are read one after the other on a start: the order is that of recording.
            insort(workspace.recent, seen, key=lambda each: each.recorded_at)
            del workspace.recent[:-RECENT_MOST]
        return True

    def workspaces(self, now: datetime) -> list[UUID]:
        """Those in which something happened; the others are forgotten."""
        oldest = _slot_of(now) - _SLOTS
        for id_, workspace in list(self._workspaces.items()):
            for number in [number for number in workspace.slots if number <= oldest]:
                del workspace.slots[number]
            if not workspace.slots:
                del self._workspaces[id_]
        return list(self._workspaces)

    def snapshot(self, id_: UUID, now: datetime) -> dict[str, Any]:
        """A workspace's last hour, as data."""
        workspace = self._workspaces.get(id_, _Workspace())
        last = _slot_of(now)
        slots = {n: slot for n, slot in workspace.slots.items() if last - _SLOTS < n}
        minutes = [0] * 60
        for number, slot in slots.items():
            ago = max(0, last - number) // _SLOTS_A_MINUTE
            minutes[59 - min(ago, 59)] += slot.events
        types = sum((slot.types for slot in slots.values()), Counter[str]())
        return {
            "events_last_minute": minutes[59],
            "events_last_hour": sum(minutes),
            "minutes": minutes,
            "types": [{"type": t, "events": n} for t, n in types.most_common(TYPES_MOST)],
            "won": _won(slots.values()),
            "recent": [_shown(seen) for seen in reversed(workspace.recent)],
        }


def _slot_of(at: datetime) -> int:
    return int(at.timestamp()) // SLOT_S


def _won(slots: Iterable[_Slot]) -> list[dict[str, Any]]:
    total: dict[tuple[UUID | None, str], tuple[int, int]] = {}
    for slot in slots:
        for whose, (deals, amount) in slot.won.items():
            before = total.get(whose, (0, 0))
            total[whose] = (before[0] + deals, before[1] + amount)
    return [
        {
            "owner_id": str(owner) if owner else None,
            "currency": currency,
            "deals": deals,
            "amount_minor": amount,
        }
        for (owner, currency), (deals, amount) in total.items()
    ]


def _shown(seen: Seen) -> dict[str, Any]:
    return {
        "type": seen.type,
        "stream": seen.stream,
        "occurred_at": _text(seen.occurred_at),
        "recorded_at": _text(seen.recorded_at),
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
