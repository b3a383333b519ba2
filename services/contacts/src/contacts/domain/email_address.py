"""An e-mail address: kept as it was entered, and folded for finding and matching. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from contacts.domain.entry import Entry, with_one_primary
from contacts.domain.words import malformed

KINDS = ("work", "home", "other")

_SHORT = 64
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*\Z")


class EmailAddress(msgspec.Struct, frozen=True):
    """`address` as entered; `folded` is what two spellings of one mailbox have in common."""

    address: str
    kind: str = "work"
    primary: bool = False
    folded: str = ""


def parse_email(entry: Entry, *, pointer: str = "#/email") -> EmailAddress:
    """The address in an entry. Raises BadInput saying what is wrong with it.

    Nobody is asked whether the mailbox exists: that would be slow, and tells the mailbox's owner.
    Addresses of machines (`ada@[127.0.0.1]`) and in quotes are refused: hardly any program takes
    them, and mail to a number would go around every name.
    Blanks around it are a slip, line breaks are refused: they would end a header of a mail.
    """
    text, kind = entry.text.strip(" \t\u00a0"), (entry.kind or "work").strip().lower()
    if kind not in KINDS:
        raise malformed("email", f"there is no kind {kind!r}; use one of {KINDS}", pointer=pointer)
    try:
        normalized = _normalized(text)
    except EmailNotValidError as error:
        why = f"{text!r} is no e-mail address: {error}"
        raise malformed("email", why, pointer=pointer) from None
    return EmailAddress(text, kind, entry.primary, normalized.casefold())


def _normalized(text: str) -> str:
    """The address as everybody would write it. Raises EmailNotValidError.

    Files have thousands of addresses and few domains: of plain ones the domain is judged once.
    """
    name, _, domain = text.rpartition("@")
    if len(text) <= _SHORT and domain.isascii() and _PLAIN_NAME.match(name):
        return f"{name}@{_domain(domain)}"
    return _judged(text).normalized


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    return _judged(f"a@{domain}").domain


def _judged(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False, test_environment=True, strict=True)


def parse_emails(
    entries: Iterable[Entry], *, pointer: str = "#/emails"
) -> tuple[EmailAddress, ...]:
    """Several addresses, each once, exactly one of them primary: the first one that says so."""
    kept: dict[str, EmailAddress] = {}
    for number, entry in enumerate(entries):
        address = parse_email(entry, pointer=f"{pointer}/{number}/address")
        kept.setdefault(address.folded, address)
    return with_one_primary(tuple(kept.values()))
