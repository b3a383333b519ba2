"""A decider: commands in, events out, by pure functions; and `handle`, which runs one on the log.

    decide(command, state) → events        evolve(state, event) → state

`handle` loads the stream, folds it, decides, appends. If another writer came between and the
caller did not insist on a version, it loads and decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.errors import BadInput, Conflict, StaleVersion
from chassis.events import Event, stream_name
from chassis.ports import Append, Appended, Claim, Context, EventLog, Loaded

_ATTEMPTS = 8

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=Event)


def _nothing(_: Any) -> Iterable[Any]:
    return ()


@dataclass(frozen=True, slots=True)
class Decider(Generic[C, S, E]):
    """One kind of aggregate. `events` lists its event classes; `claims` and `forgets` say what an
    event means for unique values and for persons' keys."""

    category: str
    initial: S
    decide: Callable[[C, S], list[E]]
    evolve: Callable[[S, E], S]
    events: tuple[type[E], ...]
    claims: Callable[[E], Iterable[Claim]] = field(default=_nothing)
    forgets: Callable[[E], Iterable[UUID]] = field(default=_nothing)

    def stream(self, id_: UUID) -> str:
        """The stream of the aggregate with this id."""
        return stream_name(self.category, id_)

    def fold(self, events: Iterable[E]) -> S:
        """The state after these events."""
        return reduce(self.evolve, events, self.initial)

    def append_of(self, id_: UUID, events: Sequence[E], expected: int | None) -> Append:
        """The append of decided events, with their claims and forgotten subjects."""
        return Append(
            stream=self.stream(id_),
            events=events,
            expected=expected,
            claims=tuple(claim for event in events for claim in self.claims(event)),
            forget=tuple(subject for event in events for subject in self.forgets(event)),
        )


AnyDecider = Decider[Any, Any, Any]


async def handle(
    log: EventLog,
    decider: Decider[C, S, E],
    id_: UUID,
    command: C,
    context: Context,
    *,
    expected: int | None = None,
    new: bool = False,
) -> Appended:
    """Carry out a command on one aggregate.

    `expected`: the version the caller has seen; StaleVersion if it is no longer so. `new`: the id
    was made for this command, nothing has to be loaded, one round trip in all.
    """
    stream = decider.stream(id_)
    for attempt in range(_ATTEMPTS):
        loaded = Loaded(0) if new else await log.load(context, stream)
        if loaded.answered is not None:
            return loaded.answered
        if expected is not None and loaded.version != expected:
            raise stale(stream, loaded.version, expected)
        state = decider.fold(recorded.event for recorded in loaded.events)  # type: ignore[misc]
        events = decider.decide(command, state)
        if not events and context.key is None:
            return Appended(stream, loaded.version)
        try:
            return await log.append(context, decider.append_of(id_, events, loaded.version))
        except StaleVersion:
            if new or expected is not None or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def load_state(
    log: EventLog, decider: Decider[C, S, E], id_: UUID, context: Context
) -> tuple[S, int]:
    """The present state and version of an aggregate, straight from the log: for deciding only."""
    loaded = await log.load(context, decider.stream(id_))
    return decider.fold(r.event for r in loaded.events), loaded.version  # type: ignore[misc]


def stale(stream: str, actual: int, expected: int) -> StaleVersion:
    """The refusal of a write that meant another version."""
    return StaleVersion(
        f"You meant version {expected}, but it is at version {actual} by now. Load it again, look "
        "at what changed, and send your change with the new version in If-Match.",
        stream=stream,
        actual=actual,
        expected=expected,
    )


def claimed(kind: str, holder: str) -> Conflict:
    """The refusal of a value that another stream holds."""
    return Conflict(
        f"Another record has this {kind.replace('_', ' ')} already. Open that one and change it, "
        "or choose another value.",
        code="already-taken",
        kind=kind,
        holder=holder,
    )


def key_reused() -> BadInput:
    """The refusal of an idempotency key that came with another request before."""
    return BadInput(
        "This Idempotency-Key was used for a different request before. Make a new key for a new "
        "request; repeat a key only with exactly the same request.",
        code="idempotency-key-reused",
    )
