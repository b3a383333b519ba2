"""Events as columns: the whole envelope typed, the body as JSON text; and what is sealed left out.

Ids are text, as they are in the API and in bodies, so that they can be compared as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from chassis.events import Stored, service_of

Batch: TypeAlias = Any
"""A pyarrow.RecordBatch (the library has no types)."""

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("service", pa.string(), nullable=False),
        pa.field("workspace", pa.string(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("feed_number", pa.int64()),
        pa.field("id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("occurred_at", MOMENT, nullable=False),
        pa.field("recorded_at", MOMENT, nullable=False),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("correlation_id", pa.string(), nullable=False),
        pa.field("causation_id", pa.string()),
        pa.field("traceparent", pa.string()),
        pa.field("key_id", pa.string()),
        pa.field("hash", pa.string(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
    ]
)
NAMES = tuple(SCHEMA.names)

# The codec writes `sealed` last; quotes inside of texts are escaped, so nothing else looks like it.
_SEALED = r',?"sealed":"[A-Za-z0-9+/=]*"\}$'


def batch_of(events: Sequence[Stored], numbers: Sequence[int] | None = None) -> Batch:
    """Stored events as columns. `numbers`: those in the feed, which topics do not tell."""
    columns: dict[str, list[Any]] = {
        "service": [service_of(e.type) for e in events],
        "workspace": [str(e.workspace) for e in events],
        "stream": [e.stream for e in events],
        "version": [e.version for e in events],
        "feed_number": [None] * len(events) if numbers is None else list(numbers),
        "id": [str(e.id) for e in events],
        "type": [e.type for e in events],
        "occurred_at": [e.occurred_at for e in events],
        "recorded_at": [e.recorded_at for e in events],
        "actor": [e.actor for e in events],
        "correlation_id": [str(e.correlation_id) for e in events],
        "causation_id": [_text(e.causation_id) for e in events],
        "traceparent": [e.traceparent for e in events],
        "key_id": [_text(e.key_id) for e in events],
        "hash": [e.hash.hex() for e in events],
        "body": [e.data.decode() for e in events],
    }
    return pa.record_batch([pa.array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def without_sealed(batch: Batch) -> Batch:
    """The same events, their bodies without what is about persons."""
    if batch.column("key_id").null_count == len(batch):
        return batch
    bodies = pc.replace_substring_regex(batch.column("body"), _SEALED, "}")
    return batch.set_column(NAMES.index("body"), SCHEMA.field("body"), bodies)


def with_bodies(batch: Batch, bodies: Sequence[str]) -> Batch:
    """The same events with other bodies."""
    column = pa.array(bodies, pa.string())
    return batch.set_column(NAMES.index("body"), SCHEMA.field("body"), column)
