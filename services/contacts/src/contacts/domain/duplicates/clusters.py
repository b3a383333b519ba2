"""Records that are of one person, all together. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def clusters(pairs: Iterable[tuple[T, T]]) -> list[list[T]]:
    """The groups that pairs make, in the order in which their first pair comes."""
    group_of: dict[T, list[T]] = {}
    for left, right in pairs:
        one = group_of.setdefault(left, [left])
        other = group_of.setdefault(right, [right])
        if one is not other:
            one += other
            group_of.update(dict.fromkeys(other, one))
    return list({id(group): group for group in group_of.values()}.values())
