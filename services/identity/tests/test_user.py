"""What users may do, and what may be done to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.errors import BadInput, Conflict, Forbidden, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from identity.domain.role import ADMINISTRATOR, SALES_REPRESENTATIVE
from identity.domain.user import (
    USER,
    AddUser,
    ChangeUser,
    Deactivate,
    FailSignIn,
    MakeApiToken,
    Reactivate,
    RevokeApiToken,
    SignIn,
    SignOut,
    claims,
)
from identity.domain.user_events import (
    ApiTokenMade,
    ApiTokenRevoked,
    PasswordSet,
    SignInFailed,
    SignInLocked,
    UserAdded,
    UserDeactivated,
    UserEmailChanged,
    UserJoinedTeam,
    UserReactivated,
    UserRenamed,
    UserRoleChanged,
    UserSignedIn,
    UserSignedOut,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA, BOSS, TEAM = new_id(), new_id(), new_id()
ADD = AddUser(ANNA, "Anna Snelling", "anna@example.com", SALES_REPRESENTATIVE.name, TEAM, NOON)
ADDED = UserAdded(
    ANNA,
    "Anna Snelling",
    "anna@example.com",
    SALES_REPRESENTATIVE.name,
    TEAM,
    True,
    occurred_at=NOON,
)


def test_a_user_is_added_with_a_normal_address() -> None:
    given(USER).when(replace(ADD, name=" Anna  Snelling ", email=" Anna@Example.COM ")).then(ADDED)


def test_a_user_without_an_address_cannot_sign_in() -> None:
    decided = USER.decide(replace(ADD, email=None), None)
    assert isinstance(decided[0], UserAdded)
    assert not decided[0].can_sign_in
    given(USER).when(replace(ADD, email=None, password_set_by=BOSS)).then_refused(BadInput)


def test_a_first_password_is_noted_without_the_password() -> None:
    set_ = PasswordSet(ANNA, BOSS, occurred_at=NOON)
    given(USER).when(replace(ADD, password_set_by=BOSS)).then(ADDED, set_)


@pytest.mark.parametrize("email", ["anna", "anna@", "@example.com", "a b@example.com", "a@b@c"])
def test_what_is_no_address_is_refused(email: str) -> None:
    given(USER).when(replace(ADD, email=email)).then_refused(BadInput, "no e-mail address")


def test_unknown_roles_and_empty_names_are_refused() -> None:
    given(USER).when(replace(ADD, role="boss")).then_refused(BadInput, "administrator")
    given(USER).when(replace(ADD, name="  ")).then_refused(BadInput, "1 to 120")


def test_a_user_is_added_once() -> None:
    given(USER, ADDED).when(ADD).then_refused(Conflict)


def test_only_what_differs_is_changed() -> None:
    same = ChangeUser(BOSS, NOON, "Anna Snelling", "ANNA@example.com", ADDED.role, TEAM)
    given(USER, ADDED).when(same).then_nothing()
    other = ChangeUser(BOSS, NOON, "Anna", "a@example.com", ADMINISTRATOR.name, None, True)
    given(USER, ADDED).when(other).then(
        UserRenamed(ANNA, "Anna", occurred_at=NOON),
        UserEmailChanged(ANNA, "a@example.com", "anna@example.com", occurred_at=NOON),
        UserRoleChanged(ANNA, ADMINISTRATOR.name, occurred_at=NOON),
        UserJoinedTeam(ANNA, None, occurred_at=NOON),
        PasswordSet(ANNA, BOSS, occurred_at=NOON),
    )


def test_a_password_needs_an_address() -> None:
    change = ChangeUser(BOSS, NOON, email=None, with_password=True)
    given(USER, ADDED).when(change).then_refused(BadInput, "address to sign in with")


def test_nobody_changes_their_own_role_or_deactivates_themselves() -> None:
    change = ChangeUser(ANNA, NOON, role=ADMINISTRATOR.name)
    given(USER, ADDED).when(change).then_refused(Conflict, "another administrator")
    given(USER, ADDED).when(Deactivate(ANNA, NOON)).then_refused(Conflict)


def test_a_deactivated_user_does_not_sign_in_until_reactivated() -> None:
    gone = UserDeactivated(ANNA, occurred_at=NOON)
    back = UserReactivated(ANNA, occurred_at=NOON)
    sign_in = SignIn(new_id(), "192.0.2.1", "Firefox", NOON)
    given(USER, ADDED).when(Deactivate(BOSS, NOON)).then(gone)
    given(USER, ADDED, gone).when(Deactivate(BOSS, NOON)).then_nothing()
    given(USER, ADDED, gone).when(sign_in).then_refused(Forbidden, "deactivated")
    given(USER, ADDED, gone).when(Reactivate(NOON)).then(back)
    given(USER, ADDED).when(Reactivate(NOON)).then_nothing()
    given(USER, ADDED, gone, back).when(sign_in).then(
        UserSignedIn(ANNA, sign_in.session_id, "192.0.2.1", "Firefox", occurred_at=NOON)
    )


def test_signing_in_and_out_and_failing_to_is_noted() -> None:
    session, until = new_id(), NOON + timedelta(minutes=5)
    given(USER, ADDED).when(SignOut(session, NOON)).then(
        UserSignedOut(ANNA, session, occurred_at=NOON)
    )
    failed = SignInFailed(ANNA, "192.0.2.1", "curl", occurred_at=NOON)
    given(USER, ADDED).when(FailSignIn("192.0.2.1", "curl", NOON)).then(failed)
    given(USER, ADDED).when(FailSignIn("192.0.2.1", "curl", NOON, until)).then(
        failed, SignInLocked(ANNA, until, occurred_at=NOON)
    )


def test_nobody_is_signed_in_who_is_not_there() -> None:
    given(USER).when(SignIn(new_id(), None, None, NOON)).then_refused(NotFound)


def _token(*scopes: str, may: frozenset[str] = ADMINISTRATOR.permissions) -> MakeApiToken:
    return MakeApiToken(UUID(int=7), "Reports", frozenset(scopes), may, NOON)


def test_a_token_does_no_more_than_its_maker() -> None:
    made = ApiTokenMade(ANNA, UUID(int=7), "Reports", ["contacts.read"], occurred_at=NOON)
    given(USER, ADDED).when(_token("contacts.read")).then(made)
    given(USER, ADDED).when(_token("ops")).then_refused(BadInput, "ops is beyond")
    given(USER, ADDED).when(_token("nonsense")).then_refused(BadInput)
    given(USER, ADDED).when(_token()).then_refused(BadInput, "at least one scope")
    narrow = _token("contacts.read", may=frozenset({"deals.read"}))
    given(USER, ADDED).when(narrow).then_refused(BadInput)


def test_tokens_are_counted_and_end_once() -> None:
    made = ApiTokenMade(ANNA, UUID(int=7), "Reports", ["contacts.read"], occurred_at=NOON)
    revoked = ApiTokenRevoked(ANNA, UUID(int=7), occurred_at=NOON)
    given(USER, ADDED, made).when(RevokeApiToken(UUID(int=7), NOON)).then(revoked)
    given(USER, ADDED, made, revoked).when(RevokeApiToken(UUID(int=7), NOON)).then_nothing()
    gone = UserDeactivated(ANNA, occurred_at=NOON)
    given(USER, ADDED, made, gone).when(RevokeApiToken(UUID(int=7), NOON)).then_nothing()
    many = [ApiTokenMade(ANNA, new_id(), "x", ["deals.read"], occurred_at=NOON) for _ in range(50)]
    given(USER, ADDED, *many).when(_token("deals.read")).then_refused(Conflict, "Revoke one")


def test_signing_in_is_no_change_of_the_user() -> None:
    signed_in = UserSignedIn(ANNA, new_id(), None, None, occurred_at=NOON)
    renamed = UserRenamed(ANNA, "Anne", occurred_at=NOON)
    user = given(USER, ADDED, signed_in).state()
    assert user is not None
    assert (user.version, user.revision) == (2, 1)
    user = given(USER, ADDED, signed_in, renamed).state()
    assert user is not None
    assert (user.version, user.revision) == (3, 3)


def test_an_address_is_claimed_and_given_back() -> None:
    assert [(c.kind, c.value, c.release) for c in claims(ADDED)] == [
        ("sign_in_email", "anna@example.com", False)
    ]
    changed = UserEmailChanged(ANNA, None, "anna@example.com", occurred_at=NOON)
    assert [(c.value, c.release) for c in claims(changed)] == [("anna@example.com", True)]
    elsewhere = replace_event(ADDED, "A-7")
    assert ("user_external_id", "A-7") in [(c.kind, c.value) for c in claims(elsewhere)]


def replace_event(event: UserAdded, external_id: str) -> UserAdded:
    return UserAdded(
        event.user_id, event.name, None, event.role, None, False, external_id, occurred_at=NOON
    )
