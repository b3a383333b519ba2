"""Deals won: how many deals did we win?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="deals_won",
    title="Deals won",
    unit=Unit.COUNT,
    definition="How many deals were won, by the day of closing; reopened ones do not count.",
    measures=("deal_closed.won",),
    formula=lambda m: Fraction(m["won"]),
    formula_text="won",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="A plain count.",
    version=1,
)
