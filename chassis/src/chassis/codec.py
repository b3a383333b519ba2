"""Event classes ↔ stored bytes; built once per process from the manifest."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from chassis.errors import UnknownEvent
from chassis.events import Event, Recorded, Stored, Upcaster, wire_name
from chassis.personal import Personal, personal_of
from chassis.vault import DataKey
from chassis.wire import Envelope

_encode = msgspec.json.Encoder().encode
_decode_dict = msgspec.json.Decoder(dict[str, Any]).decode


class Codec:
    """Encodes and decodes the event classes it was given."""

    def __init__(self, types: Iterable[type[Event]], upcasters: Sequence[Upcaster] = ()) -> None:
        self._types = {wire_name(t): t for t in types}
        self._decoders = {n: msgspec.json.Decoder(t) for n, t in self._types.items()}
        self._personal = {n: personal_of(t) for n, t in self._types.items()}
        self._upcasters = {u.old: u for u in upcasters}
        self._plain = {
            n: decoder
            for n, decoder in self._decoders.items()
            if self._personal[n] is None and n not in self._upcasters
        }
        """Of what is read as it lies there: nothing sealed, no older version."""

    def knows(self, type_: str) -> bool:
        """Whether this codec can read a wire name."""
        return type_ in self._types or type_ in self._upcasters

    def types(self) -> frozenset[str]:
        """Every wire name this codec can read, old versions included."""
        return frozenset(self._types) | frozenset(self._upcasters)

    def needs_key(self, type_: str) -> bool:
        """Whether reading a wire name with these classes needs the subject's key."""
        return self._personal.get(self.read_as(type_)) is not None

    def read_as(self, type_: str) -> str:
        """The wire name that a wire name is read as: its latest version."""
        while type_ in self._upcasters:
            type_ = self._upcasters[type_].new
        return type_

    def personal(self, event: Event) -> Personal | None:
        """The personal side of an event."""
        return self._personal[wire_name(type(event))]

    def encode(self, event: Event, event_id: bytes, key: DataKey | None) -> bytes:
        """The body as the log keeps it; personal fields go into `sealed`, under `key`.

        `event_id` is bound to the sealed part: it cannot be moved to another event.
        """
        personal = self.personal(event)
        if personal is None:
            return _encode(event)
        if key is None:
            raise TypeError(f"{type(event).__name__} is personal: it needs its subject's key")
        body = msgspec.to_builtins(event)
        secret = {name: body.pop(name) for name in personal.fields if name in body}
        body["sealed"] = base64.b64encode(key.seal(_encode(secret), event_id)).decode()
        return _encode(body)

    def decode(self, type_: str, data: bytes, event_id: bytes, key: DataKey | None) -> Event:
        """The event of a stored body. `key` None: personal fields read as erased.

        Raises UnknownEvent for a wire name without a class, msgspec.ValidationError for a body
        that does not fit it.
        """
        decoder = self._plain.get(type_)
        if decoder is not None:
            return decoder.decode(data)
        type_, body = self._upcast(type_, data)
        personal = self._personal[type_]
        if personal is None:
            return msgspec.convert(body, self._types[type_])
        body = _decode_dict(data) if body is None else body
        sealed = body.pop("sealed", None)
        if key is None or sealed is None:
            body.update(personal.erased)
        else:
            body.update(_decode_dict(key.open(base64.b64decode(sealed), event_id)))
        return msgspec.convert(body, self._types[type_])

    def _upcast(self, type_: str, data: bytes) -> tuple[str, Any]:
        """The wire name there is a class for, and the body as it wants it; None: as it is."""
        body: Any = None
        while type_ in self._upcasters:
            upcaster = self._upcasters[type_]
            body = dict(upcaster.upcast(_decode_dict(data) if body is None else body))
            type_ = body["type"] = upcaster.new
        if type_ not in self._types:
            raise UnknownEvent(f"no class here reads {type_}")
        return type_, body

    def opened(self, type_: str, data: bytes, event_id: bytes, key: DataKey | None) -> bytes:
        """A stored body as it was before it was sealed, in the version it was written in.

        `key` None: personal fields read as erased. Raises UnknownEvent like `decode`, Tampered.
        """
        newest = type_
        while newest in self._upcasters:
            newest = self._upcasters[newest].new
        if newest not in self._types:
            raise UnknownEvent(f"no class here reads {type_}")
        personal = self._personal[newest]
        if personal is None:
            return data
        body = _decode_dict(data)
        sealed = body.pop("sealed", None)
        if sealed is None or key is None:
            body.update(personal.erased)
        else:
            body.update(_decode_dict(key.open(base64.b64decode(sealed), event_id)))
        return _encode(body)

    def decode_opened(self, type_: str, data: bytes) -> Event:
        """The event of a body that `opened` gave. Raises like `decode`."""
        type_, body = self._upcast(type_, data)
        if body is None:
            return self._decoders[type_].decode(data)
        return msgspec.convert(body, self._types[type_])

    def recorded(self, stored: Stored, key: DataKey | None) -> Recorded[Event]:
        """A stored event, decoded, with its place in the log."""
        return Recorded(
            self.decode(stored.type, stored.data, stored.id.bytes, key),
            stored.workspace,
            stored.stream,
            stored.version,
            stored.id,
            stored.type,
            stored.recorded_at,
            stored.actor,
            stored.correlation_id,
            stored.causation_id,
        )

    def read(self, envelope: Envelope, key: DataKey | None) -> Recorded[Event]:
        """A message's event, decoded, with its place in the log.

        Raises like `decode`, ValueError if its envelope is damaged.
        """
        id_, data = envelope.event_id(), envelope.message.value or b""
        return envelope.recorded(id_, self.decode(envelope.type, data, id_.bytes, key))

    def key_id(self, envelope: Envelope) -> UUID | None:
        """The key that reading a message's event needs, if any. Raises ValueError."""
        return envelope.key_id() if self.needs_key(envelope.type) else None
