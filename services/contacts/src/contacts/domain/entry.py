"""A way to reach a person as somebody entered it: an e-mail address, a phone number. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

W = TypeVar("W", bound=Any)


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` None: the usual one. `primary`: to be used before the others."""

    text: str
    kind: str | None = None
    primary: bool = False


def with_one_primary(ways: tuple[W, ...]) -> tuple[W, ...]:
    """The same ways, of which exactly one is primary: the first one that says so, or the first."""
    first = next((n for n, way in enumerate(ways) if way.primary), 0)
    return tuple(msgspec.structs.replace(way, primary=n == first) for n, way in enumerate(ways))


def primary_of(ways: Iterable[W]) -> W | None:
    """The way to be used before the others."""
    return next((way for way in ways if way.primary), None)


def with_primary(ways: tuple[W, ...], new: W | None, same: Any) -> tuple[W, ...]:
    """The ways after somebody entered another primary one: it takes the place of the one before,
    unless it is among the others already. None takes the primary one away. `same(a, b)` tells
    whether two are one."""
    others = tuple(way for way in ways if not way.primary)
    if new is None:
        return with_one_primary(others)
    known = next((way for way in ways if same(way, new)), None)
    if known is None:
        return (msgspec.structs.replace(new, primary=True), *others)
    if known.primary:
        new = msgspec.structs.replace(new, kind=known.kind, primary=True)
        return tuple(new if way is known else way for way in ways)
    return tuple(msgspec.structs.replace(way, primary=way is known) for way in ways)
