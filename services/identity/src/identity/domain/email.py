"""E-mail addresses that people sign in with, and names as they are compared. Pure."""

from __future__ import annotations

import re
import unicodedata

from chassis.errors import BadInput

_ADDRESS = re.compile(r"^[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)*$")
_LONGEST = 254


def normal_email(text: str) -> str:
    """The one way an address is written. Raises BadInput if it is none."""
    address = unicodedata.normalize("NFC", text).strip().lower()
    if len(address) > _LONGEST or not _ADDRESS.match(address):
        raise BadInput(
            f"{text.strip()!r} is no e-mail address. Write it like name@example.com.",
            errors=[{"pointer": "#/email", "detail": "is no e-mail address"}],
        )
    return address


def folded(name: str) -> str:
    """A name as it is compared and sorted: no case, no accents, single blanks."""
    plain = unicodedata.normalize("NFKD", name)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.casefold().split())
