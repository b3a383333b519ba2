"""Addresses that want no mail, whoever has them: kept as keyed hashes, compared as such."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from campaigns.read_models.subscriptions import fetch_any_silent, fetch_silent
from chassis.postgres.database import Connection
from chassis.vault import Keyring


def address_hash(keyring: Keyring, workspace: UUID, email_key: str) -> str:
    """An address as the silent ones are kept: comparable, and nothing else."""
    return keyring.blind(workspace, f"campaigns address {email_key}").hex()


async def fetch_silent_among(
    connection: Connection,
    keyring: Keyring,
    workspace: UUID,
    email_keys: Sequence[str],
    topic: str,
) -> frozenset[str]:
    """Those of these addresses that want no mail about a topic."""
    if not await fetch_any_silent(connection, workspace):
        return frozenset()
    by_hash = {address_hash(keyring, workspace, key): key for key in email_keys}
    found = await fetch_silent(connection, workspace, list(by_hash), topic)
    return frozenset(by_hash[hashed] for hashed in found)
