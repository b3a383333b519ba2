"""Persons' keys in PostgreSQL: the vault of a service, and what it knows of others' vaults."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from chassis.ids import new_id
from chassis.postgres.database import Connection, Database
from chassis.vault import DataKey, Keyring

K = TypeVar("K")

_KEPT = 20_000
_KEPT_FOR_S = 30.0
"""How long a destroyed key may live on in this process's memory."""

_BY_ID = """
select key_id, wrapped from log.subject_keys where workspace_id = $1 and key_id = any($2)
union all
select key_id, wrapped from road.known_keys where workspace_id = $1 and key_id = any($2)
"""
_BY_SUBJECT = """
select subject, key_id, wrapped from log.subject_keys
 where workspace_id = $1 and subject = any($2)
"""


class PostgresSubjects:
    """Finds keys by id (to read) and by subject (to write); keeps recent ones in memory."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self.keyring = keyring
        self._by_id: OrderedDict[UUID, tuple[DataKey, float]] = OrderedDict()
        self._by_subject: OrderedDict[tuple[UUID, UUID], tuple[DataKey, float]] = OrderedDict()

    async def keys(self, workspace: UUID, key_ids: Iterable[UUID]) -> Mapping[UUID, DataKey | None]:
        """See chassis.ports.Subjects."""
        found: dict[UUID, DataKey | None] = {}
        missing = []
        for key_id in set(key_ids):
            key = _recent(self._by_id, key_id)
            if key is None:
                missing.append(key_id)
            found[key_id] = key
        if missing:
            async with self._database.connection(workspace) as connection:
                for row in await connection.fetch(_BY_ID, workspace, missing):
                    key = self.keyring.unwrap(workspace, row["key_id"], row["wrapped"])
                    found[row["key_id"]] = _keep(self._by_id, row["key_id"], key)
        return found

    async def of_subjects(
        self, connection: Connection, workspace: UUID, subjects: Iterable[UUID]
    ) -> dict[UUID, DataKey]:
        """The keys of those of these persons who have one."""
        found: dict[UUID, DataKey] = {}
        missing = []
        for subject in set(subjects):
            key = _recent(self._by_subject, (workspace, subject))
            if key is None:
                missing.append(subject)
            else:
                found[subject] = key
        if missing:
            for row in await connection.fetch(_BY_SUBJECT, workspace, missing):
                key = self.keyring.unwrap(workspace, row["key_id"], row["wrapped"])
                found[row["subject"]] = self.remember(workspace, row["subject"], key)
        return found

    def make(self, workspace: UUID) -> tuple[DataKey, bytes]:
        """A new key and its wrapped form; it counts once it is stored."""
        return self.keyring.new_key(workspace, new_id())

    def remember(self, workspace: UUID, subject: UUID, key: DataKey) -> DataKey:
        """Keep a stored key in memory."""
        _keep(self._by_id, key.id, key)
        return _keep(self._by_subject, (workspace, subject), key)

    def forget(self, workspace: UUID, subjects: Iterable[UUID]) -> None:
        """Drop destroyed (or doubtful) keys from memory at once."""
        for subject in subjects:
            kept = self._by_subject.pop((workspace, subject), None)
            if kept is not None:
                self._by_id.pop(kept[0].id, None)

    def forget_ids(self, key_ids: Iterable[UUID]) -> None:
        """Drop keys that others destroyed."""
        for key_id in key_ids:
            self._by_id.pop(key_id, None)


def _recent(kept: OrderedDict[K, tuple[DataKey, float]], name: K) -> DataKey | None:
    entry = kept.get(name)
    if entry is None or time.monotonic() - entry[1] > _KEPT_FOR_S:
        return None
    return entry[0]


def _keep(kept: OrderedDict[K, tuple[DataKey, float]], name: K, key: DataKey) -> DataKey:
    kept[name] = (key, time.monotonic())
    kept.move_to_end(name)
    if len(kept) > _KEPT:
        kept.popitem(last=False)
    return key
