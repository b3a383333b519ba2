"""Which records a request may see and change, and the names of what they point at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from fastapi import Request

from chassis.decider import handle
from chassis.errors import Conflict, Forbidden, NotFound
from chassis.events import id_of
from chassis.http.principal import Principal
from chassis.http.writing import Write
from chassis.ids import new_id
from chassis.postgres.database import Connection
from contacts.domain.company import COMPANY, AddCompany, Company
from contacts.domain.person import PERSON
from contacts.domain.person.standing import itself, there
from contacts.domain.person.state import Person
from contacts.domain.purchase import PURCHASE
from contacts.domain.words import folded, malformed, tidy
from contacts.read_models.companies import fetch_companies_called, fetch_company_names
from contacts.read_models.known_users import fetch_user_names, may_see


async def check_person(write: Write, person_id: UUID) -> None:
    """Raises NotFound if the caller may not know of this person."""
    owners = write.principal.visible_owners()
    if owners is not None:
        person: Person = there(await write.state(PERSON, person_id))
        if not may_see(person.owner_id, owners):
            raise NotFound("There is no such person in this workspace.")


async def check_buyer(write: Write, person_id: UUID | None) -> None:
    """Raises NotFound unless there is such a person, or nobody is meant, and the caller may know of
    them; Conflict if another record answers for them."""
    owners = write.principal.visible_owners()
    if person_id is not None:
        person: Person = itself(await write.state(PERSON, person_id))
        if not may_see(person.owner_id, owners):
            raise NotFound("There is no such person in this workspace.")


async def check_purchase(write: Write, purchase_id: UUID) -> None:
    """Raises NotFound if there is no such purchase, or it is of somebody whom the caller may not
    know of. Who sees everybody may also know of those of people who were erased."""
    owners = write.principal.visible_owners()
    purchase = await write.state(PURCHASE, purchase_id)
    buyer = purchase.person_id if purchase else None
    if purchase is None or (owners is not None and buyer and not await _sees(write, buyer)):
        raise NotFound("There is no such purchase in this workspace.")


async def _sees(write: Write, person_id: UUID) -> bool:
    try:
        await check_person(write, person_id)
    except NotFound:
        return False
    return True


async def check_company(write: Write, company_id: UUID) -> Company:
    """The company, if the caller may know of it. Raises NotFound."""
    company = await write.state(COMPANY, company_id)
    if company is None or not may_see(company.owner_id, write.principal.visible_owners()):
        raise NotFound("There is no such company in this workspace.")
    return company


def check_owner(principal: Principal, owner_id: UUID | None) -> None:
    """Raises Forbidden if the caller may not give records to this owner."""
    owners = principal.visible_owners()
    if owners is not None and owner_id is not None and owner_id not in owners:
        raise Forbidden("You can give records to yourself and your team only.", field="owner_id")


def default_owner(principal: Principal) -> UUID | None:
    """Who looks after a new record if nobody is named: whoever sees only their own."""
    return principal.user_id if principal.visible_owners() is not None else None


@dataclass(frozen=True, slots=True)
class NamedCompany:
    """The company a request means. `token`: it was made just now; a read waits for this."""

    company_id: UUID
    token: str | None = None


async def company_meant(request: Request, write: Write, named: str) -> NamedCompany:
    """The company with this name or id; one that is not known by name yet is made."""
    try:
        return NamedCompany((await check_company(write, UUID(named))).company_id)
    except ValueError:
        pass
    name = tidy(named, "company")
    if name is None:
        raise malformed("company", "Name the company, or leave it out.")
    async with request.app.state.service.api.connection(write.principal.workspace) as connection:
        called = await fetch_companies_called(connection, write.principal.workspace, [folded(name)])
    known = called.get(folded(name))
    return NamedCompany(known) if known else await _made_by_name(write, name)


async def _made_by_name(write: Write, name: str) -> NamedCompany:
    """A company made from its name. If somebody made it a moment ago, that one."""
    company_id = new_id()
    command = AddCompany(company_id, name, write.now, by_name=True)
    key = write.context.key
    context = replace(write.context, key=f"{key}:company" if key else None)
    try:
        done = await handle(write.log, COMPANY, company_id, command, context, new=True)
    except Conflict as taken:
        return NamedCompany(id_of(str(taken.extra["holder"])))
    return NamedCompany(id_of(done.stream), f"{done.stream}@{done.version}")


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in a record are called."""

    users: Mapping[UUID, str]
    companies: Mapping[UUID, str]

    def user(self, id_: UUID | None) -> dict[str, Any] | None:
        """A user with the name, if it is known."""
        return {"id": id_, "name": self.users.get(id_)} if id_ else None

    def company(self, id_: UUID | None) -> dict[str, Any] | None:
        """A company with the name, if it is known."""
        return {"id": id_, "name": self.companies.get(id_)} if id_ else None

    def actor(self, actor: str) -> dict[str, Any]:
        """Who did something: a user, or a part of the system by its name."""
        id_ = user_in(actor)
        return {"id": actor, "name": self.users.get(id_) if id_ else actor.replace(":", " ")}


def user_in(actor: str) -> UUID | None:
    """The user an event's actor is, if it is one."""
    try:
        return UUID(actor)
    except ValueError:
        return None


async def fetch_names(
    connection: Connection,
    workspace: UUID,
    *,
    users: Iterable[UUID | None] = (),
    companies: Iterable[UUID | None] = (),
) -> Names:
    """The names of these users and companies, with one query each."""
    return Names(
        await fetch_user_names(connection, workspace, [u for u in users if u]),
        await fetch_company_names(connection, workspace, [c for c in companies if c]),
    )
