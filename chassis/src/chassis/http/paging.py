"""Keyset paging: `limit` and an opaque `cursor`; `{"items": […], "next": …}`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query
from sqlalchemy import ColumnElement, literal, tuple_

from chassis.errors import BadInput

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Cursor = Annotated[
    str | None, Query(description="`next` of the page before; leave out for the first page.")
]


def encode_cursor(values: Sequence[Any]) -> str:
    """A position in a sorted list as an opaque word."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(values))).decode().rstrip("=")


def decode_cursor(cursor: str, types: Sequence[Any]) -> list[Any]:
    """The position in a cursor. Raises BadInput if it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw)
        if not isinstance(values, list) or len(values) != len(types):
            raise ValueError("another list's cursor")
        return [
            None if value is None else msgspec.convert(value, type_)
            for value, type_ in zip(values, types, strict=True)
        ]
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadInput(
            "The cursor does not belong to this list. Take `next` from the page before, with the "
            "same sort and filters, or leave it out to begin at the start."
        ) from error


def page(
    rows: Sequence[T], limit: int, position: Callable[[T], Sequence[Any]]
) -> tuple[Sequence[T], str | None]:
    """The items of a page and the cursor of the next, from `limit + 1` fetched rows."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, encode_cursor(position(kept[-1]))


def after(
    columns: Sequence[ColumnElement[Any]],
    values: Sequence[Any],
    *,
    descending: bool,
    itself: bool = False,
) -> ColumnElement[bool]:
    """The condition for rows after a position, all columns sorted the same way, none null.
    `itself`: and for a row at the position.

    It compares whole rows: that is what lets an index begin there, instead of reading up to there.
    """
    there = tuple_(*(literal(v, c.type) for c, v in zip(columns, values, strict=True)))
    here = tuple_(*columns)
    if itself:
        return here <= there if descending else here >= there
    return here < there if descending else here > there
