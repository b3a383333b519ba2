"""Taking one change of a record back: what it restores, and what stands against it. Pure.

A field that still says what the change made of it gets the value it had before. One that somebody
changed since is contested: it stays, unless whoever undoes says so. Nothing is rewritten; what
restores the fields are events like any others, behind one that tells which change they take back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.errors import BadInput, Conflict
from chassis.events import Event, Recorded

S = TypeVar("S")
E = TypeVar("E", bound=Event)
Fields = Mapping[str, Any]
"""A record field by field: what there can be several of counts singly, like `tags.vip`."""


class ChangeUndone(Event, frozen=True):
    """A change was taken back. `brought`: so many events that follow in this stream do it."""

    undone_id: UUID
    brought: int


@dataclass(frozen=True, slots=True)
class UndoChange(Generic[S, E]):
    """Take a change back. `before`: the record before it. `change`: its event; of an undoing also
    those that it brought. `fields`: these alone, whoever changed them since."""

    undone_id: UUID
    before: S | None
    change: tuple[E, ...]
    at: datetime
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reversal:
    """One field that the change had changed, from `before` to `made`; and what it says `now`."""

    field: str
    before: Any
    made: Any
    now: Any

    @property
    def done(self) -> bool:
        """Whether it says again what it said before."""
        return bool(self.now == self.before)

    @property
    def contested(self) -> bool:
        """Whether somebody wrote something else since."""
        return not self.done and bool(self.now != self.made)


def reversals(before: Fields, made: Fields, now: Fields) -> list[Reversal]:
    """Every field that the change had changed."""
    return [
        Reversal(name, before.get(name), made.get(name), now.get(name))
        for name in {**before, **made}
        if before.get(name) != made.get(name)
    ]


def choose(
    found: Sequence[Reversal], fields: Collection[str] | None
) -> tuple[list[Reversal], tuple[str, ...]]:
    """What is restored, and which fields stay as they are although they are not as before.

    Raises BadInput and Conflict.
    """
    known = [each.field for each in found]
    if unknown := sorted(set(fields or ()) - set(known)):
        raise BadInput(
            f"This change did not touch {', '.join(unknown)}. It changed {', '.join(known)}.",
            field="fields",
        )
    ahead = [each for each in found if not each.done]
    if fields is None:
        restored = [each for each in ahead if not each.contested]
    else:
        restored = [each for each in ahead if each.field in fields]
    if not ahead or (fields is not None and not restored):
        raise nothing_left()
    kept = tuple(each.field for each in ahead if each not in restored)
    if not restored:
        raise Conflict(
            f"All that this change had changed was changed again since: {', '.join(kept)}. Name "
            "the fields that are to be restored anyway.",
            code="changed-since",
            fields=list(kept),
        )
    return restored, kept


def nothing_left() -> Conflict:
    """The refusal of an undo that would change nothing."""
    return Conflict(
        "There is nothing left to undo: what this change had changed says again what it said "
        "before.",
        code="already-undone",
    )


@dataclass(frozen=True, slots=True)
class Around:
    """A record's history, before a change, the change itself, and since."""

    before: tuple[Recorded[Any], ...]
    change: tuple[Recorded[Any], ...]
    since: tuple[Recorded[Any], ...]


def around(history: Sequence[Recorded[Any]], change_id: UUID) -> Around:
    """The history of a record around one of its changes."""
    first = next(n for n, recorded in enumerate(history) if recorded.id == change_id)
    event = history[first].event
    end = first + 1 + (event.brought if isinstance(event, ChangeUndone) else 0)
    return Around(tuple(history[:first]), tuple(history[first:end]), tuple(history[end:]))


def last_changed(
    record: S | None,
    since: Sequence[Recorded[Any]],
    evolve: Callable[[S | None, Any], S | None],
    fields: Callable[[S], Fields],
) -> dict[str, Recorded[Any]]:
    """Which event was the last one to change each field, of those that were changed since."""
    found: dict[str, Recorded[Any]] = {}
    before = fields(record) if record is not None else {}
    for recorded in since:
        record = evolve(record, recorded.event)
        after = fields(record) if record is not None else {}
        for name in {**before, **after}:
            if before.get(name) != after.get(name):
                found[name] = recorded
        before = after
    return found


def undone_by(history: Sequence[Recorded[Any]]) -> dict[UUID, UUID]:
    """The changes that were taken back, and the event that says so; the latest one."""
    return {
        recorded.event.undone_id: recorded.id
        for recorded in history
        if isinstance(recorded.event, ChangeUndone)
    }


def brought_by(history: Sequence[Recorded[Any]]) -> dict[UUID, UUID]:
    """The events that restore something, and the one of the undoing that they belong to."""
    return {
        recorded.id: marker.id
        for place, marker in enumerate(history)
        if isinstance(marker.event, ChangeUndone)
        for recorded in history[place + 1 : place + 1 + marker.event.brought]
    }
