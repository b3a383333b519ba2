"""A person as a vCard 4.0 (RFC 6350), as any address book reads it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_OCTETS_A_LINE = 75
_TYPES = {"work": "work", "home": "home", "mobile": "cell", "fax": "fax"}


def vcard(person: Mapping[str, Any]) -> str:
    """The card of a person, from what a record shows (`facts`, with the names of companies)."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", *_lines(person), "END:VCARD", ""]
    return "\r\n".join(_folded(line) for line in lines)


def _lines(person: Mapping[str, Any]) -> Iterator[str]:
    yield f"UID:urn:uuid:{person['id']}"
    yield f"FN:{_escaped(person['name'] or person['email'] or person['id'])}"
    yield f"N:{_escaped(person['last_name'])};{_escaped(person['first_name'])};;;"
    for email in person["emails"]:
        yield f"EMAIL{_kind(email)}:{_escaped(email['address'])}"
    for phone in person["phones"]:
        yield f"TEL{_kind(phone)};VALUE=text:{_escaped(phone['number'])}"
    for number, job in enumerate(person["companies"], start=1):
        yield f"group{number}.ORG:{_escaped(job.get('name'))}"
        if job.get("role"):
            yield f"group{number}.TITLE:{_escaped(job['role'])}"
    if person.get("city") or person.get("country"):
        yield f"ADR:;;;{_escaped(person.get('city'))};;;{_escaped(person.get('country'))}"
    if person.get("birthday"):
        yield f"BDAY:{str(person['birthday']).replace('-', '')}"
    for name, value in (("LANG", person.get("language")), ("TZ", person.get("time_zone"))):
        if value:
            yield f"{name}:{_escaped(value)}"
    if person["tags"]:
        yield f"CATEGORIES:{','.join(map(_escaped, person['tags']))}"


def _kind(reach: Mapping[str, Any]) -> str:
    kind = _TYPES.get(str(reach.get("kind") or ""))
    first = ";PREF=1" if reach.get("primary") else ""
    return f"{f';TYPE={kind}' if kind else ''}{first}"


def _escaped(value: Any) -> str:
    text = "" if value is None else str(value)
    for plain, written in (("\\", "\\\\"), (",", "\\,"), (";", "\\;"), ("\r\n", "\n")):
        text = text.replace(plain, written)
    return text.replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """Long lines go on in the next, after a space; no character is cut in two."""
    return "\r\n ".join(_pieces(line))


def _pieces(line: str) -> Iterable[str]:
    piece, octets, most = "", 0, _OCTETS_A_LINE
    for character in line:
        size = len(character.encode())
        if octets + size > most:
            yield piece
            piece, octets, most = "", 0, _OCTETS_A_LINE - 1
        piece, octets = piece + character, octets + size
    yield piece
