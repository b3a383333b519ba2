"""What the pipeline service reads of others' events: workspaces, and the names of who and whom."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from chassis.events import PERSONAL, Event


class WorkspaceOpened(Event, frozen=True, tag="identity.workspace-opened.v1"):
    """A workspace began, with its currency and its time zone."""

    workspace_id: UUID
    currency: str
    time_zone: str


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    """Somebody works here."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class UserRenamed(Event, frozen=True, tag="identity.user-renamed.v1"):
    """Somebody who works here goes by another name."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
    """There is a new contact."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str | None, PERSONAL] = None
    last_name: Annotated[str | None, PERSONAL] = None


class PersonRenamed(Event, frozen=True, tag="contacts.person-renamed.v1"):
    """A contact goes by another name."""

    subject_field: ClassVar[str | None] = "person_id"

    person_id: UUID
    first_name: Annotated[str | None, PERSONAL] = None
    last_name: Annotated[str | None, PERSONAL] = None


class PersonMerged(Event, frozen=True, tag="contacts.person-merged.v1"):
    """A contact's record is part of another one, which answers for it."""

    person_id: UUID
    into_id: UUID


class PersonUnmerged(Event, frozen=True, tag="contacts.person-unmerged.v1"):
    """A contact's record speaks for itself again."""

    person_id: UUID


class PersonErased(Event, frozen=True, tag="contacts.person-erased.v1"):
    """A contact is to be forgotten."""

    person_id: UUID


class CompanyAdded(Event, frozen=True, tag="contacts.company-added.v1"):
    """There is a new company."""

    company_id: UUID
    name: str


class CompanyRenamed(Event, frozen=True, tag="contacts.company-renamed.v1"):
    """A company goes by another name."""

    company_id: UUID
    name: str


RECEIVED: tuple[type[Event], ...] = (
    WorkspaceOpened,
    UserAdded,
    UserRenamed,
    PersonAdded,
    PersonRenamed,
    PersonMerged,
    PersonUnmerged,
    PersonErased,
    CompanyAdded,
    CompanyRenamed,
)
