"""Least size of groups: figures about too few people are held back from who sees aggregates. Pure.

If one figure of a list is held back, another one is too: else it could be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

LEAST = 5
"""People behind a figure, at least."""

G = TypeVar("G", bound=Hashable)


def held_back(people: Mapping[G, int]) -> set[G]:
    """Which of the groups that make up a whole are not told. Nobody at all is no secret."""
    small = {group for group, count in people.items() if 0 < count < LEAST}
    if len(small) == 1:
        others = [group for group, count in people.items() if count >= LEAST]
        if others:
            small.add(min(others, key=lambda group: people[group]))
    return small
