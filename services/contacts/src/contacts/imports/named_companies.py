"""Companies that a file only names: found by name, else made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from chassis.events import id_of
from chassis.ids import new_id
from chassis.imports import ImportRow, ImportRun
from chassis.ports import Append
from contacts.domain.company import COMPANY, AddCompany
from contacts.domain.words import folded
from contacts.imports.making import make
from contacts.read_models.companies import fetch_companies_called


async def companies_called(run: ImportRun, names: Iterable[str]) -> dict[str, UUID]:
    """The companies that are known by these names, by folded name; this run's own among them."""
    wanted = {folded(name) for name in names}
    known = {name: run.seen[f"company {name}"] for name in wanted if f"company {name}" in run.seen}
    unknown = wanted - set(known)
    if unknown:
        async with run.service.work.connection(run.workspace) as connection:
            known |= await fetch_companies_called(connection, run.workspace, unknown)
    return known


async def make_companies(
    run: ImportRun, named: Mapping[str, tuple[ImportRow, str]], part: str
) -> dict[str, UUID]:
    """Make companies from their names: folded name → (the first row that names it, the name).

    Each is made under its row's key: a run that goes on after a crash makes none twice.
    """
    made: dict[str, UUID] = {}
    appends: list[Append] = []
    for row, name in named.values():
        id_ = new_id()
        events = COMPANY.decide(AddCompany(id_, name, run.now, by_name=True), None)
        append = COMPANY.append_of(id_, events, 0)
        appends.append(replace(append, context=run.context(row, f":{part}")))
    streams = await make(run, appends)
    for key, stream in zip(named, streams, strict=True):
        made[key] = id_of(stream)
        run.remember(f"company {key}", made[key])
    return made
