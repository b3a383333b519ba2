"""What a change of several fields at once leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec import UNSET

from chassis.errors import Conflict
from contacts.domain.company.commands import ChangeCompany, CompanyProfile
from contacts.domain.company.events import (
    CompanyAssigned,
    CompanyEvent,
    CompanyIdentified,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.domain.company.state import Company
from contacts.domain.words import malformed, tidy, tidy_tags

_FIRST_YEAR = 500
_COUNT_MOST = 10**15


def company_name(text: str) -> str:
    name = tidy(text, "name")
    if name is None:
        raise malformed("name", "A company needs a name.")
    return name


def tidy_profile(profile: CompanyProfile, at: datetime, company_id: UUID) -> CompanyProfile:
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
    name = company.name if command.name is UNSET else company_name(command.name)
    if name != company.name:
        yield CompanyRenamed(company.company_id, name, occurred_at=command.at)


def _profile(command: ChangeCompany, company: Company) -> Iterable[CompanyEvent]:
    if command.profile is UNSET:
        return
    before = company.profile
    after = tidy_profile(replace(before, **command.profile), command.at, company.company_id)
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
