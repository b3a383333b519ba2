"""Amounts as people and other systems write them."""

from __future__ import annotations

import pytest

from chassis.errors import BadInput
from pipeline.domain.money import check_currency, parse_amount


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1054", "USD", 105_400),
        ("0", "USD", 0),
        ("2500.50", "EUR", 250_050),
        ("2500,5", "EUR", 250_050),
        ("42,000", "USD", 4_200_000),
        ("1.234.567", "EUR", 123_456_700),
        ("1.234,56 €", "EUR", 123_456),
        ("$1,234.56", "USD", 123_456),
        ("USD 12", "USD", 1_200),
        ("1\u00a0234,50", "EUR", 123_450),
        ("1'234.50", "CHF", 123_450),
        ("0.125", "KWD", 125),
        ("1500", "JPY", 1_500),
        ("0.005", "USD", 1),
        ("1,234.567", "KWD", 1_234_567),
    ],
)
def test_an_amount_is_read_as_it_is_meant(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text", ["", "abc", "1e5", "12abc34", "-5", "1.2.3", "1,23,456", "1,234,56", "9" * 20]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_amount(text, "USD")


def test_a_currency_is_a_code() -> None:
    assert check_currency(" eur ") == "EUR"
    with pytest.raises(BadInput, match="ISO 4217"):
        check_currency("€")
