"""Ids are UUIDv7 (RFC 9562): they sort by the time they were made, so indexes stay compact."""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()
