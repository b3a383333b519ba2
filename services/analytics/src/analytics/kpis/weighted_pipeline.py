"""Weighted pipeline: how much of the open deals' value is to be expected?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kind, Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="weighted_pipeline",
    title="Weighted pipeline",
    unit=Unit.MONEY,
    definition="The values of the deals open at the end of the period, each times the probability "
    "its stage had when the deal came into it.",
    measures=("pipeline_delta.weighted",),
    formula=lambda m: Fraction(m["weighted"], 100),
    formula_text="sum of value x probability of the stage, of open deals",
    dimensions=DEALS,
    grain="one change of the open pipeline",
    owner="sales",
    source="Weighted pipeline of sales reporting: expected value by stage probability.",
    version=1,
    kind=Kind.STOCK,
)
