"""What happens to a person, as facts. Everything that says who the person is travels sealed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from chassis.events import PERSONAL, Event
from contacts.domain.email_address import EmailAddress
from contacts.domain.external_id import ExternalId
from contacts.domain.phone_number import PhoneNumber
from contacts.domain.undoing import ChangeUndone


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    """The business got to know a person."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]
    emails: Annotated[tuple[EmailAddress, ...], PERSONAL]
    phones: Annotated[tuple[PhoneNumber, ...], PERSONAL]
    tags: tuple[str, ...]
    custom: Annotated[dict[str, Any], PERSONAL]
    birthday: Annotated[date | None, PERSONAL] = None
    company_id: UUID | None = None
    company_role: str | None = None
    owner_id: UUID | None = None
    source: str | None = None
    language: str | None = None
    time_zone: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    external_id: str | None = None
    external_source: str | None = None


class PersonRenamed(Event, frozen=True, tag="contacts.person-renamed.v1"):
    """A person has another name."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str, PERSONAL]
    last_name: Annotated[str, PERSONAL]


class PersonEmailsChanged(Event, frozen=True, tag="contacts.person-emails-changed.v1"):
    """A person's e-mail addresses are these now."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    emails: Annotated[tuple[EmailAddress, ...], PERSONAL]


class PersonPhonesChanged(Event, frozen=True, tag="contacts.person-phones-changed.v1"):
    """A person's phone numbers are these now."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    phones: Annotated[tuple[PhoneNumber, ...], PERSONAL]


class PersonProfileChanged(Event, frozen=True, tag="contacts.person-profile-changed.v1"):
    """More is known of a person. All values are those after the change; `changed` says which."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    changed: tuple[str, ...]
    birthday: Annotated[date | None, PERSONAL] = None
    language: str | None = None
    time_zone: str | None = None
    city: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    source: str | None = None
    custom: Annotated[dict[str, Any], PERSONAL] = msgspec.field(default_factory=dict)


class PersonIdentified(Event, frozen=True, tag="contacts.person-identified.v1"):
    """Another system's id of a person became known."""

    person_id: UUID
    external_id: str
    external_source: str | None = None


class PersonTagged(Event, frozen=True, tag="contacts.person-tagged.v1"):
    """A tag was put on a person."""

    person_id: UUID
    tag: str


class PersonUntagged(Event, frozen=True, tag="contacts.person-untagged.v1"):
    """A tag was taken off a person."""

    person_id: UUID
    tag: str


class PersonAssigned(Event, frozen=True, tag="contacts.person-assigned.v1"):
    """Somebody else looks after a person, or nobody."""

    person_id: UUID
    owner_id: UUID | None
    former_owner_id: UUID | None


class PersonJoinedCompany(Event, frozen=True, tag="contacts.person-joined-company.v1"):
    """A person works for a company. `main_company_id`: the one to show first, after this."""

    person_id: UUID
    company_id: UUID
    role: str | None = None
    main_company_id: UUID | None = None


class PersonRoleChanged(Event, frozen=True, tag="contacts.person-role-changed.v1"):
    """A person has another role in a company."""

    person_id: UUID
    company_id: UUID
    role: str | None


class PersonLeftCompany(Event, frozen=True, tag="contacts.person-left-company.v1"):
    """A person does not work for a company any more."""

    person_id: UUID
    company_id: UUID
    main_company_id: UUID | None = None


class InteractionLogged(Event, frozen=True, tag="contacts.interaction-logged.v1"):
    """Somebody talked with a person, or noted something. `latest`: nothing known is later."""

    subject_field: ClassVar[str | None] = "person_id"

    interaction_id: UUID
    person_id: UUID
    kind: str
    text: Annotated[str, PERSONAL]
    at: datetime
    latest: bool = True


class ConsentGiven(Event, frozen=True, tag="contacts.consent-given.v1"):
    """A person agreed to be written to or called for a purpose."""

    person_id: UUID
    channel: str
    purpose: str
    source: str | None = None
    text_version: str | None = None


class ConsentWithdrawn(Event, frozen=True, tag="contacts.consent-withdrawn.v1"):
    """A person does not agree any more."""

    person_id: UUID
    channel: str
    purpose: str
    source: str | None = None
    text_version: str | None = None


class PersonErased(Event, frozen=True, tag="contacts.person-erased.v1"):
    """A person was erased: their key is destroyed, nobody can read their data any more.

    What they were part of is told, so that counts stay right.
    """

    person_id: UUID
    tags: tuple[str, ...] = ()
    company_ids: tuple[UUID, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()


class PersonAbsorbed(Event, frozen=True, tag="contacts.person-absorbed.v1"):
    """Another record turned out to be of the same person; this one speaks for both from now on.

    `with_ids`: those that the other one had absorbed before. `external_ids`: what other systems
    call them. `brought`: so many events that follow in this stream are what came along. `score`:
    how likely it was, if that was why.
    """

    person_id: UUID
    absorbed_id: UUID
    with_ids: tuple[UUID, ...] = ()
    brought: int = 0
    last_activity_at: datetime | None = None
    external_ids: tuple[ExternalId, ...] = ()
    score: float | None = None


class PersonMerged(Event, frozen=True, tag="contacts.person-merged.v1"):
    """A record is part of another one of the same person, which answers for it (`into_id`).

    What it was part of until then is told, so that counts stay right; nothing if it was part of
    another record before.
    """

    person_id: UUID
    into_id: UUID
    tags: tuple[str, ...] = ()
    company_ids: tuple[UUID, ...] = ()


class PersonSeparated(Event, frozen=True, tag="contacts.person-separated.v1"):
    """A record that had absorbed another one does not speak for it any more; what goes back to the
    other one is told by the events that follow, here and there."""

    person_id: UUID
    separated_id: UUID
    with_ids: tuple[UUID, ...] = ()
    last_activity_at: datetime | None = None


class PersonUnmerged(Event, frozen=True, tag="contacts.person-unmerged.v1"):
    """A record speaks for itself again. What it is part of is told, so that counts stay right."""

    person_id: UUID
    from_id: UUID
    tags: tuple[str, ...] = ()
    company_ids: tuple[UUID, ...] = ()


class PersonToldApart(Event, frozen=True, tag="contacts.person-told-apart.v1"):
    """Two records that look alike are of different people. Of the two ids `person_id` is the
    smaller one, so that a pair is told apart in one place."""

    person_id: UUID
    other_id: UUID


class PersonChangeUndone(ChangeUndone, frozen=True, tag="contacts.person-change-undone.v1"):
    """A change of a person was taken back: these fields have their former values, by the events
    that follow. `kept`: fields that it had changed, too, and that stay as somebody left them."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    fields: Annotated[tuple[str, ...], PERSONAL]
    kept: Annotated[tuple[str, ...], PERSONAL] = ()


Detail = PersonRenamed | PersonEmailsChanged | PersonPhonesChanged | PersonProfileChanged
Membership = PersonJoinedCompany | PersonRoleChanged | PersonLeftCompany
Label = PersonTagged | PersonUntagged | PersonAssigned | PersonIdentified
Consent = ConsentGiven | ConsentWithdrawn
Merging = PersonAbsorbed | PersonMerged | PersonSeparated | PersonUnmerged | PersonToldApart
PersonEvent = (
    PersonAdded
    | Detail
    | Membership
    | Label
    | Consent
    | InteractionLogged
    | Merging
    | PersonChangeUndone
    | PersonErased
)

PERSON_EVENTS: tuple[type[PersonEvent], ...] = (
    PersonAdded,
    PersonRenamed,
    PersonEmailsChanged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonIdentified,
    PersonTagged,
    PersonUntagged,
    PersonAssigned,
    PersonJoinedCompany,
    PersonRoleChanged,
    PersonLeftCompany,
    InteractionLogged,
    ConsentGiven,
    ConsentWithdrawn,
    PersonAbsorbed,
    PersonMerged,
    PersonSeparated,
    PersonUnmerged,
    PersonToldApart,
    PersonChangeUndone,
    PersonErased,
)
