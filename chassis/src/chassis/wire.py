"""Stored events ↔ Kafka messages: CloudEvents 1.0, Kafka binding, binary mode.

The body travels byte for byte as it is stored; the envelope travels in `ce_*` headers; the trace
context in the plain headers of W3C. Key: `workspace:stream`, so a stream stays in one partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import ValidationError, convert

from chassis.events import Event, Recorded, Stored, id_of, service_of, topic_of
from chassis.ports import Message, Outgoing

KEYS_TOPIC = "everlog.keys"
KEY_OWNER = "everlog-service"
"""The header of a key that names the service in whose vault it lies."""
PARTITIONS = 12

E = TypeVar("E", bound=Event)

_WORKSPACES: dict[bytes, UUID] = {}


def message_of(stored: Stored) -> Outgoing:
    """The message that carries a stored event."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(stored.id).encode()),
        ("ce_source", f"/everlog/{service_of(stored.type)}".encode()),
        ("ce_type", stored.type.encode()),
        ("ce_subject", str(id_of(stored.stream)).encode()),
        ("ce_time", _time(stored.occurred_at)),
        ("content-type", b"application/json"),
        ("ce_workspaceid", str(stored.workspace).encode()),
        ("ce_stream", stored.stream.encode()),
        ("ce_version", str(stored.version).encode()),
        ("ce_recordedat", _time(stored.recorded_at)),
        ("ce_actor", stored.actor.encode()),
        ("ce_correlationid", str(stored.correlation_id).encode()),
        ("ce_hash", stored.hash.hex().encode()),
    ]
    if stored.causation_id is not None:
        headers.append(("ce_causationid", str(stored.causation_id).encode()))
    if stored.key_id is not None:
        headers.append(("ce_keyid", str(stored.key_id).encode()))
    if stored.traceparent is not None:
        headers.append(("traceparent", stored.traceparent.encode()))
    key = f"{stored.workspace}:{stored.stream}".encode()
    return Outgoing(topic_of(stored.type), key, stored.data, headers)


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A message whose place in the log is known, and of which nothing else has been read yet."""

    workspace: UUID
    stream: str
    version: int
    type: str
    message: Message

    def recorded(self, id_: UUID, event: E) -> Recorded[E]:
        """Its event, which the caller has decoded, with its place in the log."""
        causation = self._rest("ce_causationid")
        return Recorded(
            event,
            self.workspace,
            self.stream,
            self.version,
            id_,
            self.type,
            self.recorded_at(),
            self._value(_ACTOR).decode(),
            _uuid(self._value(_CORRELATION)),
            _uuid(causation) if causation else None,
        )

    def event_id(self) -> UUID:
        """The event's id. Raises ValueError if it is none."""
        return _uuid(self._value(_ID))

    def key_id(self) -> UUID | None:
        """The key its personal fields are sealed under. Raises ValueError if it is none."""
        key = self._rest("ce_keyid")
        return _uuid(key) if key else None

    def recorded_at(self) -> datetime:
        """When it was recorded. Raises ValueError if that is no time."""
        return datetime.fromisoformat(self._value(_RECORDED_AT).decode())

    def stored(self) -> Stored:
        """The event exactly as it was stored."""
        value = self._value
        causation, trace = self._rest("ce_causationid"), self._rest("traceparent")
        return Stored(
            self.workspace,
            self.stream,
            self.version,
            _uuid(value(_ID)),
            self.type,
            datetime.fromisoformat(value(_TIME).decode()),
            self.recorded_at(),
            value(_ACTOR).decode(),
            _uuid(value(_CORRELATION)),
            _uuid(causation) if causation else None,
            trace.decode() if trace else None,
            self.key_id(),
            self.message.value or b"",
            bytes.fromhex(value(_HASH).decode()),
        )

    def _value(self, place: int) -> bytes:
        """Of a header that every event has."""
        return self.message.headers[place][1]

    def _rest(self, name: str) -> bytes | None:
        return _among(self.message.headers[len(_ORDER) :], name)


_ORDER = [
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_subject",
    "ce_time",
    "content-type",
    "ce_workspaceid",
    "ce_stream",
    "ce_version",
    "ce_recordedat",
    "ce_actor",
    "ce_correlationid",
    "ce_hash",
]
"""As `message_of` writes them: who reads millions of them need not look for each by its name."""
_ID, _TYPE, _TIME = 1, 3, 5
_WORKSPACE, _STREAM, _VERSION, _RECORDED_AT, _ACTOR, _CORRELATION, _HASH = range(7, 14)


def envelope_of(message: Message) -> Envelope:
    """Where a message belongs. Raises ValueError if it is none of ours."""
    try:
        headers = message.headers
        if [name for name, _ in headers[: len(_ORDER)]] != _ORDER:
            headers = _in_order(headers)
            message = msgspec.structs.replace(message, headers=headers)
        return Envelope(
            workspace_of(headers[_WORKSPACE][1]),
            headers[_STREAM][1].decode(),
            int(headers[_VERSION][1]),
            headers[_TYPE][1].decode(),
            message,
        )
    except (KeyError, ValueError, ValidationError) as error:
        raise _not_ours(message, error) from error


def stored_of(message: Message) -> Stored:
    """The stored event a message carries, exactly as it was stored.

    Raises ValueError if the message is none of ours.
    """
    envelope = envelope_of(message)
    try:
        return envelope.stored()
    except (ValueError, ValidationError) as error:
        raise _not_ours(message, error) from error


def _in_order(headers: Sequence[tuple[str, bytes]]) -> Sequence[tuple[str, bytes]]:
    """The same in our order: others may have put them elsewhere."""
    found = header_map(headers)
    first = [(name, found.pop(name)) for name in _ORDER]
    return (*first, *found.items())


def _among(headers: Iterable[tuple[str, bytes]], name: str) -> bytes | None:
    for each, value in headers:
        if each == name:
            return value
    return None


def _not_ours(message: Message, error: Exception) -> ValueError:
    partition = message.partition
    return ValueError(
        f"the message at {partition.topic}/{partition.number} offset {message.offset} is no "
        f"Everlog event: {error!r}"
    )


def header_map(headers: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Headers by name; aiokafka hands them over as pairs."""
    return dict(headers)


def workspace_of(value: bytes) -> UUID:
    """A workspace id; few different ones go by, so they are kept parsed."""
    workspace = _WORKSPACES.get(value)
    if workspace is None:
        if len(_WORKSPACES) > 100_000:
            _WORKSPACES.clear()
        workspace = _WORKSPACES[value] = UUID(value.decode())
    return workspace


def _uuid(value: bytes) -> UUID:
    """Ten times as fast as UUID(…), which parses in Python."""
    return convert(value.decode(), UUID)


def _time(at: datetime) -> bytes:
    """RFC 3339 in UTC, with microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()
