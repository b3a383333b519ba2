"""New deals: how many deals were opened?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="new_deals",
    title="New deals",
    unit=Unit.COUNT,
    definition="How many deals were opened.",
    measures=("stage_entered.opened",),
    formula=lambda m: Fraction(m["opened"]),
    formula_text="openings",
    dimensions=DEALS,
    grain="one entry of a deal into a stage",
    owner="sales",
    source="A plain count.",
    version=1,
)
