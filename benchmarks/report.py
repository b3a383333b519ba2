"""Results: what was measured, against what, and whether the goal was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `ratio`: measured / reference, both of the same run; `goal` is what it must reach
    (`at_most`: must not exceed). Without a reference the value itself is held to the goal."""

    figure: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = False
    reference: float | None = None
    reference_name: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Measured / reference."""
        return self.value / self.reference if self.reference else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without a goal."""
        if self.goal is None:
            return None
        reached = self.value if self.ratio is None else self.ratio
        return reached <= self.goal if self.at_most else reached >= self.goal

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def table(results: Sequence[Result]) -> str:
    """For people to read."""
    rows: list[tuple[str, ...]] = [("figure", "measured", "reference", "ratio", "goal", "")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _row(result: Result) -> tuple[str, ...]:
    reference = ""
    if result.reference is not None:
        reference = f"{_number(result.reference)} {result.unit} {result.reference_name}".strip()
    ratio = f"{result.ratio:.3g} ×" if result.ratio is not None else ""
    sign = "≤" if result.at_most else "≥"
    unit = "×" if result.ratio is not None else result.unit
    goal = f"{sign} {_number(result.goal)} {unit}" if result.goal is not None else ""
    mark = {True: "met", False: "MISSED", None: ""}[result.met]
    return (
        result.figure,
        f"{_number(result.value)} {result.unit}",
        reference,
        ratio,
        goal,
        mark,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
