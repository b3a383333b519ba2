"""What follows from a log: whose keys are whose, and which unique values are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg2.extras import execute_values

from chassis.backup.restoring import Store
from chassis.events import wire_name
from chassis.kafka.reading import KeyPlace
from chassis.ports import Claim
from chassis.postgres.bulk import claim_columns
from chassis.vault import DataKey

_SEALED = """
select distinct on (workspace_id, key_id) workspace_id, key_id, type, data::text, id
  from log.events where key_id is not null order by workspace_id, key_id, position
"""
_CLAIMING = """
select workspace_id, key_id, type, data::text, id, stream from log.events
 where type = any(%s) order by position
"""
_KEEP_KEYS = "insert into log.subject_keys (workspace_id, subject, key_id, wrapped) values %s"
_KEEP_CLAIMS = "insert into log.claims (workspace_id, kind, value, stream) values %s"

Wrapped = Mapping[KeyPlace, bytes]
"""The keys that are still good, as they are kept."""


def keep_keys(cursor: Any, store: Store, wrapped: Wrapped) -> tuple[int, int]:
    """Fill the vault: an event says whose key it is. Returns how many there are, and how many
    sealed something and are gone."""
    codec = store.manifest.codec()
    cursor.execute(_SEALED)
    kept, gone = [], 0
    for workspace, key_id, type_, data, id_ in cursor.fetchall():
        key = wrapped.get((workspace, key_id))
        if key is None:
            gone += 1
            continue
        event = codec.decode(type_, data.encode(), id_.bytes, None)
        personal = codec.personal(event)
        if personal is not None:
            kept.append((workspace, personal.subject(event), key_id, key))
    execute_values(cursor, _KEEP_KEYS, kept)
    return len(kept), gone


def keep_claims(cursor: Any, store: Store, wrapped: Wrapped) -> int:
    """Take the unique values that the events took and did not give back; returns how many."""
    codec, keyring = store.manifest.codec(), store.keyring
    claims_of = {
        wire_name(event): decider.claims
        for decider in store.manifest.deciders
        for event in decider.events
    }
    types = [type_ for type_ in codec.types() if codec.read_as(type_) in claims_of]
    cursor.execute(_CLAIMING, (types,))
    taken: dict[tuple[UUID, str, bytes], str] = {}
    for workspace, key_id, type_, data, id_, stream in cursor.fetchall():
        key = key_of(store, wrapped, workspace, key_id)
        if key is None and codec.needs_key(type_):
            continue  # of somebody erased, who holds nothing any more
        event = codec.decode(type_, data.encode(), id_.bytes, key)
        claims = list(claims_of[wire_name(type(event))](event))
        places = _places(claims, lambda text, of=workspace: keyring.blind(of, text))
        for claim, (kind, value) in zip(claims, places, strict=True):
            if not claim.release:
                taken[workspace, kind, value] = stream
            elif taken.get((workspace, kind, value)) == stream:
                del taken[workspace, kind, value]
    execute_values(cursor, _KEEP_CLAIMS, [(*place, stream) for place, stream in taken.items()])
    return len(taken)


def _places(claims: list[Claim], blind: Any) -> Iterable[tuple[str, bytes]]:
    return zip(*claim_columns(claims, blind), strict=True)


def key_of(store: Store, wrapped: Wrapped, workspace: UUID, key_id: UUID | None) -> DataKey | None:
    """A person's key, if it is still good."""
    key = None if key_id is None else wrapped.get((workspace, key_id))
    if key_id is None or key is None:
        return None
    return store.keyring.unwrap(workspace, key_id, key)
