"""Mail templates: the list, and writing one with a preview that follows."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from gateway.headers import FRAMED
from gateway.web.asking import Refused, parts
from gateway.web.rendering import render
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/campaigns/templates")

STARTERS = (
    ("newsletter", "Newsletter", "mjml"),
    ("invitation", "Invitation", "mjml"),
    ("letter", "Plain letter", "html"),
)


@cache
def starter(name: str) -> str:
    """The body that a new template begins with."""
    kind = next((kind for key, _, kind in STARTERS if key == name), "")
    if not kind:
        return ""
    path = files("gateway.web").joinpath("starters", f"{name}.{kind}")
    return path.read_text(encoding="utf-8")


@router.get("")
async def templates(visit: Visiting) -> Response:
    """The templates, the last changed first."""
    listed = await visit.api.get("/templates", limit=100)
    return visit.page("campaigns/templates.html", listed=listed, tab="templates")


@router.get("/new")
async def new_template(visit: Visiting, starter_name: str = "newsletter") -> Response:
    """Write one."""
    chosen = visit.request.query_params.get("starter", starter_name)
    kind = next((kind for key, _, kind in STARTERS if key == chosen), "html")
    given = {"format": kind, "body": starter(chosen)}
    return _editor(visit, given, chosen=chosen, fields=await _fields(visit))


@router.get("/{template_id}")
async def template(visit: Visiting, template_id: str) -> Response:
    """Revise one."""
    record = await visit.api.get(f"/templates/{template_id}")
    kind = "mjml" if record.get("mjml") else "html"
    given = {**record, "format": kind, "body": record.get(kind) or ""}
    return _editor(visit, given, record=record, fields=await _fields(visit))


@router.post("/preview")
async def preview(visit: Visiting) -> Response:
    """How what is being written will look: a page for the frame beside the editor."""
    body = _body(visit)
    try:
        found = (await visit.api.post("/templates/preview", body)).body
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        html = render("campaigns/preview_wrong.html", wrong=refused.detail)
        return _framed(html)
    return _framed(str(found.get("html") or ""))


@router.post("")
async def save_new(visit: Visiting) -> Response:
    """Save a new one."""
    try:
        written = await visit.api.post("/templates", _body(visit), once=visit.text("once"))
    except Refused as refused:
        return await _again(visit, refused)
    return visit.done("The template is saved", go=f"/campaigns/templates/{written.id}")


@router.post("/{template_id}")
async def save(visit: Visiting, template_id: str) -> Response:
    """Save a revision, unless somebody else has revised it meanwhile."""
    path = f"/templates/{template_id}"
    try:
        await visit.api.write("PUT", path, _body(visit), version=visit.text("version"))
    except Refused as refused:
        return await _again(visit, refused, {"id": template_id, "version": visit.text("version")})
    return visit.done("The template is saved", go=f"/campaigns/templates/{template_id}")


@router.post("/{template_id}/test")
async def send_test(visit: Visiting, template_id: str) -> Response:
    """Send one mail to look at."""
    to = visit.text("to")
    await visit.api.post(f"/templates/{template_id}/test", {"to": to})
    return visit.done(f"A test is on its way to {to}", close=True)


@router.get("/{template_id}/test")
async def ask_test(visit: Visiting, template_id: str) -> Response:
    """Where the test is to go."""
    return visit.page("campaigns/test.html", template_id=template_id)


def _body(visit: Visit) -> dict[str, Any]:
    kind = "mjml" if visit.text("format") == "mjml" else "html"
    return {
        "name": visit.text("name") or "Untitled",
        "subject": visit.text("subject"),
        kind: _lines(str(visit.form.get("body") or "")),
        "text": _lines(visit.text("text")) or None,
    }


def _lines(text: str) -> str:
    """Browsers send the ends of lines as two characters, which MJML does not like."""
    return text.replace("\r\n", "\n")


async def _fields(visit: Visit) -> list[Any]:
    """The merge fields; a fixed few if the service does not tell them."""
    found = (await parts(visit.api.get("/merge-fields")))[0]
    if found:
        return list(found["fields"])
    return [{"name": name} for name in ("first_name", "last_name", "company", "city")]


async def _again(visit: Visit, refused: Refused, record: Any = None) -> Response:
    if refused.status not in (409, 412, 422):
        raise refused
    names = ("name", "subject", "format", "text")
    given = {name: visit.text(name) for name in names}
    given["body"] = _lines(str(visit.form.get("body") or ""))
    fields = await _fields(visit)
    return _editor(visit, given, record=record, fields=fields, refused=refused)


def _editor(visit: Visit, given: Any, **context: Any) -> Response:
    refused = context.get("refused")
    return visit.page(
        "campaigns/editor.html",
        status=422 if refused else 200,
        given=given,
        starters=STARTERS,
        **context,
    )


def _framed(html: str) -> Response:
    return HTMLResponse(
        html, headers={"Content-Security-Policy": FRAMED, "Cache-Control": "no-store"}
    )
