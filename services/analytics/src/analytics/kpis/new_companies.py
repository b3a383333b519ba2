"""New companies: how many companies were added?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit

KPI = Kpi(
    name="new_companies",
    title="New companies",
    unit=Unit.COUNT,
    definition="How many companies were added to the contacts.",
    measures=("company_added.companies",),
    formula=lambda m: Fraction(m["companies"]),
    formula_text="companies added",
    dimensions=("owner", "team", "region", "sector", "country"),
    grain="one company added",
    owner="marketing",
    source="A plain count.",
    version=1,
)
