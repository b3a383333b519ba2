"""Open pipeline: how much are the open deals worth?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kind, Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="open_pipeline",
    title="Open pipeline",
    unit=Unit.MONEY,
    definition="The expected values of all deals that are open at the end of the period.",
    measures=("pipeline_delta.value_minor",),
    formula=lambda m: Fraction(m["value_minor"]),
    formula_text="sum of the values of open deals",
    dimensions=DEALS,
    grain="one change of the open pipeline",
    owner="sales",
    source="Total open pipeline of sales reporting.",
    version=1,
    kind=Kind.STOCK,
)
