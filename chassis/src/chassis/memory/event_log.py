"""The event log, its outbox and its vault in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from chassis.chain import GENESIS, digest, link
from chassis.clock import Clock
from chassis.codec import Codec
from chassis.decider import claimed, key_reused, stale
from chassis.errors import Fenced
from chassis.events import Stored, wire_name
from chassis.ids import new_id
from chassis.outbox import Batch, KeyNotice
from chassis.ports import Append, Appended, Context, Loaded
from chassis.vault import DataKey, Keyring


@dataclass(slots=True)
class _Tables:
    """What a database would hold; copied for all-or-nothing appends."""

    streams: dict[tuple[UUID, str], list[Stored]] = field(default_factory=dict)
    commands: dict[tuple[UUID, str], tuple[bytes | None, str, int]] = field(default_factory=dict)
    claims: dict[tuple[UUID, str, bytes], str] = field(default_factory=dict)
    subjects: dict[tuple[UUID, UUID], tuple[UUID, bytes]] = field(default_factory=dict)
    outbox: dict[int, Stored] = field(default_factory=dict)
    key_outbox: dict[int, KeyNotice] = field(default_factory=dict)
    numbers: int = 0

    def copy(self) -> _Tables:
        return _Tables(
            {name: list(events) for name, events in self.streams.items()},
            dict(self.commands),
            dict(self.claims),
            dict(self.subjects),
            dict(self.outbox),
            dict(self.key_outbox),
            self.numbers,
        )


class MemoryEventLog:
    """See chassis.ports.EventLog, chassis.ports.Subjects and chassis.outbox.Outbox."""

    def __init__(
        self,
        codec: Codec,
        keyring: Keyring,
        clock: Clock,
        appended: Callable[[], None] = lambda: None,
    ) -> None:
        self._codec = codec
        self._keyring = keyring
        self._clock = clock
        self._appended = appended
        self._tables = _Tables()
        self._epoch = 0
        self._topics: dict[str, UUID] = {}
        self.fenced_epoch: int | None = None

    async def load(self, context: Context, stream: str, *, upto: datetime | None = None) -> Loaded:
        """See chassis.ports.EventLog.load."""
        answered = self._answered(context)
        if answered is not None:
            return Loaded(answered.version, answered=answered)
        return await self._loaded(context.workspace, stream, upto)

    async def load_many(self, context: Context, streams: Sequence[str]) -> dict[str, Loaded]:
        """See chassis.ports.EventLog.load_many."""
        loaded = {stream: await self._loaded(context.workspace, stream) for stream in streams}
        return {stream: found for stream, found in loaded.items() if found.version}

    async def stream_of(self, context: Context, event_id: UUID) -> str | None:
        """See chassis.ports.EventLog.stream_of."""
        for (workspace, stream), events in self._tables.streams.items():
            if workspace == context.workspace and any(each.id == event_id for each in events):
                return stream
        return None

    async def _loaded(self, workspace: UUID, stream: str, upto: datetime | None = None) -> Loaded:
        stored = self.stored(workspace, stream)
        kept = [s for s in stored if upto is None or s.recorded_at <= upto]
        keys = await self.keys(workspace, [s.key_id for s in kept if s.key_id])
        events = [self._codec.recorded(s, keys.get(s.key_id) if s.key_id else None) for s in kept]
        return Loaded(kept[-1].version if kept else 0, events)

    async def append(self, context: Context, append: Append) -> Appended:
        """See chassis.ports.EventLog.append."""
        return (await self.append_many(context, [append]))[0]

    async def append_many(self, context: Context, appends: Sequence[Append]) -> list[Appended]:
        """See chassis.ports.EventLog.append_many."""
        before = self._tables
        self._tables = before.copy()
        try:
            answers = [self._append(append.context or context, append) for append in appends]
        except BaseException:
            self._tables = before
            raise
        self._appended()
        return answers

    def stored(self, workspace: UUID, stream: str) -> Sequence[Stored]:
        """A stream's events as they are stored."""
        return self._tables.streams.get((workspace, stream), [])

    def everything(self) -> list[Stored]:
        """All events of all streams."""
        return [stored for events in self._tables.streams.values() for stored in events]

    async def keys(self, workspace: UUID, key_ids: Iterable[UUID]) -> Mapping[UUID, DataKey | None]:
        """See chassis.ports.Subjects."""
        held = {
            key_id: self._keyring.unwrap(workspace, key_id, wrapped)
            for (owner, _), (key_id, wrapped) in self._tables.subjects.items()
            if owner == workspace
        }
        return {key_id: held.get(key_id) for key_id in key_ids}

    async def keys_of(self, wanted: Mapping[UUID, Iterable[UUID]]) -> Mapping[UUID, DataKey | None]:
        """See chassis.ports.Subjects."""
        found: dict[UUID, DataKey | None] = {}
        for workspace, key_ids in wanted.items():
            found.update(await self.keys(workspace, key_ids))
        return found

    def _answered(self, context: Context) -> Appended | None:
        known = self._tables.commands.get((context.workspace, context.key or ""))
        if known is None:
            return None
        fingerprint, stream, version = known
        if fingerprint != context.fingerprint:
            raise key_reused()
        return Appended(stream, version, replayed=True)

    def _append(self, context: Context, append: Append) -> Appended:
        answered = self._answered(context)
        if answered is not None:
            return answered
        tables, stream = self._tables, append.stream
        events = tables.streams.setdefault((context.workspace, stream), [])
        version, previous = (events[-1].version, events[-1].hash) if events else (0, GENESIS)
        if append.expected is not None and append.expected != version:
            raise stale(stream, version, append.expected)
        recorded = max([self._clock.now(), *(e.recorded_at for e in events[-1:])])
        self._claim(context, append)
        ids = []
        for event in append.events:
            version += 1
            sealed = replace(self._seal(context, stream, event), version=version)
            previous = link(previous, version, recorded, digest(sealed))
            stored = replace(sealed, recorded_at=recorded, hash=previous)
            events.append(stored)
            ids.append(stored.id)
            tables.outbox[self._number()] = stored
        for subject in append.forget:
            gone = tables.subjects.pop((context.workspace, subject), None)
            if gone is not None:
                self._notice(context.workspace, gone[0], None)
        if context.key is not None:
            tables.commands[context.workspace, context.key] = (context.fingerprint, stream, version)
        return Appended(stream, version, event_ids=tuple(ids))

    def _claim(self, context: Context, append: Append) -> None:
        for claim in append.claims:
            value = self._keyring.blind(context.workspace, f"{claim.kind}\x1f{claim.value}")
            place = (context.workspace, claim.kind, value)
            holder = self._tables.claims.get(place)
            if claim.release:
                if holder == append.stream:
                    del self._tables.claims[place]
            elif holder not in (None, append.stream):
                raise claimed(claim.kind, str(holder))
            else:
                self._tables.claims[place] = append.stream

    def _seal(self, context: Context, stream: str, event: object) -> Stored:
        id_, key = new_id(), None
        personal = self._codec.personal(event)  # type: ignore[arg-type]
        if personal is not None:
            key = self._key_of(context.workspace, personal.subject(event))  # type: ignore[arg-type]
        at = event.occurred_at  # type: ignore[attr-defined]
        return Stored(
            workspace=context.workspace,
            stream=stream,
            version=0,
            id=id_,
            type=wire_name(type(event)),  # type: ignore[arg-type]
            occurred_at=at,
            recorded_at=at,
            actor=context.actor,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            traceparent=context.traceparent,
            key_id=key.id if key else None,
            data=self._codec.encode(event, id_.bytes, key),  # type: ignore[arg-type]
            hash=b"",
        )

    def _key_of(self, workspace: UUID, subject: UUID) -> DataKey:
        held = self._tables.subjects.get((workspace, subject))
        if held is not None:
            return self._keyring.unwrap(workspace, *held)
        key, wrapped = self._keyring.new_key(workspace, new_id())
        self._tables.subjects[workspace, subject] = (key.id, wrapped)
        self._notice(workspace, key.id, wrapped)
        return key

    def _notice(self, workspace: UUID, key_id: UUID, wrapped: bytes | None) -> None:
        number = self._number()
        self._tables.key_outbox[number] = KeyNotice(number, workspace, key_id, wrapped)

    def _number(self) -> int:
        self._tables.numbers += 1
        return self._tables.numbers

    # --- the outbox's side

    async def take_over(self) -> bool:
        """See chassis.outbox.Outbox."""
        self._epoch += 1
        self.fenced_epoch = self._epoch
        return True

    async def give_up(self) -> None:
        """See chassis.outbox.Outbox."""
        self.fenced_epoch = None

    async def take(self, most: int) -> Batch:
        """See chassis.outbox.Outbox."""
        positions = sorted(self._tables.outbox)[:most]
        return Batch(
            positions,
            [self._tables.outbox[position] for position in positions],
            [self._tables.key_outbox[number] for number in sorted(self._tables.key_outbox)],
        )

    async def done(self, batch: Batch) -> None:
        """See chassis.outbox.Outbox."""
        if self.fenced_epoch != self._epoch:
            raise Fenced("another relay took over the outbox")
        for position in batch.positions:
            self._tables.outbox.pop(position, None)
        for notice in batch.keys:
            self._tables.key_outbox.pop(notice.number, None)

    async def topics(self) -> Mapping[str, UUID]:
        """See chassis.outbox.Outbox."""
        return dict(self._topics)

    async def note_topics(self, topics: Mapping[str, UUID]) -> None:
        """See chassis.outbox.Outbox."""
        self._topics.update(topics)
