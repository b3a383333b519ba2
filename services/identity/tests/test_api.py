"""Users, teams and workspaces over HTTP, on real servers."""

from __future__ import annotations

import pytest

from chassis.ids import new_id
from identity.testing import PASSWORD, Identity, Person, new_email

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_the_first_administrator_can_sign_in_and_is_told_who_they_are(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    status, me, _ = await admin("GET", "/me")
    assert status == 200
    assert (me["email"], me["role"], me["sees"]) == (identity.email, "administrator", "all")
    assert me["workspace"] == {
        "id": str(identity.workspace),
        "name": "Bookshop",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
    }
    assert "identity.manage" in me["permissions"]


async def add(admin: Person, name: str, **more: object) -> tuple[str, str]:
    """Add a user; id and address."""
    email = new_email()
    body = {"name": name, "email": email, "password": PASSWORD, **more}
    status, made, _ = await admin("POST", "/users", body)
    assert status == 201, made
    return made["id"], email


async def test_a_sales_representative_sees_their_own_and_their_teams_records(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    _, team, _ = await admin("POST", "/teams", {"name": "Dustin", "region": "Central"})
    anna, anna_email = await add(admin, "Anna", team_id=team["id"])
    cecily, _ = await add(admin, "Cecily", team_id=team["id"])
    await add(admin, "Stranger")
    await admin("GET", "/users")  # waits until all of them show
    principal = (await identity.sign_in(anna_email)).principal
    assert principal["sees"] == "own"
    assert set(principal["owners"]) == {anna, cecily}
    assert "identity.manage" not in principal["permissions"]
    assert "deals.write" in principal["permissions"]


async def test_a_marketing_manager_sees_aggregates_and_no_records(identity: Identity) -> None:
    admin = await identity.sign_in()
    _, email = await add(admin, "Mara", role="marketing_manager")
    mara = await identity.sign_in(email)
    assert mara.principal["sees"] == "aggregate"
    assert set(mara.principal["permissions"]) == {
        "campaigns.read",
        "campaigns.write",
        "analytics.read",
    }
    status, problem, _ = await mara("POST", "/users", {"name": "x"})
    assert (status, problem["permission"]) == (403, "identity.manage")


async def test_users_are_listed_by_name_and_addresses_only_shown_to_who_manages_them(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    _, team, _ = await admin("POST", "/teams", {"name": "North", "region": None})
    for name in ("Zoë Young", "Ångström Öst", "Bea North"):
        await add(admin, name, team_id=team["id"])
    _, email = await add(admin, "Carl")
    _, page, _ = await admin("GET", f"/users?team={team['id']}&limit=2")
    _, rest, _ = await admin("GET", f"/users?team={team['id']}&limit=2&cursor={page['next']}")
    names = [item["name"] for item in page["items"] + rest["items"]]
    assert names == ["Ångström Öst", "Bea North", "Zoë Young"]
    assert rest["next"] is None
    assert page["items"][0]["team"] == {"id": team["id"], "name": "North", "region": None}
    assert page["items"][0]["email"].endswith("@example.com")
    carl = await identity.sign_in(email)
    _, seen, _ = await carl("GET", "/users?q=you")
    assert [(item["name"], "email" in item) for item in seen["items"]] == [("Zoë Young", False)]


async def test_a_change_needs_the_version_and_shows_in_the_history(identity: Identity) -> None:
    admin = await identity.sign_in()
    user, _ = await add(admin, "Anna")
    status, problem, _ = await admin("PATCH", f"/users/{user}", {"name": "Anne"})
    assert (status, problem["code"]) == (428, "precondition-required")
    _, _, headers = await admin("GET", f"/users/{user}")
    body = {"name": "Anne", "role": "marketing_manager"}
    status, done, _ = await admin("PATCH", f"/users/{user}", body, If_Match=headers["ETag"])
    assert (status, done["version"]) == (200, 4)
    status, problem, _ = await admin("PATCH", f"/users/{user}", body, If_Match=headers["ETag"])
    assert (status, problem["code"]) == (412, "stale-version")
    _, shown, _ = await admin("GET", f"/users/{user}")
    assert (shown["name"], shown["role"]) == ("Anne", "marketing_manager")


async def test_an_address_is_used_once_and_is_free_again_after_a_change(identity: Identity) -> None:
    admin = await identity.sign_in()
    anna, email = await add(admin, "Anna")
    status, problem, _ = await admin("POST", "/users", {"name": "Other", "email": email.upper()})
    assert (status, problem["code"], problem["kind"]) == (409, "already-taken", "sign_in_email")
    assert problem["holder"] == f"user-{anna}"
    moved = new_email()
    await admin("PATCH", f"/users/{anna}", {"email": moved}, If_Match='"2"')
    assert (await identity.sign_in(moved)).principal["user_id"] == anna
    status, _, _ = await identity.post("/api/v1/sessions", {"email": email, "password": PASSWORD})
    assert status == 401
    status, _, _ = await admin("POST", "/users", {"name": "Other", "email": email})
    assert status == 201


async def test_nobody_takes_their_own_rights_away(identity: Identity) -> None:
    admin = await identity.sign_in()
    me = admin.principal["user_id"]
    status, problem, _ = await admin("POST", f"/users/{me}/deactivate")
    assert (status, "Ask another administrator" in problem["detail"]) == (409, True)
    _, _, headers = await admin("GET", f"/users/{me}")
    body = {"role": "marketing_manager"}
    status, _, _ = await admin("PATCH", f"/users/{me}", body, If_Match=headers["ETag"])
    assert status == 409


async def test_the_same_request_with_the_same_key_adds_one_user(identity: Identity) -> None:
    admin = await identity.sign_in()
    body = {"name": "Anna", "email": new_email(), "password": PASSWORD}
    first = await admin("POST", "/users", body, Idempotency_Key="add-anna")
    second = await admin("POST", "/users", body, Idempotency_Key="add-anna")
    assert first[:2] == second[:2]
    assert second[2]["Idempotent-Replayed"] == "true"
    other = await admin("POST", "/users", {**body, "name": "B"}, Idempotency_Key="add-anna")
    assert (other[0], other[1]["code"]) == (422, "idempotency-key-reused")
    signed = await identity.sign_in(body["email"])
    assert signed.principal["user_id"] == first[1]["id"]


async def test_teams_are_formed_renamed_and_have_names_of_their_own(identity: Identity) -> None:
    admin = await identity.sign_in()
    _, team, _ = await admin("POST", "/teams", {"name": "Melvin Marxen", "region": "Central"})
    status, problem, _ = await admin("POST", "/teams", {"name": "melvin  marxen"})
    assert (status, problem["kind"]) == (409, "team_name")
    body = {"name": "West coast", "region": "West"}
    await admin("PUT", f"/teams/{team['id']}", body, If_Match='"1"')
    status, _, _ = await admin("POST", "/teams", {"name": "Melvin Marxen"})
    assert status == 201
    _, listed, _ = await admin("GET", "/teams")
    found = [(item["name"], item["region"]) for item in listed["items"]]
    assert found == [("Melvin Marxen", None), ("West coast", "West")]
    status, problem, _ = await admin("POST", "/users", {"name": "A", "team_id": str(new_id())})
    assert (status, problem["errors"][0]["pointer"]) == (422, "#/team_id")


async def test_the_workspace_can_be_renamed_and_moved_to_another_time_zone(
    identity: Identity,
) -> None:
    admin = await identity.sign_in()
    body = {"name": "Books & more", "time_zone": "America/New_York"}
    status, _, _ = await admin("PATCH", "/workspace", body, If_Match='"1"')
    assert status == 200
    _, shown, _ = await admin("GET", "/workspace")
    assert (shown["name"], shown["time_zone"]) == ("Books & more", "America/New_York")
    _, _, headers = await admin("GET", "/workspace")
    body = {"time_zone": "Mars/Olympus"}
    status, problem, _ = await admin("PATCH", "/workspace", body, If_Match=headers["ETag"])
    assert (status, problem["errors"][0]["pointer"]) == (422, "#/time_zone")


async def test_roles_are_told_as_they_are_enforced(identity: Identity) -> None:
    admin = await identity.sign_in()
    _, roles, _ = await admin("GET", "/roles")
    by_name = {role["name"]: role for role in roles["items"]}
    assert set(by_name) == {"administrator", "sales_representative", "marketing_manager"}
    assert by_name["administrator"]["permissions"] == admin.principal["permissions"]


async def open_workspace(admin: Person, name: str, **headers: str) -> tuple[str, str]:
    """Open another workspace; its id and its administrator's address."""
    email = new_email()
    body = {"name": name, "administrator": {"name": "Other", "email": email, "password": PASSWORD}}
    status, made, _ = await admin("POST", "/workspaces", body, **headers)
    assert status == 201, made
    return made["id"], email


async def test_two_workspaces_know_nothing_of_each_other(installation: Identity) -> None:
    admin = await installation.sign_in()
    anna, _ = await add(admin, "Anna")
    _, team, _ = await admin("POST", "/teams", {"name": "North"})
    workspace, email = await open_workspace(admin, "Other shop")
    other = await installation.sign_in(email)
    assert other.principal["workspace"] == workspace
    _, users, _ = await other("GET", "/users")
    assert [item["name"] for item in users["items"]] == ["Other"]
    assert (await other("GET", "/teams"))[1]["items"] == []
    assert (await other("GET", f"/users/{anna}"))[0] == 404
    assert (await other("GET", f"/teams/{team['id']}"))[0] == 404
    status, _, _ = await other("PATCH", f"/users/{anna}", {"name": "Hacked"}, If_Match='"2"')
    assert status == 412  # for them this stream is empty
    assert (await other("POST", f"/users/{anna}/deactivate"))[0] == 404
    status, _, _ = await other("POST", "/users", {"name": "A", "team_id": team["id"]})
    assert status == 422
    _, audit, _ = await other("GET", "/sign-ins")
    assert {item["user_id"] for item in audit["items"]} == {other.principal["user_id"]}
    assert (await other("POST", "/teams", {"name": "North"}))[0] == 201


async def test_only_the_operator_opens_workspaces_unless_everybody_may(
    installation: Identity,
) -> None:
    admin = await installation.sign_in()
    _, email = await open_workspace(admin, "Other shop")
    other = await installation.sign_in(email)
    body = {"name": "Third", "administrator": {"email": new_email(), "password": PASSWORD}}
    assert (await other("POST", "/workspaces", body))[0] == 403
    assert (await installation.post("/api/v1/workspaces", body))[0] == 401


async def test_opening_a_workspace_twice_with_the_same_key_opens_one(
    installation: Identity,
) -> None:
    admin = await installation.sign_in()
    email = new_email()
    body = {"name": "Shop", "administrator": {"email": email, "password": PASSWORD}}
    first = await admin("POST", "/workspaces", body, Idempotency_Key="shop")
    second = await admin("POST", "/workspaces", body, Idempotency_Key="shop")
    assert first[:2] == second[:2]
    assert (await installation.sign_in(email)).principal["workspace"] == first[1]["id"]
