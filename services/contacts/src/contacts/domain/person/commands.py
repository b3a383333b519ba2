"""What can be asked of a person's record. Every command brings the time it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from contacts.domain.email_address import EmailAddress
from contacts.domain.external_id import ExternalId
from contacts.domain.person.events import PersonEvent
from contacts.domain.phone_number import PhoneNumber
from contacts.domain.undoing import UndoChange

if TYPE_CHECKING:
    from contacts.domain.person.state import Person


@dataclass(frozen=True, slots=True)
class Profile:
    """What else is known of a person."""

    birthday: date | None = None
    language: str | None = None
    time_zone: str | None = None
    city: str | None = None
    country: str | None = None
    source: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddPerson:
    """`since`: when the business got to know the person, if that was not now."""

    person_id: UUID
    at: datetime
    first_name: str = ""
    last_name: str = ""
    emails: tuple[EmailAddress, ...] = ()
    phones: tuple[PhoneNumber, ...] = ()
    profile: Profile = field(default_factory=Profile)
    company_id: UUID | None = None
    company_role: str | None = None
    owner_id: UUID | None = None
    tags: tuple[str, ...] = ()
    external_id: ExternalId | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangePerson:
    """Only what is given changes. `email`, `phone` and `company_id` replace the primary one;
    `profile` holds the profile's fields that change, `custom` in it is merged key by key."""

    at: datetime
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: EmailAddress | UnsetType | None = UNSET
    emails: tuple[EmailAddress, ...] | UnsetType = UNSET
    phone: PhoneNumber | UnsetType | None = UNSET
    phones: tuple[PhoneNumber, ...] | UnsetType = UNSET
    profile: dict[str, Any] = field(default_factory=dict)
    company_id: UUID | UnsetType | None = UNSET
    company_role: str | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    external_id: ExternalId | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class TagPerson:
    tag: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UntagPerson:
    tag: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JoinCompany:
    company_id: UUID
    role: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LeaveCompany:
    company_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class LogInteraction:
    """`happened_at`: when it took place; not later than now."""

    interaction_id: UUID
    kind: str
    text: str
    happened_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveConsent:
    channel: str
    purpose: str
    source: str | None
    text_version: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawConsent:
    channel: str
    purpose: str
    source: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Absorb:
    """Speak for another record of the same person, too.

    `choices`: fields of which the other one's value is to be taken (`duplicate`) or this one's kept
    (`survivor`); without a choice this one's counts, if it has any. `score`: how likely it was.
    """

    duplicate: Person
    at: datetime
    choices: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class BecomePart:
    """Let another record answer for this one. `again`: another one did so before."""

    into_id: UUID
    at: datetime
    again: bool = False


@dataclass(frozen=True, slots=True)
class Separate:
    """Give back to a record what came from it. `attributions`: whose later changes of fields are
    (`survivor` or `duplicate`), where that is not as it seems."""

    duplicate: Person
    at: datetime
    attributions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandAlone:
    """Speak for oneself again, as the former survivor tells what has happened since."""

    survivor: Person
    at: datetime
    attributions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TellApart:
    """Remember that another record is of somebody else."""

    other_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ErasePerson:
    at: datetime


UndoPersonChange = UndoChange["Person", PersonEvent]
MergingCommand = Absorb | BecomePart | Separate | StandAlone | TellApart
PersonCommand = (
    AddPerson
    | ChangePerson
    | TagPerson
    | UntagPerson
    | JoinCompany
    | LeaveCompany
    | LogInteraction
    | GiveConsent
    | WithdrawConsent
    | MergingCommand
    | UndoPersonChange
    | ErasePerson
)
