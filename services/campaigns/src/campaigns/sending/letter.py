"""A letter: a filled wording as a MIME mail with the headers that bulk mail has to have.

RFC 8058 one-click unsubscription, List-Id, Feedback-ID, a Message-ID that stays the same for a
message. Nothing in it asks for an answer by mail: nobody would act on it.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime, quote
from uuid import UUID

from campaigns.domain.wording import Filled
from campaigns.sending.links import Links, Target

_LOCAL = re.compile(r"""[^\s"(),.:;<>@\[\]\\\x00-\x1f]+(\.[^\s"(),.:;<>@\[\]\\\x00-\x1f]+)*""")
_LOCAL_MOST = 64
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_SPECIAL = re.compile(r"""[][\\()<>@,:;".=?]""")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


class BadAddress(ValueError):
    """No mail can be addressed so."""


@dataclass(frozen=True, slots=True)
class Stationery:
    """What is the same on every letter. `returns`: the address that bounces go to."""

    sender: Address
    reply_to: str | None
    returns: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail on its way: envelope and content."""

    return_path: str
    to: str
    content: bytes
    utf8: bool


@dataclass(frozen=True, slots=True)
class Series:
    """What a letter is part of."""

    workspace: UUID
    broadcast_id: UUID
    topic: str


def reader_address(name: str, address: str) -> Address:
    """An address as headers and servers take it. Raises BadAddress."""
    local, _, domain = address.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadAddress("its domain cannot be written in ASCII") from error
    if not (_LOCAL.fullmatch(local) and len(local.encode()) <= _LOCAL_MOST):
        raise BadAddress("the part before the @ is none")
    if not _DOMAIN.fullmatch(ascii_domain):
        raise BadAddress("the part after the @ is no domain")
    return Address(_UNSAFE.sub("", name).strip(), local, ascii_domain)


def broadcast_letter(
    stationery: Stationery,
    series: Series,
    message_id: UUID,
    to: Address,
    filled: Filled,
    links: Links,
    at: datetime,
) -> Letter:
    """The letter of a broadcast to one reader."""
    target = Target(series.workspace, message_id)
    domain = stationery.sender.domain
    feedback = f"{series.broadcast_id.hex[-12:]}:{series.workspace.hex[-12:]}:broadcast"
    headers = {
        **_addressed(stationery, to, filled.subject, message_id, at),
        "List-Id": f"<{_slug(series.topic)}.{series.workspace.hex[-12:]}.{domain}>",
        "List-Unsubscribe": f"<{links.unsubscribe(target)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{feedback}:{domain.partition('.')[0]}",
        "Precedence": "bulk",
    }
    return _posted(headers, filled, message_id, stationery.returns, to)


def test_letter(
    stationery: Stationery, letter_id: UUID, to: Address, filled: Filled, at: datetime
) -> Letter:
    """A letter to see how a template looks in a mail program."""
    subject = f"[Test] {filled.subject}"
    headers = {
        **_addressed(stationery, to, subject, letter_id, at),
        "Auto-Submitted": "auto-generated",
    }
    return _posted(headers, filled, letter_id, stationery.sender.addr_spec, to)


def _addressed(
    stationery: Stationery, to: Address, subject: str, id_: UUID, at: datetime
) -> dict[str, str]:
    headers = {
        "From": _address(stationery.sender),
        "To": _address(to),
        "Subject": _words("Subject", _UNSAFE.sub(" ", subject)),
        "Date": format_datetime(at),
        "Message-ID": f"<{id_}@{stationery.sender.domain}>",
    }
    if stationery.reply_to:
        headers["Reply-To"] = stationery.reply_to
    return headers


def _address(address: Address) -> str:
    if not address.display_name:
        return address.addr_spec
    if address.display_name.isascii():
        name = quote(address.display_name)
        shown = f'"{name}"' if _SPECIAL.search(name) else name
        return f"{shown} <{address.addr_spec}>"
    return f"{_words('To', address.display_name)}\r\n <{address.addr_spec}>"


def _words(header: str, text: str) -> str:
    """Words as a header takes them: encoded if need be, no line longer than it should be."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")


def _posted(
    headers: Mapping[str, str], filled: Filled, id_: UUID, return_path: str, to: Address
) -> Letter:
    """The letter, written out by ourselves: the library takes ten times as long, and encodes
    addresses longer than a line (RFC 8058 links are) so that nobody can read them."""
    boundary = f"=_{id_.hex}"
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"']
    content = b"".join(
        (
            "\r\n".join(lines).encode(),
            b"\r\n",
            _part(boundary, "plain", filled.text),
            _part(boundary, "html", filled.html),
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return Letter(return_path, to.addr_spec, content, not to.username.isascii())


def _part(boundary: str, subtype: str, text: str) -> bytes:
    """A part; `=_` cannot come up in it, so it cannot hold the boundary."""
    head = (
        f"\r\n--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    tidy = text.replace("\r\n", "\n").encode("utf-8", "replace")
    return head.encode() + b2a_qp(tidy, istext=True).replace(b"\n", b"\r\n")


def _slug(topic: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", topic.lower()).strip("-")[:40] or "news"
