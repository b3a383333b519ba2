"""Revenue won: how much did the deals bring that we won?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="revenue_won",
    title="Revenue won",
    unit=Unit.MONEY,
    definition="The final values of the deals that were won, added up, by the day of closing.",
    measures=("deal_closed.won_minor",),
    formula=lambda m: Fraction(m["won_minor"]),
    formula_text="sum of the final values of deals won",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="Closed-won amount of sales reporting (bookings; no invoices or payments).",
    version=1,
)
