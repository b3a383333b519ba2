"""Amounts of money in the smallest unit of their currency. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_DECIMALS = dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0)
_DECIMALS |= dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0)
_DECIMALS |= dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


def exact_minor_units(amount: Decimal, currency: str) -> Decimal:
    """12.345, EUR → 1234.5."""
    return amount.scaleb(_DECIMALS.get(currency, 2))


def major_units(amount: Decimal, currency: str) -> Decimal:
    """1234.5, EUR → 12.345."""
    return amount.scaleb(-_DECIMALS.get(currency, 2))


def minor_units(amount: Decimal, currency: str) -> int:
    """12.34, EUR → 1234."""
    return int(exact_minor_units(amount, currency).to_integral_value(ROUND_HALF_UP))


def readable(minor: int, currency: str) -> str:
    """1234567, EUR → 12,345.67 EUR."""
    decimals = _DECIMALS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-decimals):,.{decimals}f} {currency}"
