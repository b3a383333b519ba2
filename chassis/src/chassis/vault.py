"""Keys and sealing: AES-256-GCM under one key per person, wrapped by the workspace's key.

master key (a secret file) ──HKDF──▶ workspace key ──wraps──▶ a person's key ──seals──▶ fields

Destroying the wrapped key makes everything sealed under it unreadable, wherever a copy lies.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.errors import Tampered

_NONCE_BYTES = 12


class DataKey:
    """One person's key. `id` names it in envelopes."""

    __slots__ = ("_cipher", "id")

    def __init__(self, id_: UUID, secret: bytes) -> None:
        self.id = id_
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt; the result opens only together with the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt. Raises Tampered unless bytes, key and `bound_to` are those of `seal`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except InvalidTag as error:
            raise Tampered("a sealed field does not open with its key") from error


class Keyring:
    """Derives workspace keys from the master key, wraps and unwraps persons' keys."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise ValueError("the master key must be 32 bytes (64 hexadecimal digits)")
        self._master = master
        self._workspace_cipher = lru_cache(maxsize=1024)(self._derive_cipher)
        self._blind_key = lru_cache(maxsize=1024)(self._derive_blind_key)

    @classmethod
    def from_file(cls, path: Path) -> Keyring:
        """Read the master key (64 hexadecimal digits) from a secret file."""
        return cls(bytes.fromhex(path.read_text().strip()))

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(self._master)

    def _derive_cipher(self, workspace: UUID) -> AESGCM:
        return AESGCM(self._derive(b"everlog workspace key " + workspace.bytes))

    def _derive_blind_key(self, workspace: UUID) -> bytes:
        return self._derive(b"everlog blind index " + workspace.bytes)

    def new_key(self, workspace: UUID, key_id: UUID) -> tuple[DataKey, bytes]:
        """A new person's key and its wrapped form, for storing."""
        secret = os.urandom(32)
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = nonce + self._workspace_cipher(workspace).encrypt(nonce, secret, key_id.bytes)
        return DataKey(key_id, secret), wrapped

    def unwrap(self, workspace: UUID, key_id: UUID, wrapped: bytes) -> DataKey:
        """A person's key from its wrapped form. Raises Tampered if it was not wrapped by us."""
        try:
            secret = self._workspace_cipher(workspace).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], key_id.bytes
            )
        except InvalidTag as error:
            raise Tampered(f"key {key_id} was not wrapped by this workspace's key") from error
        return DataKey(key_id, secret)

    def blind(self, workspace: UUID, value: str) -> bytes:
        """A keyed hash of a value: equal for equal values, and says nothing about them."""
        return hmac.digest(self._blind_key(workspace), value.encode(), hashlib.sha256)

    def certificate_key(self) -> bytes:
        """The private key of certificates (Ed25519, PKCS #8), of which nothing else is kept."""
        private = Ed25519PrivateKey.from_private_bytes(self._derive(b"everlog certificates"))
        return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def fingerprint(self) -> bytes:
        """Tells this master key from others, and nothing about it."""
        return self._derive(b"everlog fingerprint")

    def password(self, role: str) -> str:
        """The database password of a role; derived, so that no file has to hold it."""
        return self._derive(b"everlog role " + role.encode()).hex()
