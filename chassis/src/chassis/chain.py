"""The hash chain of a stream: each event's hash covers its bytes, its place and the hash before.

    digest = SHA-256(id ␟ type ␟ workspace ␟ stream ␟ occurred µs ␟ actor ␟ correlation ␟ causation
                     ␟ key id ␟ body)
    hash   = SHA-256(previous hash ‖ int4 version ‖ int8 recorded µs ‖ digest)

It is taken over the stored, sealed bytes: erasing a person does not break it. The database links
the chain inside the stream's lock (log.append); this file is the same formula for bulk appends
and for `everlog verify`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from datetime import UTC, datetime

from chassis.errors import Tampered
from chassis.events import Stored

GENESIS = b""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATOR = "\x1f"


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 (UTC), exact."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def digest(stored: Stored) -> bytes:
    """What an event is, apart from its place in the stream (version, recorded_at, hash)."""
    head = _SEPARATOR.join(
        (
            str(stored.id),
            stored.type,
            str(stored.workspace),
            stored.stream,
            str(microseconds(stored.occurred_at)),
            stored.actor,
            str(stored.correlation_id),
            str(stored.causation_id or ""),
            str(stored.key_id or ""),
            "",
        )
    )
    return hashlib.sha256(head.encode() + stored.data).digest()


def link(previous: bytes, version: int, recorded_at: datetime, digest_: bytes) -> bytes:
    """The hash of an event at its place."""
    place = struct.pack(">iq", version, microseconds(recorded_at))
    return hashlib.sha256(previous + place + digest_).digest()


def hash_of(stored: Stored, previous: bytes) -> bytes:
    """The hash a stored event must have after `previous`."""
    return link(previous, stored.version, stored.recorded_at, digest(stored))


def verify(stream: Iterable[Stored]) -> bytes:
    """Check a whole stream from its first event on; returns the last hash.

    Raises Tampered at the first event that is missing, moved or changed.
    """
    previous = GENESIS
    for version, stored in enumerate(stream, start=1):
        if stored.version != version:
            raise Tampered(f"{stored.stream}: version {version} is missing")
        if stored.hash != hash_of(stored, previous):
            raise Tampered(f"{stored.stream}@{version}: the event is not what was recorded")
        previous = stored.hash
    return previous
