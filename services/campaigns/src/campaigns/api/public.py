"""What readers of mails open, without a token of the API: pictures, links, unsubscription.

Nothing here may fail before a reader's eyes. A picture comes whatever happens; a link leads where
it leads even if nothing can be noted; only who unsubscribes must know whether it worked.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, select_autoescape

from campaigns.domain.agents import class_of
from campaigns.domain.broadcast import BROADCAST, existing
from campaigns.domain.message import MESSAGE, Message, NoteClick, NoteOpen
from campaigns.domain.recipient import RECIPIENT, Recipient, Resubscribe, Unsubscribe, Via
from campaigns.read_models.recipients import fetch_person, values_of
from campaigns.sending.links import Kind, Links, Target
from campaigns.sending.silence import address_hash
from campaigns.sending.wordings import wordings_of
from chassis.decider import handle, load_state
from chassis.errors import NotFound
from chassis.ids import new_id
from chassis.ports import Context
from chassis.telemetry import traceparent

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_PIXEL_HEADERS = {"Cache-Control": "no-store, private", "Content-Type": "image/gif"}

_pages = Environment(
    loader=PackageLoader("campaigns", "pages"), autoescape=select_autoescape(), auto_reload=False
)
_STYLE = _pages.get_template("page.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE_HEADERS = {
    "Cache-Control": "no-store, private",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

router = APIRouter(include_in_schema=False)
log = structlog.get_logger("public")


@router.api_route("/t/o/{token}.gif", methods=["GET", "HEAD"])
async def opened(token: str, request: Request) -> Response:
    """The picture in a mail; that it was fetched is noted, unless the reader forbids it."""
    target = _read(request, "open", token)
    if target is not None and request.method == "GET" and not _private(request):
        command = NoteOpen(_agent(request), _service(request).clock.now())
        await _note(request, target, command)
    return Response(PIXEL, headers=_PIXEL_HEADERS)


@router.api_route("/t/c/{token}", methods=["GET", "HEAD"])
async def clicked(token: str, request: Request) -> Response:
    """A link in a mail: on to where it leads."""
    target = _read(request, "click", token)
    if target is None:
        return _page("lost", 404)
    try:
        address, link = await _where(request, target)
    except NotFound:
        return _page("lost", 404)
    except Exception as error:  # noqa: BLE001 - the reader gets a page that says so
        log.warning("cannot follow a link", error=error)
        return _page("later", 503)
    if request.method == "GET" and not _private(request):
        command = NoteClick(link, _agent(request), _service(request).clock.now())
        await _note(request, target, command)
    headers = {"Location": address, "Cache-Control": "no-store, private"}
    return Response(status_code=302, headers=headers)


@router.get("/u/{token}")
async def ask_whether(token: str, request: Request) -> Response:
    """Asks whether to unsubscribe: link scanners follow links, so looking changes nothing."""
    target = _read(request, "unsubscribe", token)
    if target is None:
        return _page("lost", 404)
    try:
        message, topic = await _about(request, target)
        recipient = await _recipient(request, target, message.person_id)
    except NotFound:
        return _page("lost", 404)
    except Exception as error:  # noqa: BLE001 - the reader gets a page that says so
        log.warning("cannot show a subscription", error=error)
        return _page("later", 503)
    state = _state(recipient, topic)
    return _page("done" if state else "ask", topic=topic, everything=state == "everything")


@router.post("/u/{token}")
async def unsubscribe(token: str, request: Request) -> Response:
    """Unsubscribes at once: RFC 8058 one-click from a mail program, or a button of the page."""
    target = _read(request, "unsubscribe", token)
    if target is None:
        return _page("lost", 404)
    try:
        async with request.form(max_files=4, max_fields=20) as form:
            choice = str(form.get("choice") or "")
        message, topic = await _about(request, target)
        everything = await _carry_out(request, target, message, topic, choice)
    except NotFound:
        return _page("lost", 404)
    except Exception as error:  # noqa: BLE001 - whoever wants out must know that it did not work
        log.warning("cannot unsubscribe", error=error)
        return _page("later", 503)
    if choice == "again":
        return _page("again", topic=topic)
    return _page("done", topic=topic, everything=everything)


async def _carry_out(
    request: Request, target: Target, message: Message, topic: str, choice: str
) -> bool:
    """Do what the reader chose; whether that concerns everything."""
    service, context = _service(request), _context(target)
    now = service.clock.now()
    if choice == "again":
        command = Resubscribe("page", now)
        await handle(service.log, RECIPIENT, message.person_id, command, context)
        return False
    everything = choice == "everything"
    via: Via = "page" if choice else "one-click"
    unsubscribe_ = Unsubscribe(
        message.person_id,
        None if everything else topic,
        via,
        now,
        message.broadcast_id,
        message.message_id,
        await _address_hash(request, target, message.person_id),
    )
    await handle(service.log, RECIPIENT, message.person_id, unsubscribe_, context)
    return everything


async def _address_hash(request: Request, target: Target, person_id: UUID) -> str | None:
    service = _service(request)
    async with service.api.connection(target.workspace) as connection:
        row = await fetch_person(connection, target.workspace, person_id)
    if row is None or not row["email_key"]:
        return None
    return address_hash(service.keyring, target.workspace, row["email_key"])


async def _where(request: Request, target: Target) -> tuple[str, str]:
    """Where a link leads this reader, and the link as the template has it."""
    service = _service(request)
    message = await _message(request, target)
    worded = await wordings_of(service).of(_context(target), message.broadcast_id)
    async with service.api.connection(target.workspace) as connection:
        row = await fetch_person(connection, target.workspace, message.person_id)
    address = worded.wording.target(target.number, values_of(row))
    if address is None:
        raise NotFound("The mail has no such link.")
    return address, worded.wording.links[target.number]


async def _about(request: Request, target: Target) -> tuple[Message, str]:
    """The message that a link came with, and the topic of its broadcast."""
    message = await _message(request, target)
    log_, context = _service(request).log, _context(target)
    broadcast, _ = await load_state(log_, BROADCAST, message.broadcast_id, context)
    return message, existing(broadcast).topic


async def _message(request: Request, target: Target) -> Message:
    service = _service(request)
    message, _ = await load_state(service.log, MESSAGE, target.message_id, _context(target))
    if message is None:
        raise NotFound("There is no such message.")
    return message


async def _recipient(request: Request, target: Target, person_id: UUID) -> Recipient:
    service = _service(request)
    return (await load_state(service.log, RECIPIENT, person_id, _context(target)))[0]


def _state(recipient: Recipient, topic: str) -> str | None:
    if None in recipient.unsubscribed:
        return "everything"
    return "topic" if topic in recipient.unsubscribed else None


async def _note(request: Request, target: Target, command: NoteOpen | NoteClick) -> None:
    """Note an open or a click; if that does not work, the reader does not notice."""
    try:
        await handle(_service(request).log, MESSAGE, target.message_id, command, _context(target))
    except Exception as error:  # noqa: BLE001 - a statistic is not worth a reader's trouble
        log.warning("cannot note", what=type(command).__name__, error=error)


def _context(target: Target) -> Context:
    return Context(target.workspace, "recipient", new_id(), traceparent=traceparent())


def _service(request: Request) -> Any:
    return request.app.state.service


def _read(request: Request, kind: Kind, token: str) -> Target | None:
    service = _service(request)
    return Links(service.keyring, service.settings.public_url).read(kind, token)


def _agent(request: Request) -> str:
    headers = request.headers
    purpose = headers.get("sec-purpose") or headers.get("purpose") or headers.get("x-purpose")
    return class_of(headers.get("user-agent", ""), purpose or "")


def _private(request: Request) -> bool:
    """Whether the reader's program forbids tracking (Global Privacy Control)."""
    return request.headers.get("sec-gpc") == "1"


def _page(name: str, status: int = 200, **values: Any) -> Response:
    html = _pages.get_template(f"{name}.html").render(style=_STYLE, **values)
    return Response(html, status, headers=_PAGE_HEADERS, media_type="text/html")
