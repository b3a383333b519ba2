"""What happens to a company, as facts."""

from __future__ import annotations

from uuid import UUID

from chassis.events import Event
from contacts.domain.undoing import ChangeUndone


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


class CompanyChangeUndone(ChangeUndone, frozen=True, tag="contacts.company-change-undone.v1"):
    """A change of a company was taken back: these fields have their former values, by the events
    that follow. `kept`: fields that it had changed, too, and that stay as somebody left them."""

    company_id: UUID
    fields: tuple[str, ...]
    kept: tuple[str, ...] = ()


CompanyEvent = (
    CompanyAdded
    | CompanyRenamed
    | CompanyProfileChanged
    | CompanyIdentified
    | CompanyAssigned
    | CompanyChangeUndone
)
COMPANY_EVENTS: tuple[type[CompanyEvent], ...] = (
    CompanyAdded,
    CompanyRenamed,
    CompanyProfileChanged,
    CompanyIdentified,
    CompanyAssigned,
    CompanyChangeUndone,
)
