"""An export is whole or not there, and nothing is overwritten unasked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from chassis.events import Stored
from chassis.ids import new_id
from embedded.errors import Trouble
from everlog.history.envelope import SCHEMA, batch_of, without_sealed
from everlog.history.writing import Format, Target, target_of, writing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def stored(body: str, **more: Any) -> Stored:
    return Stored(
        workspace=new_id(),
        stream=f"deal-{new_id()}",
        version=1,
        id=new_id(),
        type="pipeline.deal-won.v1",
        occurred_at=NOON,
        recorded_at=NOON,
        actor="user-1",
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
        key_id=more.get("key_id"),
        data=body.encode(),
        hash=b"\x01",
    )


def test_parquet_has_the_whole_envelope_with_types_and_the_body_as_text(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    with writing(Target(path, Format.PARQUET)) as under_way:
        under_way.write("pipeline", batch_of([stored('{"a":1}'), stored('{"a":2}')]))
    file = parquet.ParquetFile(path)
    assert file.schema_arrow.equals(SCHEMA)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.read().column("body").to_pylist() == ['{"a":1}', '{"a":2}']
    assert under_way.events == {"pipeline": 2}


def test_an_export_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    with writing(Target(tmp_path / "none.parquet", Format.PARQUET)):
        pass
    assert parquet.read_table(tmp_path / "none.parquet").num_rows == 0


def test_json_lines_look_like_the_feed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with writing(Target(path, Format.JSONL)) as under_way:
        under_way.write("pipeline", batch_of([stored('{"a":[1,null]}')], [7]))
    [line] = [json.loads(text) for text in path.read_text().splitlines()]
    assert (line["data"], line["feed_number"], line["hash"]) == ({"a": [1, None]}, 7, "01")
    assert line["occurred_at"] == "2026-03-02T12:00:00Z"


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("the one before")

    def break_off() -> None:
        with writing(Target(path, Format.JSONL, overwrite=True)) as under_way:
            under_way.write("pipeline", batch_of([stored("{}")]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert path.read_text() == "the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    for target in (Target(tmp_path / "a", Format.JSONL), Target(tmp_path, Format.JSONL, True)):
        with pytest.raises(Trouble, match="there already"), writing(target):
            pass
    with pytest.raises(Trouble, match="no folder"), writing(Target(tmp_path / "b/c", Format.JSONL)):
        pass


def test_a_folder_is_partitioned_by_service_and_replaced_as_a_whole(tmp_path: Path) -> None:
    target = target_of(f"{tmp_path}/out/", None, overwrite=True)
    for services in (("pipeline", "contacts"), ("contacts",)):
        with writing(target) as under_way:
            for service in services:
                under_way.write(service, batch_of([stored("{}")]))
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")]
    assert files == ["out/service=contacts/events.parquet"]


def test_the_ending_says_the_format_unless_it_is_named() -> None:
    assert target_of("a.jsonl", None, overwrite=False).format is Format.JSONL
    assert target_of("a.parquet", None, overwrite=False).format is Format.PARQUET
    assert target_of("a.parquet", Format.JSONL, overwrite=False).format is Format.JSONL


def test_what_is_sealed_is_left_out_and_nothing_else() -> None:
    looks_like_it = r'{"title":"\"sealed\":\"YQ==\"","sealed":"YWJj+/=="}'
    events = [
        stored('{"a":1,"sealed":"YWJj"}', key_id=new_id()),
        stored('{"sealed":"YWJj"}', key_id=new_id()),
        stored(looks_like_it, key_id=new_id()),
        stored('{"a":1}'),
    ]
    bodies = without_sealed(batch_of(events)).column("body").to_pylist()
    assert bodies == ['{"a":1}', "{}", r'{"title":"\"sealed\":\"YQ==\""}', '{"a":1}']
