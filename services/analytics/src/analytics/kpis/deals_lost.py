"""Deals lost: how many deals did we lose?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="deals_lost",
    title="Deals lost",
    unit=Unit.COUNT,
    definition="How many deals were lost, by the day of closing; reopened ones do not count.",
    measures=("deal_closed.lost",),
    formula=lambda m: Fraction(m["lost"]),
    formula_text="lost",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="A plain count.",
    version=1,
    more_is_better=False,
)
