"""Who bought: people that orders name, found by id, e-mail address or phone number, else made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.events import id_of
from chassis.ids import new_id
from chassis.imports import ImportRow, ImportRun
from contacts.domain.external_id import ExternalId
from contacts.domain.person import PERSON
from contacts.domain.person.commands import AddPerson, Profile
from contacts.domain.words import folded
from contacts.imports.making import make
from contacts.imports.purchase_cells import Customer
from contacts.read_models.known_users import may_see
from contacts.read_models.people import fetch_owners
from contacts.read_models.person_record import fetch_people_with_ids
from contacts.read_models.search import fetch_people_at, fetch_people_called_on

_MADE = "people made"


@dataclass(frozen=True, slots=True)
class NewBuyer:
    """Somebody whom a row names and whom nobody may know yet. `since`: when they first bought."""

    row: ImportRow
    customer: Customer
    since: datetime


@dataclass(slots=True)
class Buyers:
    """The people that a chunk's rows name, and who may see them."""

    run: ImportRun
    by_key: dict[str, UUID]
    owners: dict[UUID, UUID | None] = field(default_factory=dict)
    made_by: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """What to say of a row for which a person was made."""

    @classmethod
    async def find(cls, run: ImportRun, customers: Iterable[Customer]) -> Buyers:
        """Those who are known, by every key that a customer has; this run's own among them."""
        keys = {key for customer in customers for key in customer.keys}
        found = {key: run.seen[key] for key in keys if key in run.seen}
        asked: dict[str, list[str]] = {}
        for key in keys - found.keys():
            kind, _, value = key.partition(" ")
            asked.setdefault(kind, []).append(value)
        async with run.service.work.connection(run.workspace) as connection:
            for kind, values in asked.items():
                for value, person in (await _ask(connection, run, kind, values)).items():
                    found[f"{kind} {value}"] = person
        return cls(run, found)

    def known(self, customer: Customer) -> UUID | None:
        """The person, by the surest key that is known."""
        return next((self.by_key[key] for key in customer.keys if key in self.by_key), None)

    async def make(self, wanted: Sequence[NewBuyer]) -> None:
        """Make those who are not known. Each is made under its row's key: a run that goes on after
        a crash makes nobody twice."""
        appends, new = [], []
        for buyer in wanted:
            person_id = self.known(buyer.customer)
            if person_id is None:
                person_id = new_id()
                events = PERSON.decide(self._added(person_id, buyer), None)
                append = PERSON.append_of(person_id, events, 0)
                appends.append(replace(append, context=self.run.context(buyer.row, ":person")))
                new.append(buyer)
            for key in buyer.customer.keys:
                self.by_key.setdefault(key, person_id)
        streams = await make(self.run, appends)
        really = {id_of(a.stream): id_of(s) for a, s in zip(appends, streams, strict=True)}
        self.by_key = {key: really.get(id_, id_) for key, id_ in self.by_key.items()}
        self.run.memory.setdefault(_MADE, set()).update(really.values())
        for buyer in wanted:
            for key in buyer.customer.keys:
                if self.run.seen.get(key) != self.by_key[key]:
                    self.run.remember(key, self.by_key[key])
        for buyer in new:
            told = ("customers that nobody knew were added", *buyer.customer.notes)
            self.made_by[buyer.row.number] = told

    def _added(self, person_id: UUID, buyer: NewBuyer) -> AddPerson:
        run, customer = self.run, buyer.customer
        first, last = _names(customer)
        known = customer.external_id
        return AddPerson(
            person_id=person_id,
            at=run.now,
            first_name=first,
            last_name=last,
            emails=(customer.email,) if customer.email else (),
            phones=(customer.phone,) if customer.phone else (),
            profile=Profile(country=customer.country),
            owner_id=UUID(run.actor) if run.owners is not None else None,
            external_id=ExternalId(known, run.options.get("external_source")) if known else None,
            since=buyer.since,
        )

    async def look_up_owners(self, people: Iterable[UUID]) -> None:
        """Whose customers these are; not asked for somebody who sees everybody."""
        if self.run.owners is None:
            return
        async with self.run.service.work.connection(self.run.workspace) as connection:
            self.owners = await fetch_owners(connection, self.run.workspace, set(people))

    def seen_by_importer(self, person_id: UUID | None) -> bool:
        """Whether whoever imports may see this person. Those made on the way are their own."""
        if self.run.owners is None or person_id is None:
            return True
        if person_id in self.run.memory.get(_MADE, ()):
            return True
        return person_id in self.owners and may_see(self.owners[person_id], self.run.owners)


def _names(customer: Customer) -> tuple[str, str]:
    """First and last name. Without a name, somebody who can only be told by an id is named so."""
    if customer.name is not None:
        first, _, last = customer.name.rpartition(" ")
        return first, last
    if customer.email is None and customer.phone is None:
        return "Customer", str(customer.external_id)
    return "", ""


async def _ask(
    connection: Any, run: ImportRun, kind: str, values: Sequence[str]
) -> dict[str, UUID]:
    match kind:
        case "id":
            source = run.options.get("external_source") or ""
            return await fetch_people_with_ids(connection, run.workspace, source, values)
        case "email":
            found = await fetch_people_at(connection, run.workspace, values)
            return {value: found[folded(value)] for value in values if folded(value) in found}
        case _:
            return await fetch_people_called_on(connection, run.workspace, values)
