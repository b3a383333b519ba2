"""Rows that have nothing to be matched by are known by all they say.

Of a row that made a record its keyed hash is kept, with the record's id, for as long as there is
the record: the same row in a later file of this kind is known by it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from chassis.imports.model import ImportRow, ImportRun
from chassis.imports.sealing import blinded

_KNOWN = """
select likeness, record from imports.likenesses
 where workspace_id = $1 and kind = $2 and likeness = any($3)
"""


def likeness(run: ImportRun, kind: str, row: ImportRow, before: int = 0) -> bytes:
    """What a row says, as a keyed hash; case, blanks and columns that are not mapped aside.

    `before`: how many rows before it say the same and mean another record, see `repeats`.
    """
    said = "\x1f".join(f"{name}={_plain(text)}" for name, text in sorted(row.values.items()))
    return blinded(run.service.keyring, run.workspace, f"row of {kind}\x1f{before}\x1f{said}")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def repeats(rows: Iterable[ImportRow]) -> dict[int, int]:
    """Rows that say what earlier ones have said: number → how many did. Only hashes are held."""
    counted: Counter[int] = Counter()
    found: dict[int, int] = {}
    for row in rows:
        said = hash(tuple(sorted((name, _plain(text)) for name, text in row.values.items())))
        if before := counted[said]:
            found[row.number] = before
        counted[said] += 1
    return found


async def recall(run: ImportRun, kind: str, wanted: Iterable[bytes]) -> dict[bytes, UUID]:
    """The records that rows like these have made before."""
    hashes = list(wanted)
    if not hashes:
        return {}
    async with run.service.work.connection(run.workspace) as connection:
        rows = await connection.fetch(_KNOWN, run.workspace, kind, hashes)
    return {row["likeness"]: row["record"] for row in rows}
