"""Win rate: what share of the deals that were decided did we win?"""

from __future__ import annotations

from analytics.kpi import Kpi, Unit, ratio
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="win_rate",
    title="Win rate",
    unit=Unit.RATIO,
    definition="Deals won as a share of all deals decided (won or lost), by the day of closing.",
    measures=("deal_closed.won", "deal_closed.lost"),
    formula=lambda m: ratio(m["won"], m["won"] + m["lost"]),
    formula_text="won / (won + lost)",
    dimensions=DEALS,
    grain="one closing of a deal",
    owner="sales",
    source="The count-based opportunity win rate of sales reporting; open deals are left out.",
    version=1,
)
