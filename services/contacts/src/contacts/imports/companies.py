"""Importing companies: matched by their id in the other system, then by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.errors import BadInput, DomainError
from chassis.ids import new_id
from chassis.imports import (
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from contacts.domain.company import COMPANY, AddCompany, ChangeCompany, Company, CompanyProfile
from contacts.domain.external_id import ExternalId
from contacts.domain.money import minor_units
from contacts.domain.words import folded, malformed, tidy
from contacts.imports.cells import listed, moment, number, whole
from contacts.imports.currencies import usual_currency
from contacts.imports.drafts import Drafts
from contacts.imports.named_companies import companies_called, make_companies
from contacts.imports.people import refusal
from contacts.imports.presets.companies import COMPANY_PRESETS
from contacts.imports.spelling import Countries, Reading, sectors
from contacts.read_models.companies import fetch_companies_with_ids, fetch_sectors
from contacts.read_models.known_users import fetch_users_called, may_see

FIELDS = (
    ImportField("name", "Name", ("Company", "Company name", "Account", "Account name"), True),
    ImportField("sector", "Sector", ("Industry", "Branch")),
    ImportField("country", "Country", ("Country/Region", "Office location", "Billing country")),
    ImportField("city", "City", ("Billing city", "Town")),
    ImportField("employees", "Employees", ("Number of employees", "Headcount", "Staff")),
    ImportField("annual_revenue", "Yearly revenue", ("Annual revenue", "Turnover")),
    ImportField("revenue_millions", "Yearly revenue in millions", ("Revenue", "Revenue (M$)")),
    ImportField("founded", "Founded", ("Year established", "Year founded", "Established")),
    ImportField("website", "Website", ("Company domain name", "Domain", "URL", "Web")),
    ImportField("parent", "Parent company", ("Subsidiary of", "Parent account", "Parent")),
    ImportField("tags", "Tags", ("Labels", "Groups")),
    ImportField("owner", "Owner", ("Company owner", "Account owner")),
    ImportField("created_at", "Created", ("Create date", "Created date", "Date added"), date=True),
    ImportField("external_id", "External id", ("Id", "Record id", "Account id", "Company id")),
)
"""A column that is only called revenue is taken for millions: a note says so, and the mapping can
say otherwise."""

_PLAIN = ("city", "website")


async def prepare(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """Look at the whole file once: which sectors it uses, which companies it will make, and what
    its amounts are in."""
    async with run.service.work.connection(run.workspace) as connection:
        known = await fetch_sectors(connection, run.workspace)
    in_file = [sector for row in rows if (sector := row.get("sector"))]
    run.memory["sectors"] = sectors(known, in_file)
    run.memory["currency"] = await usual_currency(run)
    run.memory["countries"] = Countries()
    run.memory["names"] = {folded(name) for row in rows if (name := row.get("name"))}


@dataclass(frozen=True, slots=True)
class Cells:
    """A row's cells as values; `profile` has only what the row fills."""

    name: str
    profile: dict[str, Any]
    parent: str | None
    external_id: ExternalId | None
    notes: tuple[str, ...]


def read_cells(row: ImportRow, run: ImportRun) -> Cells:
    """The values in a row. Raises BadInput naming the field that holds none."""
    name = tidy(row.get("name"), "name")
    if name is None:
        raise malformed("name", "A company needs a name.")
    profile: dict[str, Any] = {each: row.values[each] for each in _PLAIN if row.get(each)}
    notes: list[str] = []
    for field, vocabulary in (("sector", "sectors"), ("country", "countries")):
        if written := row.get(field):
            reading: Reading = run.memory[vocabulary].read(written)
            profile[field] = reading.word
            notes += [reading.note] if reading.note else []
    for field in ("employees", "founded"):
        if text := row.get(field):
            profile[field] = whole(text, field)
    revenue, note = _revenue(row, run)
    external = row.get("external_id")
    if row.get("tags"):
        profile["tags"] = listed(row.values["tags"])
    return Cells(
        name,
        {**profile, **revenue},
        tidy(row.get("parent"), "parent"),
        ExternalId(external, run.options.get("external_source")) if external else None,
        (*notes, *note),
    )


def _revenue(row: ImportRow, run: ImportRun) -> tuple[dict[str, Any], list[str]]:
    """The yearly revenue in minor units. Files that speak of millions say it in no way but this."""
    currency: str = run.memory["currency"]
    if text := row.get("annual_revenue"):
        amount, notes = number(text, "annual_revenue"), []
    elif text := row.get("revenue_millions"):
        amount = number(text, "revenue_millions") * 1_000_000
        notes = [f"revenue read as millions of {currency}"]
    else:
        return {}, []
    minor = minor_units(amount, currency)
    return {"revenue_minor": minor, "revenue_currency": currency}, notes


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each row: a new company, changes of a known one, or a reason."""
    cells: dict[int, Cells] = {}
    refused: dict[int, Outcome] = {}
    for row in rows:
        try:
            cells[row.number] = read_cells(row, run)
        except BadInput as error:
            refused[row.number] = refusal(error)
    readable = [row for row in rows if row.number in cells]
    desk = await Desk.open(run, readable, cells)
    decided = {row.number: desk.decide(row, cells[row.number]) for row in readable}
    return [refused.get(row.number) or decided[row.number] for row in rows]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that rows are decided with, fetched with a few queries for all of them."""

    run: ImportRun
    by_id: Mapping[str, UUID]
    by_name: dict[str, UUID]
    drafts: Drafts[Company | None]
    users: Mapping[str, UUID]
    made: Mapping[str, tuple[ImportRow, str]]

    @classmethod
    async def open(
        cls, run: ImportRun, rows: Sequence[ImportRow], cells: Mapping[int, Cells]
    ) -> Desk:
        """Fetch what these rows need; make parents that are neither known nor in the file."""
        names = {each.name for each in cells.values()}
        parents: dict[str, tuple[ImportRow, str]] = {}
        for row in rows:
            if parent := cells[row.number].parent:
                parents.setdefault(folded(parent), (row, parent))
        by_name = await companies_called(run, {*names, *parents})
        foreign = {
            name: place
            for name, place in parents.items()
            if name not in by_name and name not in run.memory["names"]
        }
        by_name |= await make_companies(run, foreign, "parent")
        ids = [known.id for each in cells.values() if (known := each.external_id)]
        source = run.options.get("external_source") or ""
        owners = {folded(owner) for row in rows if (owner := row.get("owner"))}
        async with run.service.work.connection(run.workspace) as connection:
            by_id = await fetch_companies_with_ids(connection, run.workspace, source, ids)
            users = await fetch_users_called(connection, run.workspace, owners)
        by_id |= {id_: run.seen[f"id {id_}"] for id_ in ids if f"id {id_}" in run.seen}
        drafts = Drafts(run, COMPANY)
        await drafts.load({*by_id.values(), *by_name.values()})
        return cls(run, by_id, by_name, drafts, users, foreign)

    def decide(self, row: ImportRow, cells: Cells) -> Outcome:
        """What becomes of a row."""
        try:
            return self._decide(row, cells)
        except DomainError as error:
            return refusal(error)

    def _decide(self, row: ImportRow, cells: Cells) -> Outcome:
        owner, notes = self._owner(row)
        notes = [*cells.notes, *notes, *self._parent_notes(row, cells)]
        known = cells.external_id
        company_id = (self.by_id.get(known.id) if known else None) or self._called(cells.name)
        state, version = self.drafts.of(company_id, row)
        if state is not None and not may_see(state.owner_id, self.run.owners):
            return Fail("This company is somebody else's customer.")
        profile = dict(cells.profile)
        if cells.parent is not None:
            profile["parent_id"] = self._called(cells.parent)
        self._remember(cells, company_id)
        if version == 0:
            command = self._added(company_id, row, cells, profile, owner)
            append = self.drafts.append(company_id, row, COMPANY.decide(command, None))
            return Create(append, tuple(notes))
        events = COMPANY.decide(self._changes(cells, profile, owner, state), state)
        if not events:
            return Skip("unchanged", tuple(notes))
        return Update(self.drafts.append(company_id, row, events), tuple(notes))

    def _called(self, name: str) -> UUID:
        """The company of this name; one that a later row makes gets its id now."""
        key = folded(name)
        if key not in self.by_name:
            self.by_name[key] = new_id()
            self.run.remember(f"company {key}", self.by_name[key])
        return self.by_name[key]

    def _remember(self, cells: Cells, company_id: UUID) -> None:
        self.run.remember(f"company {folded(cells.name)}", company_id)
        if cells.external_id is not None:
            self.run.remember(f"id {cells.external_id.id}", company_id)

    def _owner(self, row: ImportRow) -> tuple[UUID | None, Iterable[str]]:
        name = row.get("owner")
        owner = self.users.get(folded(name)) if name else None
        if name and owner is None:
            return None, [f"owner {name} is no user here: left out"]
        if owner and self.run.owners is not None and owner not in self.run.owners:
            return None, [f"owner {name} is not in your team: left out"]
        return owner, []

    def _parent_notes(self, row: ImportRow, cells: Cells) -> Iterable[str]:
        made = self.made.get(folded(cells.parent)) if cells.parent else None
        if made is not None and made[0] is row:
            yield f"company {cells.parent} was added: it was only named as a parent"

    def _added(
        self,
        company_id: UUID,
        row: ImportRow,
        cells: Cells,
        profile: dict[str, Any],
        owner: UUID | None,
    ) -> AddCompany:
        since = row.get("created_at")
        if owner is None and self.run.owners is not None:
            owner = UUID(self.run.actor)
        return AddCompany(
            company_id,
            cells.name,
            self.run.now,
            CompanyProfile(**profile),
            owner,
            cells.external_id,
            moment(since, "created_at", self.run.options.get("dates")) if since else None,
        )

    def _changes(
        self, cells: Cells, profile: dict[str, Any], owner: UUID | None, company: Company | None
    ) -> ChangeCompany:
        """What the row says and the record does not; tags are added. The name stays unless the
        company was found by its id."""
        changes: dict[str, Any] = {"profile": profile}
        if "tags" in profile and company is not None:
            profile["tags"] = (*company.profile.tags, *profile["tags"])
        if company is not None and folded(company.name) != folded(cells.name):
            changes["name"] = cells.name
        if cells.external_id is not None:
            changes["external_id"] = cells.external_id
        if owner is not None:
            changes["owner_id"] = owner
        return ChangeCompany(self.run.now, **changes)


COMPANIES_KIND = ImportKind(
    "companies", FIELDS, "contacts.write", handle, prepare, presets=COMPANY_PRESETS
)
