"""What changed in a record, event by event: which fields, from what to what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from chassis.events import Recorded

S = TypeVar("S")

_UNTOLD = frozenset({"id", "name", "email", "phone", "created_at", "last_activity_at"})
"""Follow from other fields, or say nothing new."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a record, and what it changed."""

    recorded: Recorded[Any]
    changes: tuple[FieldChange, ...]


def history(
    events: Iterable[Recorded[Any]],
    evolve: Callable[[S | None, Any], S | None],
    facts: Callable[[S], Mapping[str, Any]],
) -> list[Entry]:
    """Every event with what it changed, in the order in which they were recorded."""
    entries: list[Entry] = []
    state: S | None = None
    before: Mapping[str, Any] = {}
    for recorded in events:
        state = evolve(state, recorded.event)
        after = facts(state) if state is not None else {}
        entries.append(Entry(recorded, tuple(_changes(before, after))))
        before = after
    return entries


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[FieldChange]:
    for field, value in after.items():
        old = before.get(field)
        if field in _UNTOLD or old == value or (field not in before and not value):
            continue
        yield FieldChange(field, old, value)


def known_by(
    events: Sequence[Recorded[Any]], keep: Callable[[Recorded[Any]], bool]
) -> list[Recorded[Any]]:
    """The events that `keep` keeps; none at all if the first one, which makes the record, is not
    among them."""
    kept = [recorded for recorded in events if keep(recorded)]
    return kept if events and kept[:1] == list(events[:1]) else []


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field at two moments, and the events between them that changed it."""

    field: str
    before: Any
    after: Any
    events: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a record differs in between two moments. `events`: what had happened by the later one
    and not by the earlier one; `until`: all that had happened by the later one."""

    fields: tuple[FieldDifference, ...]
    events: tuple[Recorded[Any], ...]
    until: tuple[Recorded[Any], ...]


def difference(
    events: Sequence[Recorded[Any]],
    evolve: Callable[[S | None, Any], S | None],
    fields: Callable[[S], Mapping[str, Any]],
    then: datetime,
    until: datetime | None,
) -> Difference | None:
    """The difference between two moments, by when things happened; of a record that was not known
    yet at the earlier one everything is new. None if it was not known at the later one either."""
    known_then = known_by(events, lambda recorded: recorded.occurred_at <= then)
    known_later = known_by(events, lambda r: until is None or r.occurred_at <= until)
    if not known_later:
        return None
    known_ids = {recorded.id for recorded in known_then}
    before = _fields_after(known_then, evolve, fields)
    changed_by: dict[str, list[UUID]] = {}
    state: S | None = None
    latest: Mapping[str, Any] = {}
    for recorded in known_later:
        state = evolve(state, recorded.event)
        after = fields(state) if state is not None else {}
        for name in {**latest, **after}:
            if latest.get(name) != after.get(name) and recorded.id not in known_ids:
                changed_by.setdefault(name, []).append(recorded.id)
        latest = after
    differing = tuple(
        FieldDifference(name, before.get(name), latest.get(name), tuple(changed_by.get(name, ())))
        for name in {**before, **latest}
        if before.get(name) != latest.get(name)
    )
    between = tuple(recorded for recorded in known_later if recorded.id not in known_ids)
    return Difference(differing, between, tuple(known_later))


def _fields_after(
    events: Iterable[Recorded[Any]],
    evolve: Callable[[S | None, Any], S | None],
    fields: Callable[[S], Mapping[str, Any]],
) -> Mapping[str, Any]:
    state: S | None = None
    for recorded in events:
        state = evolve(state, recorded.event)
    return fields(state) if state is not None else {}
