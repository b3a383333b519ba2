"""A field of a workspace's own: what is kept of people beside the usual, and of which type. Pure.

One stream for each key, so no key is taken twice. What a value must be is in `own_values.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, assert_never
from uuid import UUID, uuid5

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event
from contacts.domain.words import folded, malformed, tidy

Type = Literal["text", "number", "date", "yes_no", "choice", "choices", "url"]
WITH_CHOICES = frozenset({"choice", "choices"})
CHOICES_MOST = 100
_TITLE_MOST, _DESCRIPTION_MOST, _CHOICE_MOST, _KEY_MOST = 60, 200, 80, 40
_KEY = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_SIGNS = re.compile(r"[^a-z0-9]+")
_PARTING = re.compile(r"[,;]")


def field_id(workspace: UUID, key: str) -> UUID:
    """The id of the field with this key."""
    return uuid5(workspace, f"own-field {key}")


# --- events


class OwnFieldAdded(Event, frozen=True, tag="contacts.own-field-added.v1"):
    """People have a field more; also again, after it was retired."""

    field_id: UUID
    key: str
    title: str
    value_type: Type
    choices: tuple[str, ...]
    required: bool
    description: str | None


class OwnFieldRetitled(Event, frozen=True, tag="contacts.own-field-retitled.v1"):
    """A field is called or described otherwise."""

    field_id: UUID
    title: str
    description: str | None


class OwnFieldArranged(Event, frozen=True, tag="contacts.own-field-arranged.v1"):
    """A field has other choices, or the same in another order, or is needed or not."""

    field_id: UUID
    choices: tuple[str, ...]
    required: bool


class OwnFieldRetired(Event, frozen=True, tag="contacts.own-field-retired.v1"):
    """A field is not asked for any more. What people have in it stays."""

    field_id: UUID


OwnFieldEvent = OwnFieldAdded | OwnFieldRetitled | OwnFieldArranged | OwnFieldRetired
OWN_FIELD_EVENTS: tuple[type[OwnFieldEvent], ...] = (
    OwnFieldAdded,
    OwnFieldRetitled,
    OwnFieldArranged,
    OwnFieldRetired,
)

# --- commands


@dataclass(frozen=True, slots=True)
class Wording:
    """What a field is called, offers and asks."""

    title: str
    choices: Sequence[str] = ()
    required: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class AddOwnField:
    field_id: UUID
    key: str
    type: Type
    wording: Wording
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeOwnField:
    """What is named in `changes` changes: title, description, choices, required."""

    at: datetime
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RetireOwnField:
    at: datetime


OwnFieldCommand = AddOwnField | ChangeOwnField | RetireOwnField

# --- state


@dataclass(frozen=True, slots=True)
class OwnField:
    """A field as it stands."""

    field_id: UUID
    key: str
    type: Type
    title: str
    choices: tuple[str, ...] = ()
    required: bool = False
    description: str | None = None
    retired: bool = False

    @property
    def name(self) -> str:
        """How a person's record, a file's column and a condition call it."""
        return f"custom.{self.key}"


def evolve(known: OwnField | None, event: OwnFieldEvent) -> OwnField | None:
    """The field after an event."""
    if isinstance(event, OwnFieldAdded):
        return OwnField(
            event.field_id,
            event.key,
            event.value_type,
            event.title,
            event.choices,
            event.required,
            event.description,
        )
    assert known is not None, "the log begins with something else than the field's beginning"
    match event:
        case OwnFieldRetitled():
            return replace(known, title=event.title, description=event.description)
        case OwnFieldArranged():
            return replace(known, choices=event.choices, required=event.required)
        case OwnFieldRetired():
            return replace(known, retired=True)
        case _:
            assert_never(event)


# --- decisions


def key_of(title: str, key: str | None = None) -> str:
    """The key that is given, or one made from the title: `Shoe size` → shoe_size. Raises
    BadInput."""
    if not key:
        key = _SIGNS.sub("_", folded(title)).strip("_")[:_KEY_MOST].rstrip("_")
        if not _KEY.match(key):
            raise malformed("key", "No key can be made from this title; give one like shoe_size.")
    elif not _KEY.match(key):
        raise malformed(
            "key", "It has small letters, digits and _, begins with a letter, and is 40 long most."
        )
    return key


def existing(known: OwnField | None) -> OwnField:
    """The field. Raises NotFound."""
    if known is None or known.retired:
        raise NotFound("There is no such field in this workspace.")
    return known


def decide(command: OwnFieldCommand, known: OwnField | None) -> list[OwnFieldEvent]:
    """What a command comes to."""
    match command:
        case AddOwnField():
            return [_added(command, known)]
        case ChangeOwnField():
            return list(_changed(command, existing(known)))
        case RetireOwnField():
            return [OwnFieldRetired(existing(known).field_id, occurred_at=command.at)]
        case _:
            assert_never(command)


def _added(command: AddOwnField, known: OwnField | None) -> OwnFieldAdded:
    if known is not None and not known.retired:
        raise Conflict(
            f"There is a field with the key {known.key} already: {known.title}. Change that one, "
            "or give another key.",
            code="already-taken",
            field="key",
        )
    if known is not None and known.type != command.type:
        raise Conflict(
            f"There was a field with the key {known.key}, and people still have values of the type "
            f"{known.type} in it. Choose that type, or give another key.",
            code="type-is-settled",
            field="type",
        )
    wording = _checked(command.wording, command.type)
    return OwnFieldAdded(
        command.field_id,
        command.key,
        wording.title,
        command.type,
        tuple(wording.choices),
        wording.required,
        wording.description,
        occurred_at=command.at,
    )


def _changed(command: ChangeOwnField, known: OwnField) -> Iterable[OwnFieldEvent]:
    before = Wording(known.title, known.choices, known.required, known.description)
    after = _checked(replace(before, **command.changes), known.type)
    if (after.title, after.description) != (before.title, before.description):
        yield OwnFieldRetitled(
            known.field_id, after.title, after.description, occurred_at=command.at
        )
    if (after.choices, after.required) != (before.choices, before.required):
        choices = tuple(after.choices)
        yield OwnFieldArranged(known.field_id, choices, after.required, occurred_at=command.at)


def _checked(wording: Wording, type_: Type) -> Wording:
    """The wording without surplus blanks. Raises BadInput."""
    title = tidy(wording.title, "title", most=_TITLE_MOST)
    if title is None:
        raise malformed("title", "Give the field a title.")
    choices: dict[str, str] = {}
    for said in wording.choices:
        choice = tidy(said, "choices", most=_CHOICE_MOST)
        if choice is None:
            continue
        if _PARTING.search(choice):
            raise malformed(
                "choices", f"{choice}: leave , and ; out; they part choices in a file's cell."
            )
        if folded(choice) in choices:
            raise malformed("choices", f"{choice} is there twice.")
        choices[folded(choice)] = choice
    if type_ not in WITH_CHOICES and choices:
        raise malformed("choices", "Only a choice has choices; leave them out.")
    if type_ in WITH_CHOICES and not choices:
        raise malformed("choices", "Name at least one choice.")
    if len(choices) > CHOICES_MOST:
        raise malformed("choices", f"{len(choices)} are too many; {CHOICES_MOST} are allowed.")
    description = tidy(wording.description, "description", most=_DESCRIPTION_MOST)
    return Wording(title, tuple(choices.values()), wording.required, description)


OWN_FIELD: Decider[OwnFieldCommand, OwnField | None, OwnFieldEvent] = Decider(
    "own_field", None, decide, evolve, OWN_FIELD_EVENTS
)
