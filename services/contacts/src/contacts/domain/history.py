"""What changed in a record, event by event: which fields, from what to what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

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
