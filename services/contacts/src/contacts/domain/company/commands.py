"""What can be asked of a company's record. Every command brings the time it was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from contacts.domain.company.events import CompanyEvent
from contacts.domain.external_id import ExternalId
from contacts.domain.undoing import UndoChange

if TYPE_CHECKING:
    from contacts.domain.company.state import Company  # noqa: F401 - named in a text below


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


UndoCompanyChange = UndoChange["Company", CompanyEvent]
CompanyCommand = AddCompany | ChangeCompany | UndoCompanyChange
