"""Minor units as major ones: 1234 is 12.34 EUR, 1234 JPY, 1.234 KWD. Pure."""

from __future__ import annotations

from fractions import Fraction

_OTHER_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def decimals(currency: str) -> int:
    """How many digits of a currency come after the point (ISO 4217)."""
    return _OTHER_DECIMALS.get(currency, 2)


def major(minor: Fraction | int, currency: str) -> float:
    """An amount in major units, rounded half up to what the currency can show."""
    digits = decimals(currency)
    shown = (2 * abs(Fraction(minor)) + 1) // 2
    return float((shown if minor >= 0 else -shown) / Fraction(10**digits))
