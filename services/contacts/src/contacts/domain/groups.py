"""Figures about groups that tell nothing about a single person. Pure."""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST_GROUP = 5
"""Who sees figures about groups only never sees one of fewer people."""


def large_enough(
    sizes: Mapping[str, int], least: int = SMALLEST_GROUP
) -> tuple[dict[str, int], int]:
    """The groups that may be shown, and how many people are in the others together.

    If the others together are too few as well, the smallest group joins them: else they could be
    told by subtracting the shown groups from the whole.
    """
    by_size = sorted(sizes, key=lambda name: (sizes[name], name))
    hidden = [name for name in by_size if sizes[name] < least]
    shown = [name for name in by_size if sizes[name] >= least]
    others = sum(sizes[name] for name in hidden)
    if hidden and others < least and shown:
        others += sizes[shown.pop(0)]
    return {name: sizes[name] for name in reversed(shown)}, others
