"""Files of deals and products, row by row."""

from chassis.imports import ImportKind
from pipeline.imports.deals import DEALS
from pipeline.imports.products import PRODUCTS

KINDS: tuple[ImportKind, ...] = (PRODUCTS, DEALS)
"""Products first: deals refer to them."""
