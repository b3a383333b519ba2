"""What campaigns read of other services' events: people and companies of `contacts`."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from chassis.events import PERSONAL, Event


class EmailAddress(msgspec.Struct, frozen=True):
    """An address as contacts keeps it."""

    address: str
    primary: bool = False


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    """Somebody to write to, perhaps."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]
    emails: Annotated[list[EmailAddress], PERSONAL]
    company_id: UUID | None = None
    owner_id: UUID | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    source: str | None = None
    language: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None


class PersonRenamed(Event, frozen=True, tag="contacts.person-renamed.v1"):
    """A person has another name."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]


class PersonEmailsChanged(Event, frozen=True, tag="contacts.person-emails-changed.v1"):
    """A person has other addresses."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    emails: Annotated[list[EmailAddress], PERSONAL]


class PersonProfileChanged(Event, frozen=True, tag="contacts.person-profile-changed.v1"):
    """Something about a person changed; all values are those after the change."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    language: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    source: str | None = None


class PersonTagged(Event, frozen=True, tag="contacts.person-tagged.v1"):
    """A person got a tag."""

    person_id: UUID
    tag: str


class PersonUntagged(Event, frozen=True, tag="contacts.person-untagged.v1"):
    """A person lost a tag."""

    person_id: UUID
    tag: str


class PersonAssigned(Event, frozen=True, tag="contacts.person-assigned.v1"):
    """A person belongs to another owner."""

    person_id: UUID
    owner_id: UUID | None


class PersonJoinedCompany(Event, frozen=True, tag="contacts.person-joined-company.v1"):
    """A person works for a company. `main_company_id`: the one that counts first, after this."""

    person_id: UUID
    company_id: UUID
    main_company_id: UUID | None = None


class PersonLeftCompany(Event, frozen=True, tag="contacts.person-left-company.v1"):
    """A person no longer works for a company, perhaps still for another (`main_company_id`)."""

    person_id: UUID
    company_id: UUID
    main_company_id: UUID | None = None


class ConsentGiven(Event, frozen=True, tag="contacts.consent-given.v1"):
    """A person agreed to something."""

    person_id: UUID
    channel: str
    purpose: str


class ConsentWithdrawn(Event, frozen=True, tag="contacts.consent-withdrawn.v1"):
    """A person no longer agrees."""

    person_id: UUID
    channel: str
    purpose: str


class PersonMerged(Event, frozen=True, tag="contacts.person-merged.v1"):
    """A person's record is part of another one, which answers for it."""

    person_id: UUID
    into_id: UUID


class PersonUnmerged(Event, frozen=True, tag="contacts.person-unmerged.v1"):
    """A person's record speaks for itself again."""

    person_id: UUID
    from_id: UUID


class PersonErased(Event, frozen=True, tag="contacts.person-erased.v1"):
    """A person's data is gone."""

    person_id: UUID


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    """A company."""

    company_id: UUID
    name: str


class CompanyRenamed(Event, frozen=True, tag="contacts.company-renamed.v1"):
    """A company has another name."""

    company_id: UUID
    name: str


class SegmentEntered(Event, frozen=True, tag="contacts.segment-entered.v1"):
    """A person is in a segment."""

    person_id: UUID
    segment_id: UUID


class SegmentLeft(Event, frozen=True, tag="contacts.segment-left.v1"):
    """A person is not in a segment any more."""

    person_id: UUID
    segment_id: UUID


class MembershipsErased(Event, frozen=True, tag="contacts.memberships-erased.v1"):
    """A person is in no segment, and nothing says that they were."""

    person_id: UUID


RECEIVED: tuple[type[Event], ...] = (
    PersonAdded,
    PersonRenamed,
    PersonEmailsChanged,
    PersonProfileChanged,
    PersonTagged,
    PersonUntagged,
    PersonAssigned,
    PersonJoinedCompany,
    PersonLeftCompany,
    ConsentGiven,
    ConsentWithdrawn,
    PersonMerged,
    PersonUnmerged,
    PersonErased,
    CompanyAdded,
    CompanyRenamed,
    SegmentEntered,
    SegmentLeft,
    MembershipsErased,
)
