"""What another system calls one of our records: unique per kind of record and system. Pure."""

from __future__ import annotations

import msgspec

from chassis.ports import Claim


class ExternalId(msgspec.Struct, frozen=True):
    """`source`: which system, e.g. `hubspot`."""

    id: str
    source: str | None = None


def external_id_claim(record: str, known: ExternalId, *, release: bool = False) -> Claim:
    """The right to be the one `record` (a kind) with this id."""
    return Claim("external_id", f"{record}\x1f{known.source or ''}\x1f{known.id}", release)
