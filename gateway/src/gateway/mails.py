"""The mails that the embedded mail sink has kept: what would have gone out, for looking at.

Reads the Maildir directly. A mail that names its workspace (X-Everlog-Workspace, or the short form
in a broadcast's List-Id) is shown to that workspace only.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import Principal, require
from gateway.asking import as_json
from gateway.headers import FRAMED

router = APIRouter(prefix="/ops/mails", tags=["ops"])

Operator = Annotated[Principal, Depends(require("ops"))]
WORKSPACE = "X-Everlog-Workspace"
_KEY = re.compile(r"^\w[\w.=,+:-]{0,199}$")
_LIST_ID = re.compile(r"\.([0-9a-f]{12})\.")
_SCANNED_MOST = 2000


class Mails:
    """A Maildir, newest first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keys(self, before: tuple[int, str] | None) -> list[tuple[int, str]]:
        """When each mail came (ns) and its key, the newest first, from a position on."""
        found = []
        for folder in ("new", "cur"):
            try:
                entries = os.scandir(self._path / folder)
            except FileNotFoundError:
                continue
            with entries:
                found += [(e.stat().st_mtime_ns, e.name) for e in entries if e.is_file()]
        found.sort(reverse=True)
        return [place for place in found if before is None or place < before]

    def read(self, key: str) -> EmailMessage | None:
        """One mail."""
        for folder in ("new", "cur"):
            try:
                with (self._path / folder / key).open("rb") as file:
                    return message_from_binary_file(file, policy=policy.default)
            except FileNotFoundError:
                continue
        return None

    def latest(
        self, workspace: str, limit: int, before: tuple[int, str] | None, to: str | None
    ) -> list[tuple[tuple[int, str], dict[str, Any]]]:
        """Up to `limit` mails that a workspace may see."""
        found = []
        for place in self.keys(before)[:_SCANNED_MOST]:
            mail = self.read(place[1])
            if mail is None or not _may_see(mail, workspace):
                continue
            summary = summary_of(place[1], mail)
            if to is None or any(to.lower() in address.lower() for address in summary["to"]):
                found.append((place, summary))
            if len(found) == limit:
                break
        return found


def _may_see(mail: EmailMessage, workspace: str) -> bool:
    named = mail.get(WORKSPACE)
    if named is not None:
        return str(named).strip() == workspace
    short = _LIST_ID.search(str(mail.get("List-Id") or ""))
    return short is None or workspace.replace("-", "").endswith(short[1])


def summary_of(key: str, mail: EmailMessage) -> dict[str, Any]:
    """What a list shows of a mail."""
    recipients = mail.get("X-Envelope-To") or mail.get("To") or ""
    return {
        "id": key,
        "from": str(mail.get("From") or mail.get("X-Envelope-From") or ""),
        "to": [part.strip() for part in str(recipients).split(",") if part.strip()],
        "subject": str(mail.get("Subject") or ""),
        "date": _date(mail),
    }


def _date(mail: EmailMessage) -> datetime | None:
    try:
        date = parsedate_to_datetime(str(mail["Date"]))
    except (TypeError, ValueError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def whole_of(key: str, mail: EmailMessage) -> dict[str, Any]:
    """Everything that is shown of one mail."""
    return {
        **summary_of(key, mail),
        "headers": [{"name": name, "value": str(value)} for name, value in mail.items()],
        "text": _part(mail, "plain"),
        "html": _part(mail, "html"),
        "html_url": f"/api/v1/ops/mails/{key}/html",
        "attachments": [
            {"name": part.get_filename() or "", "type": part.get_content_type()}
            for part in _attachments(mail)
        ],
    }


def _attachments(mail: EmailMessage) -> Iterator[EmailMessage]:
    return (part for part in mail.iter_attachments() if isinstance(part, EmailMessage))


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else None


def _mails(request: Request) -> Mails:
    path = request.app.state.service.settings.mailbox
    if path is None:
        raise NotFound(
            "This installation sends real mails (EVERLOG_SMTP) and keeps no copies. Look at the "
            "results of the broadcast, or into your mail server."
        )
    return Mails(path)


@router.get("")
async def list_mails(
    request: Request,
    operator: Operator,
    limit: Limit = 50,
    cursor: Cursor = None,
    to: Annotated[str | None, Query(description="Part of a recipient's address.")] = None,
) -> Response:
    """Mails the sink has kept, the newest first."""
    before = tuple(decode_cursor(cursor, [int, str])) if cursor else None
    workspace = str(operator.workspace)
    found = await asyncio.to_thread(_mails(request).latest, workspace, limit + 1, before, to)
    items, following = page(found, limit, lambda entry: entry[0])
    return as_json({"items": [summary for _, summary in items], "next": following})


@router.get("/{mail_id}")
async def one_mail(request: Request, mail_id: str, operator: Operator) -> Response:
    """One mail: its headers, its text, its HTML."""
    return as_json(whole_of(mail_id, await _one(request, mail_id, operator)))


@router.get("/{mail_id}/html")
async def html_of_mail(request: Request, mail_id: str, operator: Operator) -> Response:
    """The HTML of a mail as a page of its own, safe inside a frame: nothing in it can act."""
    html = whole_of(mail_id, await _one(request, mail_id, operator))["html"]
    if html is None:
        raise NotFound("This mail has no HTML part; see its text.")
    return Response(
        html, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": FRAMED}
    )


async def _one(request: Request, mail_id: str, operator: Principal) -> EmailMessage:
    mails = _mails(request)
    mail = await asyncio.to_thread(mails.read, mail_id) if _KEY.match(mail_id) else None
    if mail is None or not _may_see(mail, str(operator.workspace)):
        raise NotFound("There is no such mail (any more).")
    return mail
