"""Which fields of an event are about a person, and what is left of them after erasure. Pure."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from chassis.events import ERASED, Event


@dataclass(frozen=True, slots=True)
class Personal:
    """The personal side of an event class: fields, what each reads as when erased, subject."""

    fields: tuple[str, ...]
    erased: dict[str, Any]
    subject: Callable[[Event], UUID]


@cache
def personal_of(event: type[Event]) -> Personal | None:
    """The personal side of an event class, or None if it holds nothing about a person.

    Raises TypeError if the class marks personal fields but names no `subject_field`, or if a
    personal field has a type for which there is no erased value.
    """
    hints = get_type_hints(event, include_extras=True)
    marked = {name: hint for name, hint in hints.items() if _is_personal(hint)}
    if not marked:
        return None
    if event.subject_field is None:
        raise TypeError(f"{event.__name__} has personal fields but names no subject_field")
    subject_field = event.subject_field
    erased = {name: _erased(event, name, get_args(hint)[0]) for name, hint in marked.items()}
    return Personal(tuple(marked), erased, lambda e: getattr(e, subject_field))


def _is_personal(hint: Any) -> bool:
    return get_origin(hint) is Annotated and any(
        isinstance(mark, msgspec.Meta) and (mark.extra or {}).get("personal")
        for mark in get_args(hint)[1:]
    )


def _erased(event: type[Event], name: str, hint: Any) -> Any:
    """Optional → null, text → `[erased]`, lists → empty: the shape stays, the person is gone."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType) and type(None) in get_args(hint):
        return None
    if hint is str:
        return ERASED
    if origin in (tuple, list, frozenset, set):
        return []
    if origin is dict:
        return {}
    raise TypeError(f"{event.__name__}.{name}: a personal field must be text, optional or a list")
