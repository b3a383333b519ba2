"""An audience: whom a broadcast is for, by segments, tags and simple conditions."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from campaigns.domain.words import checked
from chassis.errors import BadInput

_WORDS_MOST = 200

FILTERS = ("city", "company", "country", "language", "owner", "source", "tag")
"""Fields that an audience may be filtered by; `company` and `owner` are ids."""


class Audience(msgspec.Struct, frozen=True):
    """Whom a broadcast is for. All conditions hold; within a field any of its values does.

    `segments`: members of any of these, as they are when sending starts.
    `owners`: only people of these owners (and of nobody), because whoever planned it sees no more.
    """

    everyone: bool = False
    tags: list[str] = []
    match: Literal["any", "all"] = "any"
    filter: dict[str, list[str]] = {}
    owners: list[UUID] | None = None
    segments: list[UUID] = []


def check(audience: Audience) -> None:
    """Raises BadInput if nobody can tell whom it means."""
    unknown = sorted(set(audience.filter) - set(FILTERS))
    if unknown:
        raise BadInput(
            f"Nobody can be filtered by {', '.join(unknown)}. Use {', '.join(FILTERS)}.",
            pointer="#/audience/filter",
        )
    narrowed = bool(audience.tags or audience.filter or audience.segments)
    if narrowed == audience.everyone:
        raise BadInput(
            "Say whom it is for: give segments, tags or a filter, or else `everyone`: true.",
            pointer="#/audience",
        )
    for tag in audience.tags:
        checked("audience/tags", tag, _WORDS_MOST)
    for field, values in audience.filter.items():
        if not values:
            raise BadInput(
                f"The filter '{field}' needs a value.", pointer=f"#/audience/filter/{field}"
            )
        for value in values:
            checked(f"audience/filter/{field}", value, _WORDS_MOST)
        if field in ("company", "owner"):
            _check_ids(field, values)


def _check_ids(field: str, values: list[str]) -> None:
    for value in values:
        try:
            UUID(value)
        except ValueError as error:
            raise BadInput(
                f"Filter '{field}' by its id; '{value}' is none.",
                pointer=f"#/audience/filter/{field}",
            ) from error
