"""How deals look to those who read: the same shape in lists, on cards and as a record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline.domain.pipeline import Pipeline
from pipeline.querying import whole_days


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """An amount with its currency."""
    return {"amount_minor": amount_minor, "currency": currency}


def reference(id_: UUID | None, name: str | None) -> dict[str, Any] | None:
    """Somebody or something else, by id and name."""
    return None if id_ is None else {"id": id_, "name": name}


def deal(
    row: Mapping[str, Any], pipelines: Mapping[UUID, Pipeline], at: datetime
) -> dict[str, Any]:
    """A row with names as a deal; `at`: when it is looked at."""
    pipeline = pipelines.get(row["pipeline_id"])
    days = whole_days(row["entered_at"], at)
    rotten_after = None
    stage_name = row["stage"]
    for stage in _stages(pipeline):
        if stage.key == row["stage"]:
            stage_name, rotten_after = stage.name, stage.rotten_after_days
    is_open = row["status"] == "open"
    return {
        "id": row["deal_id"],
        "version": row["version"],
        "title": row["title"],
        "status": row["status"],
        "pipeline": reference(row["pipeline_id"], pipeline.name if pipeline else None),
        "stage": row["stage"],
        "stage_name": stage_name,
        "probability": row["probability"],
        "value": money(row["value_minor"], row["currency"]),
        "company": reference(row["company_id"], row["company_name"]),
        "contact": reference(row.get("answering_id") or row["contact_id"], row["contact_name"]),
        "owner": reference(row["owner_id"], row["owner_name"]),
        "product": reference(row["product_id"], row["product_name"]),
        "company_id": row["company_id"],
        "contact_id": row.get("answering_id") or row["contact_id"],
        "owner_id": row["owner_id"],
        "product_id": row["product_id"],
        "source": row["source"],
        "expected_close": row["expected_close"],
        "opened_at": row["opened_at"],
        "entered_at": row["entered_at"],
        "days_in_stage": days if is_open else None,
        "rotten": is_open and rotten_after is not None and days >= rotten_after,
        "closed_on": row["closed_on"],
        "external_id": row["external_id"],
        "external_source": row["external_source"],
    }


def _stages(pipeline: Pipeline | None) -> Iterable[Any]:
    return () if pipeline is None else (*pipeline.stages, *pipeline.retired)


def record(
    row: Mapping[str, Any], pipelines: Mapping[UUID, Pipeline], at: datetime
) -> dict[str, Any]:
    """A deal with what only its record shows."""
    lines = [
        {
            "name": line["name"],
            "quantity": line["quantity"],
            "price": money(line["price_minor"], row["currency"]),
            "product_id": line["product_id"],
        }
        for line in row["lines"]
    ]
    return deal(row, pipelines, at) | {
        "lines": lines,
        "reason": row["reason"],
        "closings": row["closings"],
        "changed_at": row["changed_at"],
    }
