"""Open deals: how many deals are in the pipeline?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kind, Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="open_deals",
    title="Open deals",
    unit=Unit.COUNT,
    definition="How many deals are neither won nor lost at the end of the period.",
    measures=("pipeline_delta.deals",),
    formula=lambda m: Fraction(m["deals"]),
    formula_text="deals opened and reopened - deals closed, since the beginning",
    dimensions=DEALS,
    grain="one change of the open pipeline",
    owner="sales",
    source="A plain count.",
    version=1,
    kind=Kind.STOCK,
)
