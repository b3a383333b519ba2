"""Which passwords are good enough."""

from __future__ import annotations

import pytest

from chassis.errors import BadInput
from identity.domain.password import check_password, weakness


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "kR7!vm2pQ", "twelve-chars", "пароль достаточно длинный"],
)
def test_long_or_varied_ones_are_good_enough(password: str) -> None:
    assert weakness(password, "anna@example.com", "Anna Snelling") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("elevenchars", "too short"),
        ("Aa1!Aa1!A", "too short"),
        ("aaaaaaaaaaaaaaaa", "repeats"),
        ("abcdefghijklm", "row of neighbouring"),
        ("qwertyuiopas", "row of neighbouring"),
        ("password1234", "first that are tried"),
        ("PasswordPassword", "first that are tried"),
        ("annabel1234567", "mostly your name"),
        ("Snelling-2026", "mostly your name"),
        ("x" * 300, "more than 256"),
    ],
)
def test_weak_ones_are_refused_for_a_reason(password: str, why: str) -> None:
    assert why in (weakness(password, "annabel@example.com", "Anna Snelling") or "")


def test_the_refusal_says_what_to_do_and_not_the_password() -> None:
    with pytest.raises(BadInput) as refused:
        check_password("hunter2", "anna@example.com", "Anna")
    assert "at least 12 characters" in refused.value.detail
    assert "hunter2" not in refused.value.detail
    assert refused.value.extra["errors"][0]["pointer"] == "#/password"
