"""Sets of dimensions that several KPIs can be grouped and filtered by. Pure."""

from __future__ import annotations

DEALS = (
    "owner",
    "team",
    "region",
    "company",
    "sector",
    "product",
    "series",
    "source",
    "pipeline",
    "stage",
)
