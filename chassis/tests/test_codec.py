"""Events become bytes and come back; what is personal is sealed; old versions are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from chassis.codec import Codec
from chassis.errors import Tampered, UnknownEvent
from chassis.events import ERASED, PERSONAL, Event, Upcaster, category_of, id_of, wire_name
from chassis.ids import new_id
from chassis.personal import personal_of
from chassis.vault import Keyring

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYRING = Keyring(bytes(32))


class GuestMoved(Event, frozen=True, tag="hotel.guest-moved.v2"):
    subject_field: ClassVar[str | None] = "guest_id"

    guest_id: UUID
    room: int
    name: Annotated[str, PERSONAL]
    nickname: Annotated[str | None, PERSONAL] = None
    phones: Annotated[list[str], PERSONAL] = msgspec.field(default_factory=list)
    notes: Annotated[dict[str, str], PERSONAL] = msgspec.field(default_factory=dict)


class RoomCleaned(Event, frozen=True, tag="hotel.room-cleaned.v1"):
    room: int


def _to_v2(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**body, "room": int(body["room"].removeprefix("R"))}


CODEC = Codec(
    (GuestMoved, RoomCleaned), (Upcaster("hotel.guest-moved.v1", "hotel.guest-moved.v2", _to_v2),)
)


def sealed_guest() -> tuple[GuestMoved, UUID, bytes, Any]:
    event = GuestMoved(new_id(), 7, "Ada", "A", ["1"], {"x": "y"}, occurred_at=NOON)
    event_id = new_id()
    key, _ = KEYRING.new_key(new_id(), new_id())
    return event, event_id, CODEC.encode(event, event_id.bytes, key), key


def test_an_event_without_personal_fields_is_plain_json() -> None:
    event = RoomCleaned(7, occurred_at=NOON)
    data = CODEC.encode(event, b"", None)
    assert msgspec.json.decode(data) == {
        "type": "hotel.room-cleaned.v1",
        "room": 7,
        "occurred_at": "2026-03-02T12:00:00Z",
    }
    assert CODEC.decode("hotel.room-cleaned.v1", data, b"", None) == event


def test_personal_fields_are_not_in_the_bytes_and_come_back_with_the_key() -> None:
    event, event_id, data, key = sealed_guest()
    assert set(msgspec.json.decode(data)) == {"type", "guest_id", "room", "occurred_at", "sealed"}
    assert CODEC.decode(wire_name(GuestMoved), data, event_id.bytes, key) == event


def test_without_the_key_the_shape_stays_and_the_person_is_gone() -> None:
    event, event_id, data, _ = sealed_guest()
    erased = CODEC.decode(wire_name(GuestMoved), data, event_id.bytes, None)
    assert erased == GuestMoved(event.guest_id, 7, ERASED, None, [], {}, occurred_at=NOON)


def test_a_sealed_part_cannot_be_moved_to_another_event() -> None:
    _, _, data, key = sealed_guest()
    with pytest.raises(Tampered):
        CODEC.decode(wire_name(GuestMoved), data, new_id().bytes, key)


def test_a_personal_event_is_not_encoded_without_a_key() -> None:
    event, event_id, _, _ = sealed_guest()
    with pytest.raises(TypeError, match="needs its subject's key"):
        CODEC.encode(event, event_id.bytes, None)


def test_an_old_version_is_upcast_on_read_and_its_sealed_part_stays() -> None:
    event, event_id, data, key = sealed_guest()
    body = msgspec.json.decode(data) | {"type": "hotel.guest-moved.v1", "room": "R7"}
    old = msgspec.json.encode(body)
    assert CODEC.knows("hotel.guest-moved.v1")
    assert CODEC.needs_key("hotel.guest-moved.v1")
    assert CODEC.decode("hotel.guest-moved.v1", old, event_id.bytes, key) == event


def test_an_unknown_wire_name_is_refused() -> None:
    with pytest.raises(UnknownEvent):
        CODEC.decode("hotel.pool-filled.v1", b"{}", b"", None)


def test_personal_fields_need_a_subject_and_a_type_that_can_be_erased() -> None:
    class NoSubject(Event, frozen=True, tag="hotel.no-subject.v1"):
        name: Annotated[str, PERSONAL]

    class Number(Event, frozen=True, tag="hotel.number.v1"):
        subject_field: ClassVar[str | None] = "guest_id"

        guest_id: UUID
        age: Annotated[int, PERSONAL]

    with pytest.raises(TypeError, match="subject_field"):
        personal_of(NoSubject)
    with pytest.raises(TypeError, match="age"):
        personal_of(Number)


def test_wire_names_have_a_form() -> None:
    class Wrong(Event, frozen=True, tag="GuestMoved"):
        room: int

    with pytest.raises(TypeError, match=r"service\.noun-verb"):
        wire_name(Wrong)


def test_a_stream_tells_its_category_and_id() -> None:
    id_ = new_id()
    assert (category_of(f"api-token-{id_}"), id_of(f"api-token-{id_}")) == ("api-token", id_)


def test_a_body_can_be_opened_as_it_was_before_it_was_sealed() -> None:
    event, event_id, data, key = sealed_guest()
    opened = CODEC.opened("hotel.guest-moved.v2", data, event_id.bytes, key)
    assert msgspec.json.decode(opened)["name"] == "Ada"
    assert b"sealed" not in opened
    assert CODEC.decode_opened("hotel.guest-moved.v2", opened) == event


def test_without_the_key_an_opened_body_reads_as_erased() -> None:
    _, event_id, data, _ = sealed_guest()
    body = msgspec.json.decode(CODEC.opened("hotel.guest-moved.v2", data, event_id.bytes, None))
    assert (body["name"], body["phones"], body["room"]) == (ERASED, [], 7)


def test_an_old_version_is_opened_as_it_was_written_and_read_as_the_new_one() -> None:
    event, event_id, data, key = sealed_guest()
    body = msgspec.json.decode(data)
    old = msgspec.json.encode({**body, "type": "hotel.guest-moved.v1", "room": "R7"})
    opened = CODEC.opened("hotel.guest-moved.v1", old, event_id.bytes, key)
    assert msgspec.json.decode(opened)["room"] == "R7"
    assert CODEC.decode_opened("hotel.guest-moved.v1", opened) == event


def test_a_body_without_personal_fields_is_opened_as_it_is() -> None:
    data = CODEC.encode(RoomCleaned(7, occurred_at=NOON), b"", None)
    assert CODEC.opened("hotel.room-cleaned.v1", data, b"", None) == data
    with pytest.raises(UnknownEvent):
        CODEC.opened("hotel.room-burnt.v1", data, b"", None)
