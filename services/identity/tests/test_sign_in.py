"""Signing in, staying signed in, and being kept out, on real servers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from identity.desk import REFUSAL_TAKES_S
from identity.domain.throttle import FREE
from identity.testing import PASSWORD, Identity, Person, new_email

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def attempt(identity: Identity, email: str, password: str) -> tuple[int, Any, Any]:
    return await identity.post("/api/v1/sessions", {"email": email, "password": password})


async def add(admin: Person, name: str = "Anna") -> tuple[str, str]:
    email = new_email()
    _, made, _ = await admin("POST", "/users", {"name": name, "email": email, "password": PASSWORD})
    return made["id"], email


async def test_a_session_is_an_opaque_token_that_is_not_kept(
    identity: Identity, postgres_dsn: str
) -> None:
    admin = await identity.sign_in()
    assert admin.secret.startswith("everlog_s_")
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_identity")
    rows = await connection.fetch(
        "select t.*, c.password_hash from access.tokens t join access.credentials c "
        "using (workspace_id, user_id) where t.workspace_id = $1",
        identity.workspace,
    )
    events = await connection.fetch(
        "select data::text from log.events where workspace_id = $1", identity.workspace
    )
    await connection.close()
    assert len(rows) == 1
    assert rows[0]["password_hash"].startswith("$argon2id$")
    assert admin.secret not in repr([dict(row) for row in rows])
    log = repr([row["data"] for row in events])
    assert "argon2" not in log
    assert PASSWORD not in log
    assert identity.email not in log  # sealed
    assert "192.0.2" not in log


async def test_capitals_and_blanks_in_the_address_do_not_matter(identity: Identity) -> None:
    status, _, _ = await attempt(identity, f"  {identity.email.upper()} ", PASSWORD)
    assert status == 201


async def test_a_one_time_password_is_refused_as_long_as_nobody_checks_it(
    identity: Identity,
) -> None:
    body = {"email": identity.email, "password": PASSWORD}
    status, problem, _ = await identity.post("/api/v1/sessions", {**body, "otp": "123456"})
    assert (status, problem["code"]) == (422, "no-second-factor")
    assert "Leave `otp` out" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "#/otp"
    for absent in (None, ""):
        status, _, _ = await identity.post("/api/v1/sessions", {**body, "otp": absent})
        assert status == 201


async def test_a_wrong_password_and_an_unknown_address_look_the_same(identity: Identity) -> None:
    answers, took = [], []
    for email in (identity.email, new_email()):
        began = time.perf_counter()
        status, problem, _ = await attempt(identity, email, "wrong password")
        took.append(time.perf_counter() - began)
        answers.append((status, problem["code"], problem["detail"]))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (401, "wrong-credentials")
    assert min(took) >= REFUSAL_TAKES_S  # whatever it was found out by


async def test_guessing_locks_the_address_whether_anybody_has_it_or_not(
    identity: Identity,
) -> None:
    for email in (identity.email, new_email()):
        tried = await asyncio.gather(*(attempt(identity, email, f"no {n}") for n in range(FREE)))
        assert {status for status, _, _ in tried} == {401}
        status, problem, headers = await attempt(identity, email, PASSWORD)
        assert (status, problem["code"]) == (429, "too-many-requests")
        assert 1 <= int(headers["Retry-After"]) <= 31


async def test_a_burst_of_guesses_is_counted_one_by_one(identity: Identity) -> None:
    email = new_email()
    tried = await asyncio.gather(*(attempt(identity, email, f"no {n}") for n in range(12)))
    statuses = sorted(status for status, _, _ in tried)
    assert statuses == [401] * FREE + [429] * (12 - FREE)


async def test_a_right_password_forgets_the_wrong_ones(identity: Identity) -> None:
    for _ in range(2):
        for n in range(FREE - 1):
            assert (await attempt(identity, identity.email, f"no {n}"))[0] == 401
        assert (await attempt(identity, identity.email, PASSWORD))[0] == 201


async def test_the_audit_shows_who_signed_in_and_who_failed_to(identity: Identity) -> None:
    admin = await identity.sign_in()
    user, email = await add(admin)
    for n in range(FREE):
        await attempt(identity, email, f"no {n}")
    async with asyncio.timeout(10):
        while True:
            _, audit, _ = await admin("GET", f"/sign-ins?user={user}")
            if len(audit["items"]) == FREE + 2:
                break
            await asyncio.sleep(0.05)
    what = [item["what"] for item in audit["items"]]
    assert what == ["locked", *["failed"] * FREE, "password-set"]
    _, audit, _ = await admin("GET", "/sign-ins?what=signed-in")
    assert audit["items"][0]["user_id"] == admin.principal["user_id"]


async def test_sessions_are_listed_and_can_be_ended(identity: Identity) -> None:
    here, there = await identity.sign_in(), await identity.sign_in()
    _, listed, _ = await here("GET", "/sessions")
    assert {item["id"]: item["current"] for item in listed["items"]} == {
        here.session: True,
        there.session: False,
    }
    assert (await here("DELETE", f"/sessions/{there.session}"))[0] == 204
    assert (await identity.exchange(there.secret))[0] == 401
    assert (await identity.exchange(here.secret))[0] == 200
    assert (await here("DELETE", "/sessions/current"))[0] == 204
    status, problem = await identity.exchange(here.secret)
    assert (status, problem["code"]) == (401, "token-invalid")
    assert (await here("DELETE", f"/sessions/{there.session}"))[0] == 404


async def test_nobody_ends_somebody_elses_session(identity: Identity) -> None:
    admin = await identity.sign_in()
    _, email = await add(admin)
    anna = await identity.sign_in(email)
    assert (await anna("DELETE", f"/sessions/{admin.session}"))[0] == 404
    assert (await identity.exchange(admin.secret))[0] == 200


async def test_a_deactivated_user_is_out_at_once(identity: Identity) -> None:
    admin = await identity.sign_in()
    user, email = await add(admin)
    anna = await identity.sign_in(email)
    assert (await admin("POST", f"/users/{user}/deactivate"))[0] == 200
    assert (await identity.exchange(anna.secret))[0] == 401
    status, problem, _ = await attempt(identity, email, PASSWORD)
    assert (status, problem["code"]) == (403, "deactivated")
    assert (await admin("POST", f"/users/{user}/reactivate"))[0] == 200
    await admin("GET", "/users")
    assert (await identity.exchange(anna.secret))[0] == 401  # the session is gone for good
    assert (await identity.sign_in(email)).principal["user_id"] == user


async def test_a_new_password_ends_other_sessions_and_the_old_one_is_no_good(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    _, email = await add(admin)
    here, there = await identity.sign_in(email), await identity.sign_in(email)
    new = "another fine long password"
    body = {"current": "wrong", "new": new}
    status, problem, _ = await here("POST", "/me/password", body)
    assert (status, problem["code"]) == (401, "wrong-credentials")
    weak = {"current": PASSWORD, "new": "short"}
    status, problem, _ = await here("POST", "/me/password", weak)
    assert (status, problem["code"]) == (422, "weak-password")
    assert (await here("POST", "/me/password", {**body, "current": PASSWORD}))[0] == 200
    assert (await identity.exchange(here.secret))[0] == 200
    assert (await identity.exchange(there.secret))[0] == 401
    assert (await attempt(identity, email, PASSWORD))[0] == 401
    assert (await attempt(identity, email, new))[0] == 201


async def test_an_administrator_sets_a_password_for_somebody(identity: Identity) -> None:
    admin = await identity.sign_in()
    user, email = await add(admin)
    anna = await identity.sign_in(email)
    new = "from the administrator"
    assert (await admin("PATCH", f"/users/{user}", {"password": new}))[0] == 200
    assert (await identity.exchange(anna.secret))[0] == 401
    assert (await attempt(identity, email, new))[0] == 201


async def test_an_address_in_two_workspaces_needs_to_say_which(installation: Identity) -> None:
    admin = await installation.sign_in()
    email = new_email()
    ids = []
    for name, password in (("One", PASSWORD), ("Two", PASSWORD), ("Three", "quite another one")):
        body = {"name": name, "administrator": {"email": email, "password": password}}
        ids.append((await admin("POST", "/workspaces", body))[1]["id"])
    status, problem, _ = await attempt(installation, email, PASSWORD)
    assert (status, problem["code"]) == (409, "several-workspaces")
    assert set(problem["workspaces"]) == set(ids[:2])
    assert problem["choices"] == [{"id": ids[0], "name": "One"}, {"id": ids[1], "name": "Two"}]
    body = {"email": email, "password": PASSWORD, "workspace": ids[1]}
    status, told, _ = await installation.post("/api/v1/sessions", body)
    assert (status, told["workspace"]) == (201, ids[1])
    status, told, _ = await attempt(installation, email, "quite another one")
    assert (status, told["workspace"]) == (201, ids[2])


@pytest.mark.parametrize("token", ["", "everlog_s_", "everlog_s_!!", "everlog_s_" + "A" * 64, "x"])
async def test_what_is_no_token_is_refused(identity: Identity, token: str) -> None:
    status, problem = await identity.exchange(token)
    assert (status, problem["code"]) == (401, "token-invalid")


async def test_a_session_ends_when_it_is_not_used(identity: Identity, postgres_dsn: str) -> None:
    admin = await identity.sign_in()
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_identity")

    async def shift(by: str) -> Any:
        return await connection.fetchval(
            "update access.tokens set used_at = used_at - $2::text::interval, "
            "expires_at = expires_at - $2::text::interval where workspace_id = $1 "
            "returning expires_at",
            identity.workspace,
            by,
        )

    before = await shift("6 hours")
    assert (await identity.exchange(admin.secret))[0] == 200
    after = await connection.fetchval(
        "select expires_at from access.tokens where workspace_id = $1", identity.workspace
    )
    assert 5.9 < (after - before).total_seconds() / 3600 < 6.1  # it slid on
    await shift("12 hours 1 minute")
    await connection.close()
    assert (await identity.exchange(admin.secret))[0] == 401
