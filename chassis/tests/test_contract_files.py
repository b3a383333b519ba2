"""Contract files say what is promised, and notice what is taken back."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from chassis.codec import Codec
from chassis.events import Event
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.testing.contract_files import (
    as_published,
    broken_promises,
    contract_of,
    text_of,
    unmet_needs,
    write,
)
from chassis.testing.parcels import EVENTS, PARCEL, ParcelSent
from chassis.vault import DataKey


class SlimSent(Event, frozen=True, tag="parcels.parcel-sent.v1"):
    parcel_id: UUID
    city: str


class GreedySent(Event, frozen=True, tag="parcels.parcel-sent.v1"):
    weight_g: int
    number: str


def test_an_example_is_read_back_as_the_event_it_stands_for() -> None:
    for event in EVENTS:
        contract = contract_of(event)
        read = msgspec.convert(contract["example"], event)
        assert msgspec.to_builtins(read) == contract["example"]


def test_files_are_written_once_and_left_alone_when_nothing_changed(tmp_path: Path) -> None:
    manifest = Manifest("parcels", deciders=(PARCEL,))
    assert len(write(manifest, tmp_path)) == 4
    assert write(manifest, tmp_path) == []
    path = tmp_path / "parcels" / "parcel-sent.v1.json"
    assert path.read_text() == text_of(ParcelSent)
    assert json.loads(path.read_text())["sealed"] == ["receiver"]


def test_an_optional_property_more_breaks_nothing() -> None:
    old = contract_of(ParcelSent)["schema"]
    new = copy.deepcopy(old)
    _properties(new)["weight_g"] = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert broken_promises(old, new) == []


@pytest.mark.parametrize("how", ["gone", "retyped", "optional"])
def test_whatever_is_taken_back_is_noticed(how: str) -> None:
    old = contract_of(ParcelSent)["schema"]
    new = copy.deepcopy(old)
    match how:
        case "gone":
            del _properties(new)["city"]
        case "retyped":
            _properties(new)["city"] = {"type": "integer"}
        case _:
            next(iter(new["$defs"].values()))["required"].remove("city")
    assert broken_promises(old, new)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(schema["$defs"].values()))["properties"]
    return found


def test_a_slim_model_may_read_only_what_is_promised() -> None:
    contract = contract_of(ParcelSent)
    assert unmet_needs(SlimSent, contract) == []
    unmet = "\n".join(unmet_needs(GreedySent, contract))
    assert "GreedySent.number is required here" in unmet
    assert "GreedySent.weight_g is not in the contract" in unmet


def test_a_slim_event_is_published_as_its_owner_would() -> None:
    contract, key = contract_of(ParcelSent), DataKey(new_id(), bytes(32))
    slim = SlimSent(new_id(), "London", occurred_at=datetime(2026, 3, 30, tzinfo=UTC))
    id_ = new_id().bytes
    body = as_published(slim, contract, id_, key)
    read = Codec(EVENTS).decode("parcels.parcel-sent.v1", body, id_, key)
    assert isinstance(read, ParcelSent)
    assert (read.parcel_id, read.city, read.receiver) == (slim.parcel_id, "London", "receiver")
    with pytest.raises(TypeError, match="personal"):
        as_published(slim, contract, id_, None)
