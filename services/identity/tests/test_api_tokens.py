"""API tokens: shown once, never beyond their maker, gone when revoked; on real servers."""

from __future__ import annotations

import pytest

from chassis.http.principal import INSTALLATION
from identity.testing import PASSWORD, Identity, new_email

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

BODY = {"name": "Reports", "scopes": ["contacts.read", "identity.manage"]}


async def test_a_token_may_what_its_scopes_say(identity: Identity) -> None:
    admin = await identity.sign_in()
    status, made, _ = await admin("POST", "/api-tokens", BODY)
    assert status == 201
    assert made["token"].startswith("everlog_")
    program = await identity.as_holder(made["token"])
    assert program.session is None
    assert program.principal["permissions"] == ["contacts.read", "identity.manage"]
    assert (await program("GET", "/users"))[0] == 200
    status, problem, _ = await program("PATCH", "/workspace", {"name": "x"}, If_Match='"1"')
    assert (status, problem["permission"]) == (403, "settings.write")


async def test_a_token_is_listed_without_its_secret_and_gone_when_revoked(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    _, made, _ = await admin("POST", "/api-tokens", BODY)
    _, listed, _ = await admin("GET", "/api-tokens")
    assert [(item["id"], item["name"]) for item in listed["items"]] == [(made["id"], "Reports")]
    assert made["token"] not in repr(listed)
    assert (await admin("DELETE", f"/api-tokens/{made['id']}"))[0] == 204
    assert (await identity.exchange(made["token"]))[0] == 401
    assert (await admin("DELETE", f"/api-tokens/{made['id']}"))[0] == 404


async def test_the_same_key_gives_the_same_secret_and_makes_one_token(identity: Identity) -> None:
    admin = await identity.sign_in()
    first = await admin("POST", "/api-tokens", BODY, Idempotency_Key="reports")
    second = await admin("POST", "/api-tokens", BODY, Idempotency_Key="reports")
    assert first[:2] == second[:2]
    assert second[2]["Idempotent-Replayed"] == "true"
    _, listed, _ = await admin("GET", "/api-tokens")
    assert len(listed["items"]) == 1
    third = await admin("POST", "/api-tokens", BODY)
    assert third[1]["token"] != first[1]["token"]


async def test_a_program_makes_no_tokens_and_sets_no_passwords(identity: Identity) -> None:
    admin = await identity.sign_in()
    _, made, _ = await admin("POST", "/api-tokens", BODY)
    program = await identity.as_holder(made["token"])
    status, problem, _ = await program("POST", "/api-tokens", BODY)
    assert (status, problem["code"]) == (403, "needs-session")
    body = {"current": PASSWORD, "new": "another fine long password"}
    assert (await program("POST", "/me/password", body))[0] == 403


async def test_a_token_follows_its_makers_role(identity: Identity) -> None:
    admin = await identity.sign_in()
    email = new_email()
    body = {"name": "A", "email": email, "password": PASSWORD, "role": "administrator"}
    _, user, _ = await admin("POST", "/users", body)
    other = await identity.sign_in(email)
    _, made, _ = await other("POST", "/api-tokens", {**BODY, "scopes": ["ops", "analytics.read"]})
    body = {"role": "marketing_manager"}
    status, _, _ = await admin("PATCH", f"/users/{user['id']}", body, If_Match='"2"')
    assert status == 200
    await admin("GET", "/users")
    program = await identity.as_holder(made["token"])
    assert program.principal["permissions"] == ["analytics.read"]
    assert program.principal["sees"] == "aggregate"
    await admin("POST", f"/users/{user['id']}/deactivate")
    assert (await identity.exchange(made["token"]))[0] == 401


async def test_operators_of_the_first_workspace_see_to_the_installation(
    installation: Identity, identity: Identity
) -> None:
    first, other = await installation.sign_in(), await identity.sign_in()
    assert INSTALLATION in first.principal["permissions"]
    assert INSTALLATION not in other.principal["permissions"]
    for scopes, may in ((["ops"], True), (["analytics.read"], False)):
        _, made, _ = await first("POST", "/api-tokens", {**BODY, "scopes": scopes})
        program = await installation.as_holder(made["token"])
        assert (INSTALLATION in program.principal["permissions"]) is may


async def test_a_token_cannot_go_beyond_its_maker_or_into_the_past(identity: Identity) -> None:
    admin = await identity.sign_in()
    email = new_email()
    await admin("POST", "/users", {"name": "A", "email": email, "password": PASSWORD})
    anna = await identity.sign_in(email)
    status, problem, _ = await anna("POST", "/api-tokens", {"name": "x", "scopes": ["ops"]})
    assert (status, "beyond your permissions" in problem["detail"]) == (422, True)
    past = {**BODY, "expires_at": "2020-01-01T00:00:00Z"}
    assert (await admin("POST", "/api-tokens", past))[0] == 422
