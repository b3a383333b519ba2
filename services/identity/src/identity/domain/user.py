"""A user: somebody of a workspace, with a role and perhaps a team; signs in, holds tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import BadInput, Conflict, Forbidden, NotFound
from chassis.ports import Claim
from identity.domain.email import normal_email
from identity.domain.role import role_of
from identity.domain.user_events import (
    EVENTS,
    NO_CHANGE,
    ApiTokenMade,
    ApiTokenRevoked,
    PasswordSet,
    SignInFailed,
    SignInLocked,
    UserAdded,
    UserDeactivated,
    UserEmailChanged,
    UserEvent,
    UserJoinedTeam,
    UserReactivated,
    UserRenamed,
    UserRoleChanged,
    UserSignedIn,
    UserSignedOut,
)

_NAME_LONGEST = 120
_TOKENS_MOST = 50


class Keep(Enum):
    """Stands for: as it is."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class AddUser:
    user_id: UUID
    name: str
    email: str | None
    role: str
    team_id: UUID | None
    at: datetime
    external_id: str | None = None
    password_set_by: UUID | None = None
    """Who chose the first password, if there is one."""


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """Changes what is not KEEP. `by`: who asks, since nobody takes away their own rights."""

    by: UUID
    at: datetime
    name: str | Keep = KEEP
    email: str | Keep | None = KEEP
    role: str | Keep = KEEP
    team_id: UUID | Keep | None = KEEP
    with_password: bool = False


@dataclass(frozen=True, slots=True)
class Deactivate:
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Reactivate:
    at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """The password was right."""

    session_id: UUID
    address: str | None
    agent: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FailSignIn:
    """The password was wrong. `locked_until`: no further attempt is taken before."""

    address: str | None
    agent: str | None
    at: datetime
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignOut:
    session_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class MakeApiToken:
    """`may`: the permissions of whoever asks; a token gets none beyond them."""

    token_id: UUID
    name: str
    scopes: frozenset[str]
    may: frozenset[str]
    at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevokeApiToken:
    token_id: UUID
    at: datetime


UserCommand = (
    AddUser
    | ChangeUser
    | Deactivate
    | Reactivate
    | SignIn
    | FailSignIn
    | SignOut
    | MakeApiToken
    | RevokeApiToken
)


@dataclass(frozen=True, slots=True)
class User:
    user_id: UUID
    name: str
    email: str | None
    role: str
    team_id: UUID | None
    external_id: str | None = None
    active: bool = True
    version: int = 1
    revision: int = 1
    """The version at which the user was last changed: signing in is no change that anybody who
    edits the user would have to see first."""
    tokens: Mapping[UUID, str] = field(default_factory=dict)
    """API tokens that are good: id → name."""


def evolve(user: User | None, event: UserEvent) -> User | None:
    """The user after an event."""
    if isinstance(event, UserAdded):
        return User(
            event.user_id, event.name, event.email, event.role, event.team_id, event.external_id
        )
    found = _there(user)
    version = found.version + 1
    revision = found.revision if isinstance(event, NO_CHANGE) else version
    return replace(_evolved(found, event), version=version, revision=revision)


def _evolved(user: User, event: UserEvent) -> User:
    match event:
        case UserRenamed():
            return replace(user, name=event.name)
        case UserEmailChanged():
            return replace(user, email=event.email)
        case UserRoleChanged():
            return replace(user, role=event.role)
        case UserJoinedTeam():
            return replace(user, team_id=event.team_id)
        case UserDeactivated():
            return replace(user, active=False, tokens={})
        case UserReactivated():
            return replace(user, active=True)
        case ApiTokenMade():
            return replace(user, tokens={**user.tokens, event.token_id: event.name})
        case ApiTokenRevoked():
            left = {id_: name for id_, name in user.tokens.items() if id_ != event.token_id}
            return replace(user, tokens=left)
        case _:
            return user  # the audit trail: it happened, and changes nothing for later decisions


def _there(user: User | None) -> User:
    if user is None:
        raise NotFound("There is no such user in this workspace.")
    return user


def decide(command: UserCommand, user: User | None) -> list[UserEvent]:
    """What a command leads to."""
    if isinstance(command, AddUser):
        return _add(command, user)
    found = _there(user)
    match command:
        case ChangeUser():
            return _change(command, found)
        case Deactivate():
            return _deactivate(command, found)
        case Reactivate():
            if found.active:
                return []
            return [UserReactivated(found.user_id, occurred_at=command.at)]
        case SignIn() | FailSignIn() | SignOut():
            return _sign(command, found)
        case MakeApiToken():
            return _make_token(command, found)
        case RevokeApiToken():
            if command.token_id not in found.tokens:
                return []
            return [ApiTokenRevoked(found.user_id, command.token_id, occurred_at=command.at)]
        case _:
            assert_never(command)


def _add(command: AddUser, user: User | None) -> list[UserEvent]:
    if user is not None:
        raise Conflict("This user is there already.")
    email = None if command.email is None else normal_email(command.email)
    if command.password_set_by is not None and email is None:
        raise BadInput("A password is of use only with an e-mail address to sign in with.")
    events: list[UserEvent] = [
        UserAdded(
            command.user_id,
            _named(command.name),
            email,
            role_of(command.role).name,
            command.team_id,
            email is not None,
            command.external_id,
            occurred_at=command.at,
        )
    ]
    if command.password_set_by is not None:
        set_by = command.password_set_by
        events.append(PasswordSet(command.user_id, set_by, occurred_at=command.at))
    return events


def _change(command: ChangeUser, user: User) -> list[UserEvent]:
    id_, at = user.user_id, command.at
    events: list[UserEvent] = []
    if not isinstance(command.name, Keep) and _named(command.name) != user.name:
        events.append(UserRenamed(id_, _named(command.name), occurred_at=at))
    email = user.email
    if not isinstance(command.email, Keep):
        email = None if command.email is None else normal_email(command.email)
        if email != user.email:
            events.append(UserEmailChanged(id_, email, user.email, occurred_at=at))
    if not isinstance(command.role, Keep) and role_of(command.role).name != user.role:
        if command.by == id_:
            raise Conflict("Nobody changes their own role. Ask another administrator.")
        events.append(UserRoleChanged(id_, command.role, occurred_at=at))
    if not isinstance(command.team_id, Keep) and command.team_id != user.team_id:
        events.append(UserJoinedTeam(id_, command.team_id, occurred_at=at))
    if command.with_password:
        if email is None:
            raise BadInput("A password is of use only with an e-mail address to sign in with.")
        events.append(PasswordSet(id_, command.by, occurred_at=at))
    return events


def _deactivate(command: Deactivate, user: User) -> list[UserEvent]:
    if command.by == user.user_id:
        raise Conflict("Nobody deactivates themselves. Ask another administrator.")
    if not user.active:
        return []
    return [UserDeactivated(user.user_id, occurred_at=command.at)]


def _sign(command: SignIn | FailSignIn | SignOut, user: User) -> list[UserEvent]:
    id_, at = user.user_id, command.at
    match command:
        case SignIn():
            if not user.active:
                raise Forbidden(
                    "This account is deactivated. Ask an administrator of your workspace.",
                    code="deactivated",
                )
            session, address, agent = command.session_id, command.address, command.agent
            return [UserSignedIn(id_, session, address, agent, occurred_at=at)]
        case FailSignIn():
            failed = SignInFailed(id_, command.address, command.agent, occurred_at=at)
            if command.locked_until is None:
                return [failed]
            return [failed, SignInLocked(id_, command.locked_until, occurred_at=at)]
        case SignOut():
            return [UserSignedOut(id_, command.session_id, occurred_at=at)]
        case _:
            assert_never(command)


def _make_token(command: MakeApiToken, user: User) -> list[UserEvent]:
    if not command.scopes:
        raise BadInput("Name at least one scope, e.g. contacts.read.")
    beyond = sorted(command.scopes - (role_of(user.role).permissions & command.may))
    if beyond:
        allowed = ", ".join(sorted(role_of(user.role).permissions & command.may))
        raise BadInput(
            f"A token cannot do more than you: {', '.join(beyond)} is beyond your permissions. "
            f"You can give {allowed}."
        )
    if len(user.tokens) >= _TOKENS_MOST:
        raise Conflict(f"You have {_TOKENS_MOST} API tokens. Revoke one that is not used.")
    return [
        ApiTokenMade(
            user.user_id,
            command.token_id,
            _named(command.name),
            sorted(command.scopes),
            command.expires_at,
            occurred_at=command.at,
        )
    ]


def _named(name: str) -> str:
    stripped = " ".join(name.split())
    if not 0 < len(stripped) <= _NAME_LONGEST:
        raise BadInput(f"The name must have 1 to {_NAME_LONGEST} characters.")
    return stripped


def claims(event: UserEvent) -> Iterable[Claim]:
    """Addresses to sign in with and ids elsewhere are used once in a workspace."""
    match event:
        case UserAdded():
            if event.email is not None:
                yield Claim("sign_in_email", event.email)
            if event.external_id is not None:
                yield Claim("user_external_id", event.external_id)
        case UserEmailChanged():
            if event.former_email is not None:
                yield Claim("sign_in_email", event.former_email, release=True)
            if event.email is not None:
                yield Claim("sign_in_email", event.email)


USER: Decider[UserCommand, User | None, UserEvent] = Decider(
    "user", None, decide, evolve, EVENTS, claims
)
