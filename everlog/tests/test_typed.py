"""Every published event has a view with the columns that its contract promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from chassis.events import Event, service_of, wire_name
from chassis.personal import personal_of
from everlog.history.envelope import SCHEMA
from everlog.history.typed import ENVELOPE, columns_of, select_of, view_name
from everlog.manifests import all_manifests

CONTRACTS = Path(__file__).parents[2] / "contracts"
PUBLISHED = {wire_name(e): e for manifest in all_manifests() for e in manifest.published()}


def example_of(type_: str) -> dict[str, Any]:
    service = service_of(type_)
    path = CONTRACTS / service / f"{type_.removeprefix(service + '.')}.json"
    example: dict[str, Any] = json.loads(path.read_text())["example"]
    return example


def answered(event: type[Event], *, clear: bool) -> dict[str, Any]:
    """The example of a contract through the event's view."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.from_arrow(SCHEMA.empty_table()).create("events")
        columns = [name for name in SCHEMA.names if name not in ("type", "body")]
        values = ["2026-03-30" if name.endswith("_at") else "1" for name in columns]
        body = json.dumps(example_of(wire_name(event)))
        connection.execute(
            f"insert into events ({', '.join(columns)}, type, body) "
            f"values ({', '.join('?' * (len(columns) + 2))})",
            [*values, wire_name(event), body],
        )
        select = select_of(event, "events", clear=clear, envelope=ENVELOPE)
        [row] = connection.sql(select).to_arrow_table().to_pylist()
        found: dict[str, Any] = row
        return found


@pytest.mark.parametrize("type_", sorted(PUBLISHED))
def test_every_field_of_a_contract_is_a_column_with_its_value(type_: str) -> None:
    event, example = PUBLISHED[type_], example_of(type_)
    row = answered(event, clear=True)
    columns = columns_of(event, clear=True)
    assert {column.field for column in columns} == set(example) - {"type", "occurred_at"}
    empty = [c.name for c in columns if row[c.name] is None and example[c.field] is not None]
    assert empty == [], "these do not fit the type of their column"


@pytest.mark.parametrize("type_", sorted(t for t, e in PUBLISHED.items() if personal_of(e)))
def test_fields_about_persons_are_no_columns_where_they_are_sealed(type_: str) -> None:
    personal = personal_of(PUBLISHED[type_])
    assert personal is not None
    shown = {column.field for column in columns_of(PUBLISHED[type_], clear=False)}
    assert shown & set(personal.fields) == set()


def test_no_two_events_share_a_view() -> None:
    names = [view_name(type_) for type_ in PUBLISHED]
    assert len(set(names)) == len(names)
    assert view_name("pipeline.deal-won.v1") == "pipeline_deal_won"
    assert view_name("pipeline.deal-won.v2") == "pipeline_deal_won_v2"
