"""Opens what is about persons, for those who hold the master key. The erased read `[erased]`."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from chassis.codec import Codec
from chassis.errors import EverlogError
from chassis.vault import DataKey, Keyring
from embedded.errors import Trouble
from everlog.history.envelope import Batch, with_bodies

Lookup = Callable[[UUID, list[UUID]], dict[UUID, bytes]]
"""The wrapped keys of a workspace's persons that have not been destroyed."""

_KEPT = 50_000


class Clearing:
    """Opens the events of one service."""

    def __init__(self, codec: Codec, keyring: Keyring, lookup: Lookup) -> None:
        self._codec = codec
        self._keyring = keyring
        self._lookup = lookup
        self._kept: dict[tuple[str, str], DataKey | None] = {}

    def __call__(self, batch: Batch) -> Batch:
        """The same events, their bodies in clear text. Raises Trouble if one does not open."""
        if batch.column("key_id").null_count == len(batch):
            return batch
        named = ("workspace", "key_id", "type", "id", "body")
        workspaces, key_ids, types, ids, bodies = (batch.column(n).to_pylist() for n in named)
        self._fetch(set(zip(workspaces, key_ids, strict=True)))
        for place, key_id in enumerate(key_ids):
            if key_id is not None:
                key = self._kept[workspaces[place], key_id]
                bodies[place] = self._opened(types[place], bodies[place], ids[place], key)
        return with_bodies(batch, bodies)

    def _fetch(self, wanted: set[tuple[str, str | None]]) -> None:
        """All keys of a batch that are not here yet, with one question per workspace."""
        if len(self._kept) > _KEPT:
            self._kept.clear()
        missing: dict[str, list[UUID]] = {}
        for workspace, key_id in wanted:
            if key_id is not None and (workspace, key_id) not in self._kept:
                missing.setdefault(workspace, []).append(UUID(key_id))
        for workspace, key_ids in missing.items():
            found = self._lookup(UUID(workspace), key_ids)
            for asked in key_ids:
                wrapped = found.get(asked)
                self._kept[workspace, str(asked)] = (
                    self._keyring.unwrap(UUID(workspace), asked, wrapped) if wrapped else None
                )

    def _opened(self, type_: str, body: str, event_id: str, key: DataKey | None) -> str:
        try:
            opened = self._codec.opened(type_, body.encode(), UUID(event_id).bytes, key)
        except EverlogError as error:
            raise Trouble(
                f"{type_} {event_id} does not open.",
                "`everlog verify` says what was changed; without --clear it can be exported.",
                str(error),
            ) from error
        return opened.decode()
