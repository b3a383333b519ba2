"""Settings: myself, my sessions and API tokens; users and teams of the workspace."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.visiting import People, Visit, Visiting

router = APIRouter(prefix="/settings")

ROLES = (
    ("administrator", "Administrator"),
    ("sales_representative", "Sales Representative"),
    ("marketing_manager", "Marketing Manager"),
)
_USER = ("name", "email", "role", "team_id", "password")


def tabs_of(visit: Visit) -> list[tuple[str, str, str, str]]:
    """The parts that this visitor may open."""
    tabs = [
        ("me", "Profile", "/settings", "user-circle"),
        ("tokens", "API tokens", "/settings/tokens", "key"),
    ]
    if visit.may("identity.manage"):
        tabs += [
            ("users", "Users", "/settings/users", "users"),
            ("teams", "Teams", "/settings/teams", "users-group"),
        ]
    if visit.may("settings.write"):
        tabs.append(("own_fields", "Own fields", "/settings/fields", "list-details"))
    return tabs


def settings_page(visit: Visit, tab: str, status: int = 200, **context: Any) -> Response:
    """A part of the settings, in the page of all unless it is asked for alone."""
    template = f"settings/{tab}.html" if visit.is_partial else "settings/settings.html"
    return visit.page(template, status=status, tab=tab, tabs=tabs_of(visit), **context)


def _changed(visit: Visit) -> None:
    people: People = visit.request.app.state.people
    people.forget()


@router.get("")
async def profile(visit: Visiting) -> Response:
    """Who I am, how the pages look, where I am signed in."""
    sessions = (await parts(visit.api.get("/sessions")))[0]
    return settings_page(visit, "me", sessions=sessions)


@router.post("/name")
async def rename(visit: Visiting) -> Response:
    """Change my name."""
    await visit.api.write("PATCH", "/me", {"name": visit.text("name")})
    _changed(visit)
    return visit.done("Your name is changed", go="/settings")


@router.post("/password")
async def password(visit: Visiting) -> Response:
    """Set a new password; my other sessions end."""
    body = {name: str(visit.form.get(name) or "") for name in ("current", "new")}
    try:
        await visit.api.post("/me/password", body)
    except Refused as refused:
        return visit.page("settings/password.html", refused=refused, status=422)
    _changed(visit)
    html = visit.html("settings/password.html", refused=None)
    return visit.done("The password is changed; your other sessions have ended", html=html)


@router.post("/sessions/{session_id}/end")
async def end_session(visit: Visiting, session_id: str) -> Response:
    """Sign a device out."""
    await visit.api.write("DELETE", f"/sessions/{session_id}")
    return visit.done("That device is signed out")


@router.get("/tokens")
async def tokens(visit: Visiting) -> Response:
    """My API tokens."""
    return settings_page(visit, "tokens", tokens=await visit.api.get("/api-tokens"))


@router.get("/tokens/new")
async def new_token(visit: Visiting) -> Response:
    """The drawer that makes one."""
    return visit.page("settings/new_token.html")


@router.post("/tokens")
async def make_token(visit: Visiting) -> Response:
    """Make one; its secret is shown now and never again."""
    body = {"name": visit.text("name"), "scopes": visit.texts("scopes")}
    try:
        made = await visit.api.post("/api-tokens", body, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return visit.page("settings/new_token.html", status=422, refused=refused, given=body)
    html = visit.html("settings/token_made.html", made=made.body)
    return visit.done(html=html)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(visit: Visiting, token_id: str) -> Response:
    """Revoke one."""
    await visit.api.write("DELETE", f"/api-tokens/{token_id}")
    return visit.done("The token is revoked")


@router.get("/users")
async def users(visit: Visiting) -> Response:
    """Everybody in the workspace."""
    return settings_page(
        visit, "users", users=await visit.api.get("/users", limit=200), roles=dict(ROLES)
    )


@router.get("/users/new")
async def new_user(visit: Visiting) -> Response:
    """The drawer that adds somebody."""
    return visit.page("settings/user.html", given={}, roles=ROLES, teams=await _teams(visit))


@router.post("/users")
async def add_user(visit: Visiting) -> Response:
    """Add somebody."""
    given = {name: visit.text(name) for name in _USER}
    body = {name: value for name, value in given.items() if value}
    try:
        await visit.api.post("/users", body, once=visit.text("once"))
    except Refused as refused:
        return await _user_again(visit, given, refused)
    _changed(visit)
    return visit.done(f"{given['name']} is added", close=True)


@router.get("/users/{user_id}")
async def user(visit: Visiting, user_id: str) -> Response:
    """The drawer that changes somebody."""
    record, teams = await asyncio.gather(visit.api.get(f"/users/{user_id}"), _teams(visit))
    given = {**record, "team_id": (record.get("team") or {}).get("id")}
    return visit.page("settings/user.html", record=record, given=given, roles=ROLES, teams=teams)


@router.post("/users/{user_id}")
async def change_user(visit: Visiting, user_id: str) -> Response:
    """Change name, address, role or team, or set a new password."""
    given = {name: visit.text(name) for name in _USER}
    body: dict[str, Any] = {name: given[name] for name in ("name", "role")}
    body |= {name: given[name] or None for name in ("email", "team_id")}
    if given["password"]:
        body["password"] = given["password"]
    try:
        await visit.api.patch(f"/users/{user_id}", body, version=visit.text("version"))
    except Refused as refused:
        record = await visit.api.get(f"/users/{user_id}")
        return await _user_again(visit, given, refused, record)
    _changed(visit)
    return visit.done(f"{given['name']} is changed", close=True)


@router.post("/users/{user_id}/{act}")
async def let_in_or_out(visit: Visiting, user_id: str, act: str) -> Response:
    """Deactivate or reactivate somebody."""
    if act not in ("deactivate", "reactivate"):
        raise Refused(404, {"detail": "A user can be deactivated or reactivated."})
    await visit.api.post(f"/users/{user_id}/{act}")
    _changed(visit)
    undo = {"url": f"/settings/users/{user_id}/reactivate"} if act == "deactivate" else None
    told = "may sign in again" if act == "reactivate" else "cannot sign in any more"
    return visit.done(f"The user {told}", undo=undo, close=True)


async def _user_again(
    visit: Visit, given: dict[str, str], refused: Refused, record: Any = None
) -> Response:
    if refused.status not in (404, 409, 412, 422):
        raise refused
    return visit.page(
        "settings/user.html",
        status=422,
        record=record,
        given=given,
        refused=refused,
        roles=ROLES,
        teams=await _teams(visit),
    )


async def _teams(visit: Visit) -> list[Any]:
    found = (await parts(visit.api.get("/teams", limit=200)))[0]
    return list(found["items"]) if found else []


@router.get("/teams")
async def teams(visit: Visiting) -> Response:
    """The teams."""
    listed, people = await asyncio.gather(
        visit.api.get("/teams", limit=200), parts(visit.api.get("/users", limit=200))
    )
    members: dict[str, list[str]] = {}
    for each in people[0]["items"] if people[0] else ():
        team = (each.get("team") or {}).get("id")
        members.setdefault(str(team), []).append(str(each["name"]))
    return settings_page(visit, "teams", teams=listed, members=members)


@router.get("/teams/new")
async def new_team(visit: Visiting) -> Response:
    """The box that forms one."""
    return visit.page("settings/team.html", given={})


@router.post("/teams")
async def form_team(visit: Visiting) -> Response:
    """Form one."""
    given = {"name": visit.text("name"), "region": visit.text("region") or None}
    try:
        await visit.api.post("/teams", given, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return visit.page("settings/team.html", status=422, refused=refused, given=given)
    return visit.done(f"The team {given['name']} is formed", close=True)
