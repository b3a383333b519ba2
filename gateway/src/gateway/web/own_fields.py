"""Fields of a workspace's own, as forms and records have them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.web.fields import Field, Record
from gateway.web.sentences import readable

TYPES = (
    ("text", "Text"),
    ("number", "Number"),
    ("date", "Date"),
    ("yes_no", "Yes or no"),
    ("choice", "Choice: one of several"),
    ("choices", "Choices: any of several"),
    ("url", "Web address"),
)
WITH_CHOICES = ("choice", "choices")
_OWN = "own-"
_YES_NO = (("yes", "Yes"), ("no", "No"))
_HINTS = {"number": "Like 1100.04", "url": "Like https://example.org"}


@dataclass(frozen=True, slots=True)
class OwnField(Field):
    """One that an administrator has added. `type`: what its values are, as the API calls it."""

    key: str = ""
    type: str = "text"
    offered: Sequence[str] = ()
    required: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> OwnField:
        """As the API tells it."""
        type_ = str(said["type"])
        name = f"{_OWN}{said['key']}"
        return cls(
            name,
            str(said["title"]),
            kind=type_,
            choices=name if type_ in ("choice", "yes_no") else None,
            hint=str(said.get("description") or _HINTS.get(type_, "")),
            key=str(said["key"]),
            type=type_,
            offered=tuple(said.get("choices") or ()),
            required=bool(said.get("required")),
        )

    @property
    def path(self) -> str:
        """How the API and a form call it."""
        return f"custom.{self.key}"

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """What it can be set to, with labels."""
        return _YES_NO if self.type == "yes_no" else [(each, each) for each in self.offered]

    def value(self, record: Record) -> Any:
        """What the record holds; it may be older than the field, and of any type."""
        value = (record.get("custom") or {}).get(self.key)
        if self.type == "yes_no" and isinstance(value, bool):
            return "yes" if value else "no"
        return str(value) if self.type == "url" and value is not None else value

    def said(self, value: Any) -> str:
        """A value as people read it."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{value:,}"
        return dict(self.pairs).get(str(value)) or readable(value)

    def sent(self, text: str, record: Record, currency: str) -> dict[str, Any]:
        """The body of the PATCH. The API reads what a text means."""
        return {"custom": {self.key: text or None}}


def sorted_out(custom: Mapping[str, Any], fields: Sequence[OwnField]) -> list[tuple[str, str]]:
    """What a record holds under keys that nobody defined: key and text."""
    defined = {field.key for field in fields}
    return [(key, readable(value)) for key, value in custom.items() if key not in defined]


def columns_named(
    columns: Sequence[str], fields: Sequence[OwnField], mapping: Mapping[str, str]
) -> dict[str, str]:
    """Which column of a file is which field: as `mapping` says, and the first column that is called
    like an own field is that one."""
    chosen = {column: field for column, field in mapping.items() if field}
    for field in fields:
        called = {_bare(field.key), _bare(field.label)}
        free = (each for each in columns if _bare(each) in called and each not in chosen)
        if field.path not in chosen.values() and (column := next(free, None)):
            chosen[column] = field.path
    return chosen


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
