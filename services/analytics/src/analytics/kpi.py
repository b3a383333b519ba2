"""What a KPI is: a declaration over facts. Pure: which measures, which formula, which groups.

    WIN_RATE = Kpi(
        name="win_rate", unit=Unit.RATIO, measures=("deal_closed.won", "deal_closed.lost"),
        formula=lambda m: ratio(m["won"], m["won"] + m["lost"]), …)

The engine (analytics.figures) sums the measures in every group and applies the formula; the same
formula over the listed facts of a figure gives the figure again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

Sums = Mapping[str, int]
"""Measures by their names, added up."""

Number = Fraction | None
"""A value, exactly; None if there is none (nothing to divide by)."""


class Unit(StrEnum):
    """What a value is measured in. Money is declared in minor units and told in major ones."""

    RATIO = "ratio"
    MONEY = "money"
    DAYS = "days"
    COUNT = "count"


class Kind(StrEnum):
    """How a KPI meets a period: what happened in it, or how things stood at its end."""

    FLOW = "flow"
    STOCK = "stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A KPI's declaration.

    `definition`: one plain sentence. `formula_text` says what `formula` does. `source`: where the
    formula comes from. `of_persons`: groups with too few people behind them are not told to roles
    that see aggregates only. Bump `version` when the definition changes.
    """

    name: str
    title: str
    unit: Unit
    definition: str
    measures: tuple[str, ...]
    formula: Callable[[Sums], Number]
    formula_text: str
    dimensions: tuple[str, ...]
    grain: str
    owner: str
    source: str
    version: int
    kind: Kind = Kind.FLOW
    of_persons: bool = False
    more_is_better: bool = True

    def facts(self) -> tuple[str, ...]:
        """The facts it is over, each once."""
        return tuple(dict.fromkeys(measure.partition(".")[0] for measure in self.measures))

    def measures_of(self, fact: str) -> tuple[str, ...]:
        """The measures it takes from a fact."""
        wanted = (measure.partition(".") for measure in self.measures)
        return tuple(name for of, _, name in wanted if of == fact)

    def value(self, sums: Sums) -> Number:
        """The value of these sums; a measure without facts is 0."""
        names = (measure.partition(".")[2] for measure in self.measures)
        return self.formula({name: sums.get(name, 0) for name in names})


def ratio(part: int, whole: int) -> Number:
    """Part of a whole, or None of nothing."""
    return Fraction(part, whole) if whole else None
