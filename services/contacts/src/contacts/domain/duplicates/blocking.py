"""Which records are worth comparing: those that share a key which few others have. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import jellyfish

from contacts.domain.duplicates.traits import EMAIL, FIRST, LAST, PHONE, Traits

BLOCK_MOST = 40
"""A key that more people have says too little, and would make too many pairs."""
_LOCAL_LEAST = 5
_PHONE_DIGITS = 8


def keys_of(traits: Traits, fields: Collection[str]) -> frozenset[int]:
    """The keys of a record, hashed. `fields`: those of which single values tell people apart."""
    return frozenset(map(_hashed, _keys(traits, fields)))


def _hashed(key: str) -> int:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _keys(traits: Traits, fields: Collection[str]) -> Iterable[str]:
    first = traits.get(FIRST, ("",))[0]
    last = traits.get(LAST, ("",))[0]
    sounds = sorted(sound for sound in (_sound(first), _sound(last)) if sound)
    if first and last:
        yield f"name {' '.join(sorted((first, last)))}"
        yield f"sound {' '.join(sounds)}"
    for email in traits.get(EMAIL, ()):
        yield f"email {email}"
        local = email.rpartition("@")[0]
        if len(local) >= _LOCAL_LEAST:
            yield f"local {local}"
    for phone in traits.get(PHONE, ()):
        yield f"phone {phone[-_PHONE_DIGITS:]}"
    for field, values in traits.items():
        if field in (FIRST, LAST, EMAIL, PHONE) or field not in fields:
            continue
        for value in values:
            yield f"{field} {value}"
            for sound in sounds:
                yield f"{field} {value} {sound}"


def _sound(name: str) -> str:
    word = name.replace(" ", "")
    return jellyfish.soundex(word) if word else ""
