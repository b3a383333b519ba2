"""Signed links: what a mail carries to be opened, clicked and unsubscribed from.

A link names a workspace and a message, nothing else, and is signed with a key derived from the
master key: it cannot be guessed or turned into another one, and holds no personal data.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.vault import Keyring

Kind = Literal["open", "click", "unsubscribe"]

_KINDS: dict[Kind, bytes] = {"open": b"o", "click": b"c", "unsubscribe": b"u"}
_SIGNATURE_BYTES = 14  # with the body 48 bytes: each token has one spelling
_BODY = struct.Struct(">16s16sH")


@dataclass(frozen=True, slots=True)
class Target:
    """What a link is about. `number`: which link of the mail."""

    workspace: UUID
    message_id: UUID
    number: int = 0


class Links:
    """Makes and reads links; `public_url` is where the gateway answers."""

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        self._keyring = keyring
        self._base = public_url.rstrip("/")

    def opened(self, target: Target) -> str:
        """The picture that tells that a mail was opened."""
        return f"{self._base}/t/o/{self._token('open', target)}.gif"

    def clicked(self, target: Target) -> str:
        """The way to where a link of the mail leads."""
        return f"{self._base}/t/c/{self._token('click', target)}"

    def unsubscribe(self, target: Target) -> str:
        """Where the reader unsubscribes."""
        return f"{self._base}/u/{self._token('unsubscribe', target)}"

    def _token(self, kind: Kind, target: Target) -> str:
        body = _BODY.pack(target.workspace.bytes, target.message_id.bytes, target.number)
        signature = self._signature(kind, target.workspace, body)[:_SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(body + signature).decode().rstrip("=")

    def read(self, kind: Kind, token: str) -> Target | None:
        """What a link of this kind is about; None if it is none of ours."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            body, signature = raw[: _BODY.size], raw[_BODY.size :]
            workspace, message, number = _BODY.unpack(body)
        except (binascii.Error, ValueError, struct.error):
            return None
        target = Target(UUID(bytes=workspace), UUID(bytes=message), number)
        expected = self._signature(kind, target.workspace, body)[:_SIGNATURE_BYTES]
        return target if hmac.compare_digest(signature, expected) else None

    def _signature(self, kind: Kind, workspace: UUID, body: bytes) -> bytes:
        signed = f"campaigns link {_KINDS[kind].decode()} {body.hex()}"
        return self._keyring.blind(workspace, signed)
