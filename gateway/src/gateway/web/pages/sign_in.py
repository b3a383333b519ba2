"""Signing in and out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.web.asking import Refused, refusal
from gateway.web.rendering import render

router = APIRouter()


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/", left: bool = False) -> Response:
    """The form."""
    if request.scope["everlog.caller"].exchanged is not None:
        return RedirectResponse(_safe(next), 303)
    return _form(next=_safe(next), left=left)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check it; on success the edge sets the session's cookie."""
    form = await request.form()
    email, after = str(form.get("email") or "").strip(), _safe(str(form.get("next") or "/"))
    which = {"workspace": str(form["workspace"])} if form.get("workspace") else {}
    answer = await request.scope["everlog.caller"].sign_in(
        email, str(form.get("password") or ""), **which
    )
    if answer.status == 201:
        return RedirectResponse(after, 303)
    refused = refusal(answer)
    if refused.code == "several-workspaces":
        return _form(answer.status, email=email, next=after, workspaces=_choices(refused))
    return _form(answer.status, email=email, next=after, refused=refused)


def _choices(refused: Refused) -> list[tuple[str, str]]:
    """The workspaces to choose from, as id and name."""
    return [(str(each["id"]), str(each["name"])) for each in refused.problem["choices"]]


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    await request.scope["everlog.caller"].sign_out()
    return RedirectResponse("/sign-in?left=true", 303)


def _form(status: int = 200, *, refused: Refused | None = None, **context: Any) -> Response:
    html = render("sign_in.html", refused=refused, **context)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def _safe(path: str) -> str:
    """Only pages of ours: neither another site nor a script."""
    plain = (
        path.startswith("/") and not path.startswith(("//", "/\\", "/sign-")) and "\n" not in path
    )
    return path if plain else "/"
