"""Writes docs/kpis.md from the declarations: `python -m analytics.kpi_docs [FILE]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from analytics.catalogue import FACTS, KPIS
from analytics.dimensions import DIMENSIONS
from analytics.group_sizes import LEAST
from analytics.kpi import Kind, Kpi
from analytics.periods import PERIODS

DOCS = Path("docs") / "kpis.md"

_HEAD = f"""# KPIs

Generated from the declarations in `services/analytics/src/analytics/kpis`; change those and run
`python -m analytics.kpi_docs`.

`GET /api/v1/kpis/NAME?from=&to=&group_by=&as_of=&known_at=&currency=&filter[DIMENSION]=`
answers with a value, a series and `events_url`: the facts behind the value, with the events they
come from.

- `group_by` takes a period ({", ".join(PERIODS)}), one of the KPI's dimensions, or both.
- `as_of` counts what had happened by then, `known_at` what was recorded by then; a day means its
  end.
- A *stock* tells how things stand at the end of the period, a *flow* what happened in it.
- Days are days in UTC. A closing counts for the day it was closed on.
- Amounts of different currencies are never added up: `values` has one per currency.
- Roles that see aggregates only get no groups by owner or company, and of KPIs about persons no
  figure about fewer than {LEAST} of them.
"""


def document() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_kpi(kpi) for kpi in KPIS), _facts(), _dimensions()])


def _kpi(kpi: Kpi) -> str:
    kind = "how things stand" if kpi.kind is Kind.STOCK else "what happened"
    better = "more" if kpi.more_is_better else "less"
    lines = [
        f"## {kpi.title} · `{kpi.name}`",
        "",
        kpi.definition,
        "",
        "| | |",
        "|---|---|",
        f"| unit | {kpi.unit} ({kpi.kind}: {kind}; {better} is better) |",
        f"| formula | {kpi.formula_text} |",
        f"| measures | {', '.join(f'`{measure}`' for measure in kpi.measures)} |",
        f"| grain | {kpi.grain} |",
        f"| dimensions | {', '.join(kpi.dimensions)} |",
        f"| owner | {kpi.owner} |",
        f"| source | {kpi.source} |",
        f"| version | {kpi.version} |",
        "",
    ]
    return "\n".join(lines)


def _facts() -> str:
    rows = (f"| `{f.name}` | {f.title} | {', '.join(f.measures)} |" for f in FACTS.values())
    return "\n".join(
        ["## Facts", "", "| fact | what it is | measures |", "|---|---|---|", *rows, ""]
    )


def _dimensions() -> str:
    return "\n".join(["## Dimensions", "", *_dimension_rows(), ""])


def _dimension_rows() -> Iterator[str]:
    yield "| dimension | KPIs |"
    yield "|---|---|"
    for name in DIMENSIONS:
        kpis = [kpi.name for kpi in KPIS if name in kpi.dimensions]
        yield f"| {name} | {', '.join(kpis)} |"


def main() -> None:
    """Write the page."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    target.write_text(document())


if __name__ == "__main__":
    main()
