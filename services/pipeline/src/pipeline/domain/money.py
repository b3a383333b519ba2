"""Money is a whole number of a currency's smallest unit. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from chassis.errors import BadInput

AMOUNT_MOST = 10**15
"""In minor units: ten thousand billion euros."""

_CODE = re.compile(r"^[A-Z]{3}$")
_DECIMALS = dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0)
_DECIMALS |= dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0)
_DECIMALS |= dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
_PLAIN = re.compile(r"^-?\d+([.,]\d+)?$")
_GROUPED = re.compile(r"^-?[1-9]\d{0,2}([,.' ])\d{3}(?:\1\d{3})*(?:(?!\1)[.,]\d+)?$")
_AMOUNT = re.compile(
    r"^(?:[A-Za-z]{3}|[^\w\s.,'-]{1,3})?\s*(-?\d[\d.,' ]*)\s*(?:[A-Za-z]{3}|[^\w\s.,'-]{1,3})?$"
)


def check_amount(minor: int) -> int:
    """The amount itself. Raises BadInput if it is negative or beyond reason."""
    if not 0 <= minor <= AMOUNT_MOST:
        raise BadInput(f"An amount must be from 0 to {AMOUNT_MOST} minor units (cents).")
    return minor


def check_currency(code: str) -> str:
    """The code in capitals. Raises BadInput if it is none."""
    kept = code.strip().upper()
    if not _CODE.match(kept):
        raise BadInput(f"{code!r} is no currency; use its ISO 4217 code, e.g. EUR.")
    return kept


def decimals(currency: str) -> int:
    """How many digits of a currency come after the point."""
    return _DECIMALS.get(currency, 2)


def parse_amount(text: str, currency: str) -> int:
    """`42,000`, `2500.50`, `1.234,56 €` as minor units. Raises BadInput if it is no amount."""
    found = _AMOUNT.match(" ".join(text.split()))
    try:
        amount = Decimal(_point(found[1].strip()) if found else "").scaleb(decimals(currency))
    except InvalidOperation as error:
        raise BadInput(f"{text!r} is no amount; write it like 1234.56.") from error
    return check_amount(int(amount.to_integral_value(ROUND_HALF_UP)))


def _point(bare: str) -> str:
    """The number with a point before its decimals and no other sign; empty if it is none."""
    grouped = _GROUPED.match(bare)
    if grouped:
        return bare.replace(grouped[1], "").replace(",", ".")
    return bare.replace(",", ".") if _PLAIN.match(bare) else ""
