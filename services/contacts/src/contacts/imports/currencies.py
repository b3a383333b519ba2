"""In which currency the amounts of a file are."""

from __future__ import annotations

import re

from chassis.imports import ImportRun
from contacts.domain.words import malformed
from contacts.read_models.known_workspaces import fetch_currency

_CURRENCY = re.compile(r"[A-Z]{3}")


async def usual_currency(run: ImportRun) -> str:
    """What amounts are in where the file does not say it: as the option says, else as they are in
    this workspace. Raises BadInput."""
    if said := run.options.get("currency"):
        currency = str(said).strip().upper()
        if not _CURRENCY.fullmatch(currency):
            raise malformed("currency", f"{said!r} is no currency; write it like EUR.")
        return currency
    async with run.service.work.connection(run.workspace) as connection:
        return await fetch_currency(connection, run.workspace)
