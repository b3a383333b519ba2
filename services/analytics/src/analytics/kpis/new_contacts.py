"""New contacts: how many people were added?"""

from __future__ import annotations

from fractions import Fraction

from analytics.kpi import Kpi, Unit

KPI = Kpi(
    name="new_contacts",
    title="New contacts",
    unit=Unit.COUNT,
    definition="How many people were added to the contacts; erased ones still count.",
    measures=("person_added.people",),
    formula=lambda m: Fraction(m["people"]),
    formula_text="people added",
    dimensions=("owner", "team", "region", "company", "sector", "source", "country"),
    grain="one person added",
    owner="marketing",
    source="A plain count.",
    version=1,
    of_persons=True,
)
