"""How much two records agree, field by field: the same, close, alike, different, unknown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rapidfuzz.distance import OSA, JaroWinkler

from contacts.domain.duplicates.traits import EMAIL, FIRST, LAST, Traits

UNKNOWN, DIFFERENT, ALIKE, CLOSE, SAME = 0, 1, 2, 3, 4
LEVELS = ("unknown", "different", "alike", "close", "same")
Agreement = bytes
"""A level per field, in the model's order."""

_CLOSE_WORD, _ALIKE_WORD = 0.93, 0.84
_SHORT, _LONG = 3, 6


def compare(left: Traits, right: Traits, fields: Sequence[str]) -> Agreement:
    """The level of every field. Names that changed places are compared as if they had not."""
    levels = [
        level_of(left[field], right[field], level) if field in left and field in right else UNKNOWN
        for field in fields
    ]
    if EMAIL in fields and levels[fields.index(EMAIL)] not in (UNKNOWN, SAME):
        levels[fields.index(EMAIL)] = _addresses(left, right)
    if _changed_places(left, right):
        for field, other in ((FIRST, LAST), (LAST, FIRST)):
            if field in fields:
                levels[fields.index(field)] = level_of(left[field], right[other], level)
    return bytes(levels)


def _addresses(left: Traits, right: Traits) -> int:
    """How much addresses agree that are not the same. That they are alike says little: colleagues
    have one domain, and many a mailbox is called like its owner, whose name is compared itself."""
    names = {*left.get(FIRST, ()), *left.get(LAST, ())}
    for one in left[EMAIL]:
        mailbox = one.rpartition("@")[0]
        for other in right[EMAIL]:
            if OSA.distance(one, other, score_cutoff=1) <= 1:
                return CLOSE
            named = any(name in mailbox for name in names if len(name) > 1)
            if mailbox == other.rpartition("@")[0] and len(mailbox) > _SHORT and not named:
                return CLOSE
    return DIFFERENT


def _changed_places(left: Traits, right: Traits) -> bool:
    try:
        first, last = left[FIRST][0], left[LAST][0]
        other_first, other_last = right[FIRST][0], right[LAST][0]
    except KeyError:
        return False
    if first == other_first or last == other_last or first[:2] != other_last[:2]:
        return False
    crossed = min(level(first, other_last), level(last, other_first))
    return crossed >= CLOSE > max(level(first, other_first), level(last, other_last))


def level_of(
    left: tuple[str, ...], right: tuple[str, ...], measure: Callable[[str, str], int]
) -> int:
    """How much two lists of values agree: as their best pair does."""
    if len(left) == 1 == len(right):
        return measure(left[0], right[0])
    return max(measure(one, other) for one in left for other in right)


def level(one: str, other: str) -> int:
    """How much two values agree; numbers are of one kind if their digits are."""
    if one == other:
        return SAME
    shorter, longer = (one, other) if len(one) <= len(other) else (other, one)
    if len(longer) - len(shorter) > _LONG and not longer.startswith(shorter):
        return DIFFERENT
    if one.isdigit() and other.isdigit():
        return _digits(one, other, len(shorter))
    if len(shorter) <= 1:
        return ALIKE if longer.startswith(shorter) else DIFFERENT
    likeness = JaroWinkler.similarity(one, other, score_cutoff=_ALIKE_WORD)
    if likeness >= _CLOSE_WORD or (
        len(shorter) > _SHORT and OSA.distance(one, other, score_cutoff=1) <= 1
    ):
        return CLOSE
    return ALIKE if likeness or _same_words(one, other) else DIFFERENT


def _digits(one: str, other: str, length: int) -> int:
    apart = OSA.distance(one, other, score_cutoff=2)
    if length <= _SHORT:
        return ALIKE if apart <= 1 < length else DIFFERENT
    if apart <= 1:
        return CLOSE
    return ALIKE if apart == 2 and length >= _LONG else DIFFERENT


def _same_words(one: str, other: str) -> bool:
    """Whether one text has all words of the other, as an address with and without a suffix."""
    if " " not in one and " " not in other:
        return False
    words, others = set(one.split()), set(other.split())
    return words <= others or others <= words
