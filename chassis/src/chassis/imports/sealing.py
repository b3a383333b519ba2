"""What an import keeps of its file is sealed under a key of its own, which is soon destroyed.

The key is wrapped by the workspace's key, like a person's; destroying it makes everything that was
sealed unreadable, wherever a copy lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import lru_cache
from uuid import UUID

from chassis.vault import DataKey, Keyring

_HASH_BYTES = 16
_RECENT = 8192


class Seal:
    """The key of one import. `part` says what is sealed: it opens as nothing else."""

    def __init__(self, key: DataKey) -> None:
        self._key = key

    @classmethod
    def new(cls, keyring: Keyring, workspace: UUID, import_id: UUID) -> tuple[Seal, bytes]:
        """A new one, and its wrapped form to be stored."""
        key, wrapped = keyring.new_key(workspace, import_id)
        return cls(key), wrapped

    @classmethod
    def of(cls, keyring: Keyring, workspace: UUID, import_id: UUID, wrapped: bytes) -> Seal:
        """The stored one."""
        return cls(keyring.unwrap(workspace, import_id, wrapped))

    def close(self, part: str, plain: bytes) -> bytes:
        """Seal."""
        return self._key.seal(plain, self._bound(part))

    def open(self, part: str, sealed: bytes) -> bytes:
        """Open. Raises Tampered."""
        return self._key.open(sealed, self._bound(part))

    def _bound(self, part: str) -> bytes:
        return self._key.id.bytes + part.encode()


def blinded(keyring: Keyring, workspace: UUID, text: str) -> bytes:
    """A keyed hash of something a file says: equal for equal texts, and says nothing about them."""
    return keyring.blind(workspace, f"import {text}")[:_HASH_BYTES]


class Seen(MutableMapping[str, UUID]):
    """Match keys of earlier rows → ids of the records they stand for, without the keys themselves:
    they are looked up by keyed hashes."""

    def __init__(
        self, keyring: Keyring, workspace: UUID, import_id: UUID, kept: Mapping[bytes, UUID]
    ) -> None:
        self._ids = dict(kept)
        prefix = f"{import_id} "
        # The rows of a chunk look the same keys up several times.
        self._hashed = lru_cache(maxsize=_RECENT)(
            lambda key: blinded(keyring, workspace, prefix + key)
        )

    def hashed(self, key: str) -> bytes:
        """How a key is stored."""
        return self._hashed(key)

    def __getitem__(self, key: str) -> UUID:
        return self._ids[self.hashed(key)]

    def __setitem__(self, key: str, id_: UUID) -> None:
        self._ids[self.hashed(key)] = id_

    def __delitem__(self, key: str) -> None:
        del self._ids[self.hashed(key)]

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("keys that rows were matched by are not kept, only their hashes")
