"""Minor and major units."""

from __future__ import annotations

from fractions import Fraction

import pytest

from analytics.currencies import major


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (1234, "EUR", 12.34),
        (1234, "JPY", 1234.0),
        (1234, "KWD", 1.234),
        (Fraction(350, 3), "EUR", 1.17),
        (Fraction(5, 2), "EUR", 0.03),
        (Fraction(-5, 2), "EUR", -0.03),
        (0, "EUR", 0.0),
    ],
)
def test_amounts_are_told_in_major_units(minor: int, currency: str, told: float) -> None:
    assert major(Fraction(minor), currency) == told
