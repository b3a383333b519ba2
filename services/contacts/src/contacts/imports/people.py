"""Importing people: matched by their id in the other system, then by e-mail address; rows that have
neither by all they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from chassis.errors import BadInput, DomainError
from chassis.ids import new_id
from chassis.imports import (
    Create,
    Fail,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from chassis.imports.likeness import recall
from contacts.domain.entry import with_one_primary
from contacts.domain.own_field import OwnField
from contacts.domain.person import PERSON
from contacts.domain.person.commands import AddPerson, ChangePerson, Profile
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person
from contacts.domain.phone_number import matched_as
from contacts.domain.words import folded
from contacts.imports.consents import consent_events, said_yes
from contacts.imports.drafts import Drafts
from contacts.imports.named_companies import companies_called, make_companies
from contacts.imports.people_cells import KIND, Cells, read_cells
from contacts.imports.people_fields import FIELDS
from contacts.imports.people_shown import differences
from contacts.imports.people_undone import take_back
from contacts.imports.presets.people import PEOPLE_PRESETS
from contacts.imports.spelling import Countries
from contacts.imports.vcard import read_cards
from contacts.read_models.known_users import fetch_users_called, may_see
from contacts.read_models.own_fields import fetch_own_fields
from contacts.read_models.person_record import fetch_people_with_ids
from contacts.read_models.search import fetch_people_at

_ALIKE = "alike "
_THEIRS = "This person is somebody else's customer."


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each row: a new person, changes of a known one, or a reason."""
    countries = run.memory.setdefault("countries", Countries())
    own = await _own_fields(run)
    cells: dict[int, Cells] = {}
    refused: dict[int, Outcome] = {}
    for row in rows:
        if said_yes(row.get("deleted")):
            refused[row.number] = Skip("deleted in the other system")
            continue
        try:
            read = read_cells(row, run, countries, own)
        except BadInput as error:
            refused[row.number] = refusal(error)
            continue
        if read.says_nothing and run.options.get("nameless") == "skip":
            refused[row.number] = Skip("names nobody")
        else:
            cells[row.number] = read
    readable = [row for row in rows if row.number in cells]
    desk = await Desk.open(run, readable, cells)
    decided = {row.number: desk.decide(row, cells[row.number]) for row in readable}
    return [refused.get(row.number) or decided[row.number] for row in rows]


async def _own_fields(run: ImportRun) -> Mapping[str, OwnField]:
    """The workspace's own fields; all rows of a run are read by the same ones."""
    if "own_fields" not in run.memory:
        async with run.service.work.connection(run.workspace) as connection:
            run.memory["own_fields"] = await fetch_own_fields(connection, run.workspace)
    fields: Mapping[str, OwnField] = run.memory["own_fields"]
    return fields


def refusal(error: DomainError) -> Fail:
    """Why a row cannot be taken."""
    return Fail(error.detail, error.extra.get("field"))


def _keys(cells: Cells) -> Iterable[str]:
    """By what a person is matched, the surest first."""
    if cells.external_id is not None:
        yield f"id {cells.external_id.id}"
    for email in cells.emails:
        yield f"email {email.folded}"
    if cells.likeness is not None:
        yield f"{_ALIKE}{cells.likeness.hex()}"


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that rows are decided with, fetched with a few queries for all of them."""

    run: ImportRun
    matches: Mapping[str, UUID]
    drafts: Drafts[Person | None]
    companies: Mapping[str, UUID]
    made: Mapping[str, tuple[ImportRow, str]]
    users: Mapping[str, UUID]

    @classmethod
    async def open(
        cls, run: ImportRun, rows: Sequence[ImportRow], cells: Mapping[int, Cells]
    ) -> Desk:
        """Fetch what these rows need; make the companies that they name and nobody knows."""
        matches = await _matches(run, list(cells.values()))
        drafts = Drafts(run, PERSON)
        keys = {key for each in cells.values() for key in _keys(each)}
        await drafts.load({matches[key] for key in keys if key in matches})
        named: dict[str, tuple[ImportRow, str]] = {}
        for row in rows:
            if company := cells[row.number].company:
                named.setdefault(folded(company), (row, company))
        companies = await companies_called(run, named)
        new = {name: place for name, place in named.items() if name not in companies}
        companies |= await make_companies(run, new, "company")
        owners = {folded(owner) for row in rows if (owner := row.get("owner"))}
        async with run.service.work.connection(run.workspace) as connection:
            users = await fetch_users_called(connection, run.workspace, owners)
        return cls(run, matches, drafts, companies, new, users)

    def decide(self, row: ImportRow, cells: Cells) -> Outcome:
        """What becomes of a row."""
        owner, notes = self._owner(row)
        notes += [*cells.notes, *self._company_notes(row, cells)]
        key = next((key for key in _keys(cells) if self._known(key)), None)
        try:
            if key is None:
                return self._create(row, cells, owner, tuple(notes))
            if key.startswith(_ALIKE):
                return self._alike(self._known(key), row, tuple(notes))
            return self._update(self._known(key), row, cells, owner, tuple(notes))
        except DomainError as error:
            return refusal(error)

    def _known(self, key: str) -> UUID | None:
        return self.run.seen.get(key) or self.matches.get(key)

    def _owner(self, row: ImportRow) -> tuple[UUID | None, list[str]]:
        name = row.get("owner")
        if name is None:
            return None, []
        owner = self.users.get(folded(name))
        if owner is None:
            return None, [f"owner {name} is no user here: left out"]
        if self.run.owners is not None and owner not in self.run.owners:
            return None, [f"owner {name} is not in your team: left out"]
        return owner, []

    def _company_notes(self, row: ImportRow, cells: Cells) -> Iterable[str]:
        if cells.company is None:
            if row.get("company_role"):
                yield "job title without a company: left out"
            return
        made = self.made.get(folded(cells.company))
        if made is not None and made[0] is row:
            yield "companies that nobody knew were added"

    def _create(
        self, row: ImportRow, cells: Cells, owner: UUID | None, notes: tuple[str, ...]
    ) -> Outcome:
        run, person_id = self.run, new_id()
        if owner is None and run.owners is not None:
            owner = UUID(run.actor)
        command = AddPerson(
            person_id=person_id,
            at=run.now,
            first_name=cells.first_name or "",
            last_name=cells.last_name or "",
            emails=cells.emails,
            phones=cells.phones,
            profile=Profile(**cells.profile),
            company_id=self.companies[folded(cells.company)] if cells.company else None,
            company_role=row.get("company_role") if cells.company else None,
            owner_id=owner,
            tags=cells.tags,
            external_id=cells.external_id,
            since=cells.since,
        )
        events = PERSON.decide(command, None)
        person = there(PERSON.fold(events))
        if cells.consents:
            agreed, more = consent_events(person, cells.consents, run.now)
            events, notes = [*events, *agreed], (*notes, *more)
        append = self.drafts.append(person_id, row, events)
        for key in _keys(cells):
            run.remember(key, person_id)
        if cells.likeness is not None:
            run.recognise(cells.likeness, person_id)
        return Create(append, notes, self._shown(None, events, cells))

    def _shown(self, before: Person | None, events: Sequence[Any], cells: Cells) -> Any:
        """What a row changes, told when somebody looks."""
        if not self.run.dry_run:
            return None
        names = {self.companies[folded(cells.company)]: cells.company} if cells.company else {}
        return lambda: differences(before, events, names)

    def _alike(self, person_id: UUID | None, row: ImportRow, notes: tuple[str, ...]) -> Outcome:
        """A row has said just this before: it means the same person, and changes nothing."""
        assert person_id is not None
        person = there(self.drafts.of(person_id, row)[0])
        if not may_see(person.owner_id, self.run.owners):
            return Fail(_THEIRS)
        return Skip("imported before", notes)

    def _update(
        self,
        person_id: UUID | None,
        row: ImportRow,
        cells: Cells,
        owner: UUID | None,
        notes: tuple[str, ...],
    ) -> Outcome:
        assert person_id is not None
        person = there(self.drafts.of(person_id, row)[0])
        if not may_see(person.owner_id, self.run.owners):
            return Fail(_THEIRS)
        for key in _keys(cells):
            self.run.remember(key, person_id)
        command = self._changes(person, row, cells, owner)
        events = PERSON.decide(command, person)
        if cells.consents:
            agreed, more = consent_events(person, cells.consents, self.run.now)
            events, notes = [*events, *agreed], (*notes, *more)
        if not events:
            return Skip("unchanged", notes)
        shown = self._shown(person, events, cells)
        return Update(self.drafts.append(person_id, row, events), notes, shown)

    def _changes(
        self, person: Person, row: ImportRow, cells: Cells, owner: UUID | None
    ) -> ChangePerson:
        """What the row says and the record does not: addresses, numbers and tags are added."""
        changes: dict[str, Any] = {}
        for name in ("first_name", "last_name", "external_id"):
            if (value := getattr(cells, name)) is not None:
                changes[name] = value
        emails = {each.folded for each in person.emails}
        if new := [email for email in cells.emails if email.folded not in emails]:
            changes["emails"] = _with(person.emails, new)
        numbers = {matched_as(phone) for phone in person.phones}
        if new_phones := [phone for phone in cells.phones if matched_as(phone) not in numbers]:
            changes["phones"] = _with(person.phones, new_phones)
        if cells.tags:
            changes["tags"] = (*person.tags, *cells.tags)
        if cells.company is not None:
            changes |= _employed(person, self.companies[folded(cells.company)], row)
        if owner is not None:
            changes["owner_id"] = owner
        return ChangePerson(self.run.now, profile=cells.profile, **changes)


def _with(ways: tuple[Any, ...], new: Iterable[Any]) -> tuple[Any, ...]:
    added = (msgspec.structs.replace(each, primary=False) for each in new)
    return with_one_primary((*ways, *added))


def _employed(person: Person, company_id: UUID, row: ImportRow) -> dict[str, Any]:
    """A company that a person works for already stays where it is."""
    main = person.jobs[0].company_id if person.jobs else None
    if company_id != main and company_id in {job.company_id for job in person.jobs}:
        return {}
    role = row.get("company_role")
    return {"company_id": company_id, **({"company_role": role} if role else {})}


async def _matches(run: ImportRun, cells: Sequence[Cells]) -> dict[str, UUID]:
    """The people that are known, by match key; this run's own among them."""
    ids = [known.id for each in cells if (known := each.external_id)]
    addresses = [email.folded for each in cells for email in each.emails]
    source = run.options.get("external_source") or ""
    async with run.service.work.connection(run.workspace) as connection:
        by_id = await fetch_people_with_ids(connection, run.workspace, source, ids)
        by_email = await fetch_people_at(connection, run.workspace, addresses)
    found = {f"id {id_}": person for id_, person in by_id.items()}
    found |= {f"email {address}": person for address, person in by_email.items()}
    alike = await recall(run, KIND, [each.likeness for each in cells if each.likeness is not None])
    found |= {f"{_ALIKE}{said.hex()}": person for said, person in alike.items()}
    keys = {key for each in cells for key in _keys(each)}
    return found | {key: run.seen[key] for key in keys if key in run.seen}


PEOPLE_KIND = ImportKind(
    KIND,
    FIELDS,
    "contacts.write",
    handle,
    presets=PEOPLE_PRESETS,
    readers=(read_cards,),
    own=True,
    undo=take_back,
)
