"""Average deal: how much does a deal bring that we win?"""

from __future__ import annotations

from analytics.kpi import Kpi, Unit, ratio
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="average_deal",
    title="Average deal",
    unit=Unit.MONEY,
    definition="The revenue won divided by the number of deals won, by the day of closing.",
    measures=("deal_closed.won_minor", "deal_closed.won"),
    formula=lambda m: ratio(m["won_minor"], m["won"]),
    formula_text="revenue won / deals won",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="Average deal size of sales reporting: the arithmetic mean over deals won.",
    version=1,
)
