"""Words as people type them and as they are compared: without case, accents and signs. Pure."""

from __future__ import annotations

import re
import unicodedata

from chassis.errors import BadInput

TEXT_MOST = 200

_SIGNS = re.compile(r"[\W_]+")
# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})


def folded(text: str) -> str:
    """A text as it is compared and sorted: `Zoë  ÖSTERGÅRD` → `zoe ostergard`."""
    bare = " ".join(text.split()).casefold()
    if bare.isascii():
        return bare
    apart = unicodedata.normalize("NFKD", bare.translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """The folded words of a text, each once, in order: `O'Connor & Sons` → o, connor, sons."""
    return list(dict.fromkeys(word for word in _SIGNS.split(folded(text)) if word))


def tidy(text: str | None, what: str, *, most: int = TEXT_MOST) -> str | None:
    """A text without surplus blanks, None if nothing is left.

    Raises BadInput if it is longer than `most`; `what` is the name of its field.
    """
    kept = " ".join(text.split()) if text else ""
    if "\0" in kept:
        raise malformed(what, "The character U+0000 cannot be kept; take it out.")
    if len(kept) > most:
        raise malformed(what, f"{len(kept)} characters are too many; {most} are allowed.")
    return kept or None


def tidy_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags without surplus blanks, each once (`VIP` and `vip` are one), in their order."""
    kept: dict[str, str] = {}
    for tag in tags:
        name = tidy(tag, "tags", most=60)
        if name is not None:
            kept.setdefault(folded(name), name)
    return tuple(kept.values())


def malformed(field: str, why: str, *, pointer: str = "") -> BadInput:
    """The refusal of one field: what is wrong and where."""
    where = pointer or f"#/{field}"
    return BadInput(f"{field}: {why}", field=field, errors=[{"detail": why, "pointer": where}])
