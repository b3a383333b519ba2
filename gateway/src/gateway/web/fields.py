"""Fields that are edited where they are shown: how each is read, typed and sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.web import formatting

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record.

    `shown` is what people read, `typed` what stands in the control, `sent` the body of the PATCH.
    """

    name: str
    label: str
    kind: str = "text"
    choices: str | None = None
    hint: str = ""

    def value(self, record: Record) -> Any:
        """What the record holds."""
        return record.get(self.name)

    def typed(self, record: Record) -> str:
        """What stands in the control."""
        value = self.value(record)
        if self.kind == "money":
            return _major_text(value)
        if isinstance(value, list):
            return ", ".join(str(each) for each in value)
        return "" if value is None else str(value)

    def sent(self, text: str, record: Record, currency: str) -> dict[str, Any]:
        """The body of the PATCH. Raises ValueError with what to do about it."""
        if not text:
            return {self.name: None}
        if self.kind == "number":
            return {self.name: _whole(text)}
        if self.kind == "money":
            held = self.value(record)
            of = str(held["currency"]) if isinstance(held, Mapping) else currency
            return {self.name: {"amount_minor": formatting.minor(text, of), "currency": of}}
        return {self.name: text}


@dataclass(frozen=True, slots=True)
class FullName(Field):
    """First and last name, typed as one."""

    def value(self, record: Record) -> Any:
        """Both."""
        return record.get("name")

    def sent(self, text: str, record: Record, currency: str) -> dict[str, Any]:
        """The last word is the last name, unless it has been that longer."""
        last = str(record.get("last_name") or "")
        if last and text.endswith(last) and len(text) > len(last):
            return {"first_name": text[: -len(last)].strip(), "last_name": last}
        first, _, rest = text.rpartition(" ")
        return {"first_name": first.strip(), "last_name": rest}


@dataclass(frozen=True, slots=True)
class FirstOf(Field):
    """The primary one of several e-mail addresses or phone numbers."""

    many: str = ""
    key: str = ""

    def value(self, record: Record) -> Any:
        """The primary one."""
        entries = _entries(record, self.many)
        primary = next((e for e in entries if e.get("primary")), entries[0] if entries else None)
        return primary.get(self.key) if primary else record.get(self.name)


@dataclass(frozen=True, slots=True)
class NameOf(Field):
    """Another record, shown and typed by its name."""

    def value(self, record: Record) -> Any:
        """Its name."""
        linked = record.get(self.name)
        return linked.get("name") if isinstance(linked, Mapping) else None


def find(fields: Sequence[Field], name: str) -> Field | None:
    """A field by its name."""
    return next((field for field in fields if field.name == name), None)


def _entries(record: Record, name: str) -> list[Mapping[str, Any]]:
    return [entry for entry in record.get(name) or () if isinstance(entry, Mapping)]


def _whole(text: str) -> int:
    cleaned = text.replace(",", "").replace(" ", "")
    if not cleaned.isdigit():
        raise ValueError(f"“{text}” is no whole number. Write it like 1200.")
    return int(cleaned)


def _major_text(value: Any) -> str:
    if not isinstance(value, Mapping) or value.get("amount_minor") is None:
        return ""
    amount = formatting.major(int(value["amount_minor"]), str(value.get("currency") or ""))
    return f"{amount:f}"
