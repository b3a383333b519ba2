"""Reads vCards (2.1, 3.0, 4.0) and jCards as tables: a row per card, known things in columns. Pure.

Written here because the library there is (vobject) drops a whole file for one broken photo in it:
2 of 18 of the exports in our tests. Photos and keys are not even decoded.
"""

from __future__ import annotations

import quopri
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from chassis.errors import BadInput
from chassis.imports import SEVERAL
from chassis.imports.parsing import decode
from chassis.imports.sheet import Grid

COLUMNS: Mapping[str, str] = {
    "Full name": "name",
    "First name": "first_name",
    "Middle name": "middle_name",
    "Last name": "last_name",
    "Nickname": "custom.nickname",
    "E-mail": "email",
    "E-mail (home)": "email_home",
    "E-mail (other)": "email_other",
    "Phone": "phone",
    "Phone (work)": "phone_work",
    "Phone (home)": "phone_home",
    "Fax": "phone_fax",
    "Phone (other)": "phone_other",
    "Company": "company",
    "Department": "custom.department",
    "Job title": "company_role",
    "Categories": "tags",
    "Birthday": "birthday",
    "Language": "language",
    "Street": "custom.street",
    "City": "city",
    "Region": "custom.region",
    "Postcode": "custom.postcode",
    "Country": "country",
    "Website": "custom.website",
    "Note": "custom.notes",
}
_UID = "UID"
SIGNS = ("Full name", "First name", "E-mail (home)", "Phone (work)", _UID)
_BEGIN = re.compile(rb"^\s*BEGIN:VCARD\s*$", re.IGNORECASE | re.MULTILINE)
_HEAD_BYTES = 4096
_NAME = re.compile(
    r"^(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;(?:\"[^\"]*\"|[^\";:])*)*):(.*)$", re.DOTALL
)
_PARAMETER = re.compile(r";((?:\"[^\"]*\"|[^\";])*)")
_PLAIN = {"nickname": "Nickname", "title": "Job title", "bday": "Birthday", "lang": "Language"}
_PLAIN |= {"note": "Note", "url": "Website", "uid": _UID, "fn": "Full name"}
_SINGLE = frozenset({"Job title", "Birthday", "Language", _UID, "Full name"})
_OF_NO_USE = frozenset({"version", "prodid", "rev", "profile", "begin", "end"})
_ENCODINGS = frozenset({"quoted-printable", "base64", "b", "7bit", "8bit"})


@dataclass(frozen=True, slots=True)
class Property:
    """A line of a card; `parts` are a structured value's, `kinds` its types in small letters."""

    name: str
    value: str
    parts: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()


@dataclass(slots=True)
class Card:
    """What one card says, by column; and the names of what is in no column."""

    values: dict[str, list[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def add(self, column: str, text: str, first: bool = False) -> None:
        """Another value; `first`: it is preferred to those before."""
        text = text.strip()
        known = self.values.setdefault(column, [])
        if text and text not in known:
            known.insert(0 if first else len(known), text)

    def row(self) -> list[str]:
        """The values of all columns."""
        return [SEVERAL.join(self.values.get(column, ())) for column in (*COLUMNS, _UID)]


def read_cards(content: bytes) -> Grid | None:
    """The table of a file of vCards or jCards; None if it is something else. Raises BadInput."""
    head = content[:_HEAD_BYTES]
    if head.lstrip().startswith(b"[") and b'"vcard"' in head:
        return _grid("jcard", list(_jcards(content)))
    if _BEGIN.search(head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf")) is None:
        return None
    text, encoding = decode(content)
    return _grid("vcard", list(_cards(text)), encoding)


def _grid(form: str, cards: Sequence[Card], encoding: str = "utf-8") -> Grid:
    others = Counter(name for card in cards for name in set(card.others))
    left_out = tuple(f"{name} of {count} cards" for name, count in sorted(others.items()))
    rows = [card.row() for card in cards]
    return Grid(form, (*COLUMNS, _UID), rows, left_out, encoding)


def _cards(text: str) -> Iterator[Card]:
    card: Card | None = None
    for line in _unfolded(text):
        upper = line.strip().upper()
        if upper == "BEGIN:VCARD":
            card = Card()
        elif upper == "END:VCARD":
            if card is not None:
                yield card
            card = None
        elif card is not None and (said := _property(line)) is not None:
            _take(card, said)


def _unfolded(text: str) -> Iterator[str]:
    """The lines of a file, put together again: those that begin with a blank, and after a soft line
    break of quoted-printable."""
    held, soft = "", False
    for line in text.splitlines():
        if soft:
            held, soft = held[:-1] + line, _is_soft(held, line)
        elif line[:1] in (" ", "\t") and held:
            held += line[1:]
        else:
            if held:
                yield held
            held, soft = line, _is_soft(line, line)
    if held:
        yield held


def _is_soft(whole: str, line: str) -> bool:
    return line.endswith("=") and "QUOTED-PRINTABLE" in whole.partition(":")[0].upper()


def _property(line: str) -> Property | None:
    match = _NAME.match(line)
    if match is None:
        return None
    name, value = match[1].lower(), match[3]
    kinds: set[str] = set()
    charset, encoding = "utf-8", ""
    for parameter in _PARAMETER.findall(match[2]):
        key, equals, said = parameter.partition("=")
        key, said = (key.strip().lower(), said) if equals else ("type", key)
        words = {word.strip().lower() for word in said.strip('"').split(",")}
        if key == "encoding" or words & _ENCODINGS:
            encoding = next(iter(words))
        elif key == "charset":
            charset = said
        elif key == "type":
            kinds |= words
        elif key == "pref":
            kinds.add("pref")
    if encoding == "quoted-printable":
        value = _quoted_printable(value, charset)
    elif encoding in ("base64", "b"):
        return Property(name, "")
    parts = tuple(_plain(part) for part in re.split(r"(?<!\\);", value))
    return Property(name, _plain(value), parts, frozenset(kinds))


def _quoted_printable(value: str, charset: str) -> str:
    raw = quopri.decodestring(value.encode("utf-8", errors="replace"))
    try:
        return raw.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return decode(raw)[0]


def _plain(text: str) -> str:
    """A text without its backslashes and the line ends of other systems."""
    text = re.sub(r"\\([nN,;:\\\"])", lambda sign: {"n": "\n"}.get(sign[1].lower(), sign[1]), text)
    return text.replace("\r\n", "\n").strip()


def _take(card: Card, said: Property) -> None:
    """Put a property into its column."""
    taken = _STRUCTURED.get(said.name)
    column = _PLAIN.get(said.name)
    if taken is not None:
        taken(card, said)
    elif column is None:
        if said.name not in _OF_NO_USE:
            card.others.append(said.name.upper())
    elif not (column in _SINGLE and card.values.get(column)):
        card.add(column, said.value)


def _take_name(card: Card, said: Property) -> None:
    for column, text in zip(("Last name", "First name", "Middle name"), said.parts, strict=False):
        card.add(column, text)


def _take_organisation(card: Card, said: Property) -> None:
    if "Company" in card.values:
        card.others.append("another ORG")
        return
    card.add("Company", said.parts[0])
    card.add("Department", ", ".join(filter(None, said.parts[1:])))


def _take_email(card: Card, said: Property) -> None:
    card.add(_email_column(said.kinds), said.value, "pref" in said.kinds)


def _take_phone(card: Card, said: Property) -> None:
    number = said.value.removeprefix("tel:").replace(";ext=", " ext. ")
    card.add(_phone_column(said.kinds), number, "pref" in said.kinds)


def _take_categories(card: Card, said: Property) -> None:
    for tag in re.split(r"[,;]", said.value):
        card.add("Categories", "" if tag.strip() == "My Contacts" else tag)


def _take_address(card: Card, said: Property) -> None:
    """The first address of a card, or the preferred one; others are only named."""
    columns = ("Street", "City", "Region", "Postcode", "Country")
    if any(card.values.get(column) for column in columns):
        card.others.append("another ADR")
        return
    box, more, street, *rest = (*said.parts, *("",) * 7)[:7]
    card.add("Street", ", ".join(" ".join(each.split()) for each in (street, more, box) if each))
    for column, text in zip(columns[1:], rest, strict=True):
        card.add(column, text)


_STRUCTURED: Mapping[str, Callable[[Card, Property], None]] = {
    "n": _take_name,
    "org": _take_organisation,
    "adr": _take_address,
    "email": _take_email,
    "tel": _take_phone,
    "categories": _take_categories,
}


def _email_column(kinds: frozenset[str]) -> str:
    if "home" in kinds:
        return "E-mail (home)"
    return "E-mail (other)" if kinds & {"other", "school"} else "E-mail"


def _phone_column(kinds: frozenset[str]) -> str:
    if "fax" in kinds:
        return "Fax"
    if kinds & {"cell", "mobile", "iphone"}:
        return "Phone"
    if "pager" in kinds:
        return "Phone (other)"
    return "Phone (home)" if "home" in kinds else "Phone (work)" if "work" in kinds else "Phone"


def _jcards(content: bytes) -> Iterator[Card]:
    """The cards of a jCard (RFC 7095): one, or a list of them."""
    try:
        told = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise BadInput(f"This jCard is no JSON: {error}.") from error
    for each in [told] if told[:1] == ["vcard"] else told:
        if not (isinstance(each, list) and len(each) > 1 and each[0] == "vcard"):
            raise BadInput('A jCard is a list that begins with "vcard".')
        card = Card()
        for line in each[1]:
            if not (isinstance(line, list) and len(line) > 3 and isinstance(line[1], dict)):
                raise BadInput(f"This jCard has a line that is none: {str(line)[:80]}.")
            name, parameters, _, *values = line
            types = parameters.get("type") or []
            kinds = {kind.lower() for kind in ([types] if isinstance(types, str) else types)}
            kinds |= {"pref"} if parameters.get("pref") else set()
            _take(card, _of_json(str(name).lower(), values, frozenset(kinds)))
        yield card


def _of_json(name: str, values: Sequence[object], kinds: frozenset[str]) -> Property:
    first = values[0] if values else ""
    if isinstance(first, list):
        parts = tuple(" ".join(map(str, e)) if isinstance(e, list) else str(e) for e in first)
        return Property(name, ";".join(parts), parts, kinds)
    text = ",".join(map(str, values))
    return Property(name, text, (text,), kinds)
