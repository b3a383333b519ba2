"""A line of a purchase: so many of one thing, at a price. Pure.

What a line comes to is money, so it is rounded to a minor unit: once, after quantity times price. A
price may be finer than that (0.001 pounds a piece) and is kept as it is: were it rounded itself, a
thousand pieces would come to nothing. Lines are rounded, not purchases: so the total does not
depend on which lines became known together.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import msgspec

from chassis.errors import BadInput
from contacts.domain.words import malformed, tidy

AMOUNT_MOST = 10**14
"""In minor units. Thousands of the largest purchases still add up in the 64 bits of a total."""

_QUANTITY_MOST = 10**9
_FINEST = Decimal("0.000001")
_TITLE_MOST = 300
_SKU_MOST = 100


class PurchaseLine(msgspec.Struct, frozen=True):
    """Amounts are in minor units of the purchase's currency, negative `quantity` is what came back.

    `exact_price_minor`: the price as a decimal number, if it is no whole number of minor units.
    """

    quantity: int
    unit_price_minor: int
    amount_minor: int
    sku: str | None = None
    title: str | None = None
    exact_price_minor: str | None = None

    @property
    def name(self) -> str:
        """What to call the thing."""
        return self.title or self.sku or ""


def purchase_line(
    quantity: int,
    price_minor: Decimal,
    sku: str | None = None,
    title: str | None = None,
    *,
    pointer: str = "#",
) -> PurchaseLine:
    """A line with its amount. `price_minor`: of one piece, in minor units, possibly a fraction.

    Raises BadInput for what no receipt says; `pointer` is where the line stands in the request.
    """
    sku, title = tidy(sku, "sku", most=_SKU_MOST), tidy(title, "title", most=_TITLE_MOST)
    if sku is None and title is None:
        raise malformed("title", "A line needs a title or an SKU.", pointer=f"{pointer}/title")
    if abs(quantity) > _QUANTITY_MOST:
        why = f"{quantity} is out of bounds; at most {_QUANTITY_MOST} pieces are one line."
        raise malformed("quantity", why, pointer=f"{pointer}/quantity")
    if abs(price_minor) >= AMOUNT_MOST or abs(quantity * price_minor) >= AMOUNT_MOST:
        raise _no_price(f"{quantity} × {price_minor} minor units is out of bounds.", pointer)
    whole, exact = _rounded(price_minor), None
    if whole != price_minor:
        if price_minor != price_minor.quantize(_FINEST):
            raise _no_price("At most six digits after the smallest coin are kept.", pointer)
        exact = str(price_minor.normalize())
    return PurchaseLine(quantity, whole, _rounded(quantity * price_minor), sku, title, exact)


def _no_price(why: str, pointer: str) -> BadInput:
    return malformed("unit_price", why, pointer=f"{pointer}/unit_price_minor")


def _rounded(amount: Decimal) -> int:
    """To the nearest, halves away from zero: what is brought back comes to what was paid."""
    return int(amount.to_integral_value(ROUND_HALF_UP))
