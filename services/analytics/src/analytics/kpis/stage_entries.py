"""Stage entries: how often did a deal come into a stage?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit
from analytics.kpi_groups import DEALS

KPI = Kpi(
    name="stage_entries",
    title="Stage entries",
    unit=Unit.COUNT,
    definition="How often deals came into a stage: opened there, moved there or reopened there.",
    measures=("stage_entered.entered",),
    formula=lambda m: Fraction(m["entered"]),
    formula_text="entries",
    dimensions=DEALS,
    grain="one entry of a deal into a stage",
    owner="sales",
    source="A plain count; the base of funnels.",
    version=1,
)
