"""How names are compared: `GTX  pro` is `GTX Pro`, and a stage gets its key from its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chassis.errors import BadInput

NAME_MOST = 200

_SIGNS = re.compile(r"[\W_]+")


def folded(name: str) -> str:
    """A name as it is compared and sorted: without case and surplus blanks."""
    return " ".join(name.split()).casefold()


def squeezed(name: str) -> str:
    """A name without case and any blanks: `GTXPro` and `GTX Pro` are one product."""
    return "".join(name.split()).casefold()


def tidy(name: str, what: str) -> str:
    """A name without surplus blanks. Raises BadInput if nothing is left or it is endless."""
    kept = " ".join(name.split())
    if not kept or len(kept) > NAME_MOST:
        raise BadInput(f"{what} needs a name of 1 to {NAME_MOST} characters.")
    return kept


def key_of(name: str, taken: Iterable[str]) -> str:
    """A short key made from a name, different from those taken: `Proposal sent` → proposal-sent."""
    stem = _SIGNS.sub("-", name.casefold()).strip("-")[:40] or "stage"
    key, number, others = stem, 2, set(taken)
    while key in others:
        key, number = f"{stem}-{number}", number + 1
    return key
