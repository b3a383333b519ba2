"""How a board looks to those who read it: stages in order, with sums per currency. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis.http.paging import encode_cursor
from pipeline.api import shapes
from pipeline.domain.pipeline import Pipeline, Stage
from pipeline.read_models.deal_board import BoardRows

GROUP_LEAST = 5
"""Figures about fewer deals than these would be figures about single deals."""

Row = Mapping[str, Any]


def board(pipeline: Pipeline, rows: BoardRows, limit: int, at: datetime) -> dict[str, Any]:
    """Stages with sums and cards; stages that were retired only while deals are in them."""
    sums, cards = _by_stage(rows.sums), _by_stage(rows.cards)
    known = {pipeline.pipeline_id: pipeline}
    stages = []
    for stage, retired in _stages(pipeline, sums):
        here = cards.get(stage.key, [])
        shown = here[:limit]
        more = len(here) > limit
        stages.append(
            _stage(stage, sums.get(stage.key, []))
            | {
                "rotten_after_days": stage.rotten_after_days,
                "retired": retired,
                "deals": [shapes.deal(card, known, at) for card in shown],
                "more": more,
                "next": _next(shown[-1]) if more else None,
            }
        )
    return _head(pipeline, at) | {"stages": stages, "totals": _totals(rows.sums)}


def _next(last: Row) -> str:
    """Where `GET /deals?…&status=open&stage=…&sort=-entered` goes on after these cards."""
    return encode_cursor([last["entered_at"], last["deal_id"]])


def summary(pipeline: Pipeline, sums: Sequence[Row], at: datetime) -> dict[str, Any]:
    """Stages with sums over groups that are large enough; the totals are of what is shown."""
    large = [row for row in sums if row["deals"] >= GROUP_LEAST]
    shown, everything = _by_stage(large), _by_stage(sums)
    stages = [
        _stage(stage, shown.get(stage.key, []))
        | {"suppressed": len(shown.get(stage.key, [])) < len(everything.get(stage.key, []))}
        for stage, _ in _stages(pipeline, shown)
    ]
    return _head(pipeline, at) | {
        "minimum_group": GROUP_LEAST,
        "stages": stages,
        "totals": _totals(large),
    }


def _head(pipeline: Pipeline, at: datetime) -> dict[str, Any]:
    return {
        "pipeline": shapes.reference(pipeline.pipeline_id, pipeline.name),
        "as_of": at,
    }


def _stages(pipeline: Pipeline, sums: Mapping[str, Any]) -> Iterable[tuple[Stage, bool]]:
    yield from ((stage, False) for stage in pipeline.stages)
    yield from ((stage, True) for stage in pipeline.retired if stage.key in sums)


def _stage(stage: Stage, sums: Sequence[Row]) -> dict[str, Any]:
    head = {"key": stage.key, "name": stage.name, "probability": stage.probability}
    return head | _totals(sums)


def _totals(sums: Sequence[Row]) -> dict[str, Any]:
    """Count, and sums per currency, the largest first."""
    value: dict[str, int] = defaultdict(int)
    weighted: dict[str, int] = defaultdict(int)
    for row in sums:
        value[row["currency"]] += int(row["value"])
        weighted[row["currency"]] += int(row["weighted"])
    order = sorted(value, key=lambda currency: (-value[currency], currency))
    return {
        "count": sum(row["deals"] for row in sums),
        "sum": [shapes.money(value[currency], currency) for currency in order],
        "weighted": [shapes.money((weighted[c] + 50) // 100, c) for c in order],
    }


def _by_stage(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["stage"]].append(row)
    return dict(found)
