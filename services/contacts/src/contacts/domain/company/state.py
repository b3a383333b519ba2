"""A company as the log tells it: the fold of its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import msgspec

from chassis.errors import NotFound
from contacts.domain.company.commands import CompanyProfile
from contacts.domain.company.events import (
    CompanyAdded,
    CompanyAssigned,
    CompanyChangeUndone,
    CompanyEvent,
    CompanyIdentified,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.domain.external_id import ExternalId
from contacts.domain.words import folded


@dataclass(frozen=True, slots=True)
class Company:
    company_id: UUID
    name: str
    added_at: datetime
    profile: CompanyProfile
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
        case CompanyChangeUndone():
            return company  # what it brought follows
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


def there(company: Company | None) -> Company:
    """The company, if there is one. Raises NotFound."""
    if company is None:
        raise NotFound("There is no such company in this workspace.")
    return company
