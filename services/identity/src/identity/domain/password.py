"""Which passwords are good enough. Pure.

Long is what counts; a shorter one has to be varied. What everybody tries first is refused.
"""

from __future__ import annotations

import re

from chassis.errors import BadInput

LONG = 12
SHORTEST = 9
LONGEST = 256
_DISTINCT = 5
_DISTINCT_SHORT = 7
_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^\w]|_"))
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")
_FIRST_TRIED = ("password", "passwort", "letmein", "welcome", "iloveyou", "administrator")


def check_password(password: str, email: str, name: str) -> None:
    """Raises BadInput that says what to do better."""
    reason = weakness(password, email, name)
    if reason is not None:
        raise BadInput(
            f"This password {reason}. Choose at least {LONG} characters, for example four words "
            f"that have nothing to do with each other; {SHORTEST} are enough if upper and lower "
            "case, digits and signs are mixed.",
            code="weak-password",
            errors=[{"pointer": "#/password", "detail": reason}],
        )


def weakness(password: str, email: str = "", name: str = "") -> str | None:
    """What is wrong with a password; None if it is good enough."""
    lowered = password.lower()
    if len(password) > LONGEST:
        return f"has more than {LONGEST} characters"
    if len(password) < SHORTEST or (len(password) < LONG and not _is_varied(password)):
        return "is too short"
    if len(set(lowered)) < _DISTINCT:
        return "repeats the same few characters"
    letters = re.sub(r"[^a-z]", "", lowered)
    if any(lowered in run or lowered[::-1] in run for run in _RUNS):
        return "is a row of neighbouring keys or letters"
    if any(letters == tried or letters == tried * 2 for tried in _FIRST_TRIED):
        return "is among the first that are tried"
    about = [email.lower().partition("@")[0], *name.lower().split()]
    if any(len(word) > 3 and word in lowered and len(lowered) < len(word) + 8 for word in about):
        return "is mostly your name or address"
    return None


def _is_varied(password: str) -> bool:
    kinds = sum(1 for kind in _KINDS if kind.search(password))
    return kinds == len(_KINDS) and len(set(password)) >= _DISTINCT_SHORT
