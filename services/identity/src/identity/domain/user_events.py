"""What can happen to a user: the events of identity.domain.user. Pure.

Names and addresses are personal. No event holds a password or anything made from one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from chassis.events import PERSONAL, Event


class UserAdded(Event, frozen=True, tag="identity.user-added.v1"):
    """Somebody belongs to the workspace. `can_sign_in`: there is an address to sign in with."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]
    email: Annotated[str | None, PERSONAL]
    role: str
    team_id: UUID | None
    can_sign_in: bool
    external_id: str | None = None


class UserRenamed(Event, frozen=True, tag="identity.user-renamed.v1"):
    """A user has another name."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    name: Annotated[str, PERSONAL]


class UserEmailChanged(Event, frozen=True, tag="identity.user-email-changed.v1"):
    """A user signs in with another address, or with none; the former one is free again."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    email: Annotated[str | None, PERSONAL]
    former_email: Annotated[str | None, PERSONAL]


class UserRoleChanged(Event, frozen=True, tag="identity.user-role-changed.v1"):
    """A user has another role."""

    user_id: UUID
    role: str


class UserJoinedTeam(Event, frozen=True, tag="identity.user-joined-team.v1"):
    """A user belongs to another team, or to none."""

    user_id: UUID
    team_id: UUID | None


class UserDeactivated(Event, frozen=True, tag="identity.user-deactivated.v1"):
    """A user may not sign in any more; sessions and API tokens ended with it."""

    user_id: UUID


class UserReactivated(Event, frozen=True, tag="identity.user-reactivated.v1"):
    """A user may sign in again."""

    user_id: UUID


class PasswordSet(Event, frozen=True, tag="identity.password-set.v1"):
    """A password was set, by the user or by somebody for them; other sessions ended with it."""

    user_id: UUID
    by: UUID


class UserSignedIn(Event, frozen=True, tag="identity.user-signed-in.v1"):
    """A user signed in: a session began."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    session_id: UUID
    address: Annotated[str | None, PERSONAL]
    agent: Annotated[str | None, PERSONAL]


class UserSignedOut(Event, frozen=True, tag="identity.user-signed-out.v1"):
    """A session was ended, by its user or from another session of theirs."""

    user_id: UUID
    session_id: UUID


class SignInFailed(Event, frozen=True, tag="identity.sign-in-failed.v1"):
    """Somebody tried to sign in as this user with a wrong password."""

    subject_field: ClassVar[str | None] = "user_id"

    user_id: UUID
    address: Annotated[str | None, PERSONAL]
    agent: Annotated[str | None, PERSONAL]


class SignInLocked(Event, frozen=True, tag="identity.sign-in-locked.v1"):
    """After too many wrong passwords no sign-in as this user is taken for a while."""

    user_id: UUID
    until: datetime


class ApiTokenMade(Event, frozen=True, tag="identity.api-token-made.v1"):
    """A program may act for this user, within these permissions."""

    user_id: UUID
    token_id: UUID
    name: str
    scopes: list[str]
    expires_at: datetime | None = None


class ApiTokenRevoked(Event, frozen=True, tag="identity.api-token-revoked.v1"):
    """An API token is no good any more."""

    user_id: UUID
    token_id: UUID


UserEvent = (
    UserAdded
    | UserRenamed
    | UserEmailChanged
    | UserRoleChanged
    | UserJoinedTeam
    | UserDeactivated
    | UserReactivated
    | PasswordSet
    | UserSignedIn
    | UserSignedOut
    | SignInFailed
    | SignInLocked
    | ApiTokenMade
    | ApiTokenRevoked
)

EVENTS: tuple[type[UserEvent], ...] = (
    UserAdded,
    UserRenamed,
    UserEmailChanged,
    UserRoleChanged,
    UserJoinedTeam,
    UserDeactivated,
    UserReactivated,
    PasswordSet,
    UserSignedIn,
    UserSignedOut,
    SignInFailed,
    SignInLocked,
    ApiTokenMade,
    ApiTokenRevoked,
)

NO_CHANGE = (
    UserSignedIn,
    UserSignedOut,
    SignInFailed,
    SignInLocked,
    ApiTokenMade,
    ApiTokenRevoked,
)
"""What is only noted: the user is as before."""
