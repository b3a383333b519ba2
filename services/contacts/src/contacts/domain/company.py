"""A company: where people work, and who buys.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event
from chassis.ports import Claim
from contacts.domain.external_id import ExternalId, external_id_claim
from contacts.domain.words import folded, malformed, tidy, tidy_tags

# --- events


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    """The business got to know a company. `by_name`: it was only named, with a person or a deal."""

    company_id: UUID
    name: str
    sector: str | None = None
    country: str | None = None
    city: str | None = None
    employees: int | None = None
    revenue_minor: int | None = None
    revenue_currency: str | None = None
    founded: int | None = None
    website: str | None = None
    parent_id: UUID | None = None
    owner_id: UUID | None = None
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    external_source: str | None = None
    by_name: bool = False


class CompanyRenamed(Event, frozen=True, tag="contacts.company-renamed.v1"):
    """A company has another name."""

    company_id: UUID
    name: str


class CompanyProfileChanged(Event, frozen=True, tag="contacts.company-profile-changed.v1"):
    """More is known of a company. All values are those after the change; `changed` says which."""

    company_id: UUID
    changed: tuple[str, ...]
    sector: str | None = None
    country: str | None = None
    city: str | None = None
    employees: int | None = None
    revenue_minor: int | None = None
    revenue_currency: str | None = None
    founded: int | None = None
    website: str | None = None
    parent_id: UUID | None = None
    tags: tuple[str, ...] = ()


class CompanyIdentified(Event, frozen=True, tag="contacts.company-identified.v1"):
    """Another system's id of a company became known."""

    company_id: UUID
    external_id: str
    external_source: str | None = None


class CompanyAssigned(Event, frozen=True, tag="contacts.company-assigned.v1"):
    """Somebody else looks after a company, or nobody."""

    company_id: UUID
    owner_id: UUID | None
    former_owner_id: UUID | None


CompanyEvent = (
    CompanyAdded | CompanyRenamed | CompanyProfileChanged | CompanyIdentified | CompanyAssigned
)
COMPANY_EVENTS: tuple[type[CompanyEvent], ...] = (
    CompanyAdded,
    CompanyRenamed,
    CompanyProfileChanged,
    CompanyIdentified,
    CompanyAssigned,
)

# --- commands


@dataclass(frozen=True, slots=True)
class CompanyProfile:
    """What else is known of a company. `revenue_minor`: per year, in the currency's minor units."""

    sector: str | None = None
    country: str | None = None
    city: str | None = None
    employees: int | None = None
    revenue_minor: int | None = None
    revenue_currency: str | None = None
    founded: int | None = None
    website: str | None = None
    parent_id: UUID | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddCompany:
    """`since`: when the business got to know it, if that was not now."""

    company_id: UUID
    name: str
    at: datetime
    profile: CompanyProfile = CompanyProfile()
    owner_id: UUID | None = None
    external_id: ExternalId | None = None
    since: datetime | None = None
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class ChangeCompany:
    """Only what is given changes; `profile` holds the profile's fields that change."""

    at: datetime
    name: str | UnsetType = UNSET
    profile: dict[str, Any] | UnsetType = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    external_id: ExternalId | UnsetType = UNSET


CompanyCommand = AddCompany | ChangeCompany

# --- state


@dataclass(frozen=True, slots=True)
class Company:
    company_id: UUID
    name: str
    added_at: datetime
    profile: CompanyProfile = CompanyProfile()
    owner_id: UUID | None = None
    external_ids: tuple[ExternalId, ...] = ()


def evolve(company: Company | None, event: CompanyEvent) -> Company | None:
    """The company after an event."""
    if isinstance(event, CompanyAdded):
        known = event.external_id
        return Company(
            event.company_id,
            event.name,
            event.occurred_at,
            _profile_in(event),
            event.owner_id,
            (ExternalId(known, event.external_source),) if known else (),
        )
    assert company is not None, "the log holds an event of a company that was never added"
    match event:
        case CompanyRenamed():
            return replace(company, name=event.name)
        case CompanyProfileChanged():
            return replace(company, profile=_profile_in(event))
        case CompanyIdentified():
            known_now = ExternalId(event.external_id, event.external_source)
            return replace(company, external_ids=(*company.external_ids, known_now))
        case CompanyAssigned():
            return replace(company, owner_id=event.owner_id)
        case _:
            assert_never(event)


def _profile_in(event: CompanyAdded | CompanyProfileChanged) -> CompanyProfile:
    return CompanyProfile(**{name: getattr(event, name) for name in CompanyProfile.__slots__})


def facts(company: Company) -> dict[str, Any]:
    """All that is known of a company, as plain data: what a record shows and a history compares."""
    profile = company.profile
    known = company.external_ids[0] if company.external_ids else ExternalId("")
    revenue = None
    if profile.revenue_minor is not None:
        revenue = {"amount_minor": profile.revenue_minor, "currency": profile.revenue_currency}
    return {
        "id": company.company_id,
        "name": company.name,
        "sector": profile.sector,
        "country": profile.country,
        "city": profile.city,
        "employees": profile.employees,
        "revenue": revenue,
        "founded": profile.founded,
        "website": profile.website,
        "parent_id": profile.parent_id,
        "owner_id": company.owner_id,
        "tags": sorted(profile.tags, key=folded),
        "external_id": known.id or None,
        "external_source": known.source,
        "external_ids": msgspec.to_builtins(company.external_ids),
        "created_at": company.added_at,
    }


# --- decisions

_FIRST_YEAR = 500
_COUNT_MOST = 10**15


def decide(command: CompanyCommand, company: Company | None) -> list[CompanyEvent]:
    """The events that follow, or a refusal."""
    match command:
        case AddCompany():
            return add(command, company)
        case ChangeCompany():
            return change(command, there(company))
        case _:
            assert_never(command)


def there(company: Company | None) -> Company:
    """The company, if there is one. Raises NotFound."""
    if company is None:
        raise NotFound("There is no such company in this workspace.")
    return company


def add(command: AddCompany, company: Company | None) -> list[CompanyEvent]:
    if company is not None:
        raise Conflict("This company is known already. Change the record instead.")
    since = command.since or command.at
    if since > command.at:
        raise malformed("at", "A company cannot have been added in the future.")
    profile = _tidy_profile(command.profile, command.at, command.company_id)
    known = command.external_id
    return [
        CompanyAdded(
            company_id=command.company_id,
            name=_name(command.name),
            **{name: getattr(profile, name) for name in CompanyProfile.__slots__},
            owner_id=command.owner_id,
            external_id=tidy(known.id, "external_id") if known else None,
            external_source=tidy(known.source, "external_source") if known else None,
            by_name=command.by_name,
            occurred_at=since,
        )
    ]


def _name(text: str) -> str:
    name = tidy(text, "name")
    if name is None:
        raise malformed("name", "A company needs a name.")
    return name


def _tidy_profile(profile: CompanyProfile, at: datetime, company_id: UUID) -> CompanyProfile:
    for name in ("employees", "revenue_minor"):
        value = getattr(profile, name)
        if value is not None and not 0 <= value <= _COUNT_MOST:
            raise malformed(name, f"{value} is out of bounds; it must not be negative.")
    if profile.founded is not None and not _FIRST_YEAR <= profile.founded <= at.year:
        raise malformed("founded", f"{profile.founded} is no year a company can be founded in.")
    if (profile.revenue_minor is None) != (profile.revenue_currency is None):
        raise malformed("revenue", "Revenue needs an amount and a currency.")
    if profile.parent_id == company_id:
        raise malformed("parent_id", "A company cannot be its own parent.")
    texts = ("sector", "country", "city", "website")
    tidied = {name: tidy(getattr(profile, name), name) for name in texts}
    return replace(profile, tags=tidy_tags(profile.tags), **tidied)  # type: ignore[arg-type]


def change(command: ChangeCompany, company: Company) -> list[CompanyEvent]:
    return [
        *_rename(command, company),
        *_profile(command, company),
        *_identify(command, company),
        *_assign(command, company),
    ]


def _rename(command: ChangeCompany, company: Company) -> Iterable[CompanyEvent]:
    name = company.name if command.name is UNSET else _name(command.name)
    if name != company.name:
        yield CompanyRenamed(company.company_id, name, occurred_at=command.at)


def _profile(command: ChangeCompany, company: Company) -> Iterable[CompanyEvent]:
    if command.profile is UNSET:
        return
    before = company.profile
    after = _tidy_profile(replace(before, **command.profile), command.at, company.company_id)
    names = CompanyProfile.__slots__
    changed = tuple(name for name in names if getattr(before, name) != getattr(after, name))
    if changed:
        values = {name: getattr(after, name) for name in names}
        yield CompanyProfileChanged(company.company_id, changed, **values, occurred_at=command.at)


def _identify(command: ChangeCompany, company: Company) -> Iterable[CompanyEvent]:
    known = command.external_id
    if known is UNSET or known in company.external_ids:
        return
    if any(other.source == known.source for other in company.external_ids):
        raise Conflict(
            f"This company has another external id of the source {known.source or 'without a name'}"
            " already.",
            code="identified-otherwise",
        )
    yield CompanyIdentified(company.company_id, known.id, known.source, occurred_at=command.at)


def _assign(command: ChangeCompany, company: Company) -> Iterable[CompanyEvent]:
    if command.owner_id is not UNSET and command.owner_id != company.owner_id:
        id_, before = company.company_id, company.owner_id
        yield CompanyAssigned(id_, command.owner_id, before, occurred_at=command.at)


def claims(event: CompanyEvent) -> Iterable[Claim]:
    """Another system's id belongs to one company. A company that was only named holds its name, so
    that naming it twice at the same moment does not make two."""
    if isinstance(event, CompanyAdded | CompanyIdentified) and event.external_id:
        known = ExternalId(event.external_id, event.external_source)
        yield external_id_claim("company", known)
    if isinstance(event, CompanyAdded) and event.by_name:
        yield Claim("company_name", folded(event.name))


COMPANY: Decider[CompanyCommand, Company | None, CompanyEvent] = Decider(
    "company", None, decide, evolve, COMPANY_EVENTS, claims
)
