"""docs/kpis.md says what the declarations say."""

from __future__ import annotations

from pathlib import Path

from analytics.catalogue import KPIS
from analytics.kpi_docs import DOCS, document

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    told = (ROOT / DOCS).read_text()
    assert told == document(), "run: .venv/bin/python -m analytics.kpi_docs"


def test_every_declaration_is_complete() -> None:
    for kpi in KPIS:
        texts = (kpi.title, kpi.definition, kpi.formula_text, kpi.grain, kpi.owner, kpi.source)
        assert all(texts), kpi.name
        assert kpi.definition.endswith(".")
        assert kpi.version >= 1
        assert kpi.facts()
