"""Sales cycle: how many days pass from opening a deal to winning it?"""

from __future__ import annotations

from analytics.kpi import Kpi, Unit, ratio
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="sales_cycle_days",
    title="Sales cycle",
    unit=Unit.DAYS,
    definition="The mean number of days from the opening to the closing day of the deals won.",
    measures=("deal_closed.cycle_days", "deal_closed.won"),
    formula=lambda m: ratio(m["cycle_days"], m["won"]),
    formula_text="sum of (closing day - opening day) of deals won / deals won",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="Sales cycle length of sales reporting: the arithmetic mean over deals won.",
    version=1,
    more_is_better=False,
)
