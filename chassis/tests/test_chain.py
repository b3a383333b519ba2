"""The hash chain notices every change, gap and move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chassis.chain import GENESIS, digest, link, verify
from chassis.errors import Tampered
from chassis.events import Stored
from chassis.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def stream(length: int) -> list[Stored]:
    workspace, name, previous, events = new_id(), f"parcel-{new_id()}", GENESIS, []
    for version in range(1, length + 1):
        at = NOON + timedelta(minutes=version)
        event = Stored(
            workspace, name, version, new_id(), "a.b-c.v1", NOON, at, "user-1", new_id(), None,
            None, None, b'{"n":%d}' % version, b"",
        )  # fmt: skip
        previous = link(previous, version, at, digest(event))
        events.append(replace(event, hash=previous))
    return events


def test_an_untouched_stream_verifies() -> None:
    events = stream(5)
    assert verify(events) == events[-1].hash
    assert verify([]) == GENESIS


@given(
    st.integers(0, 4),
    st.sampled_from(
        ["data", "occurred_at", "recorded_at", "actor", "type", "id", "key_id", "causation_id"]
    ),
)
def test_a_change_anywhere_is_noticed(place: int, what: str) -> None:
    events = stream(5)
    changed = {
        "data": b'{"n":0}',
        "occurred_at": NOON + timedelta(microseconds=1),
        "recorded_at": NOON,
        "actor": "user-2",
        "type": "a.b-d.v1",
    }.get(what, new_id())
    events[place] = replace(events[place], **{what: changed})
    with pytest.raises(Tampered):
        verify(events)


@given(st.integers(0, 3))
def test_a_missing_or_swapped_event_is_noticed(place: int) -> None:
    events = stream(5)
    with pytest.raises(Tampered):
        verify(events[:place] + events[place + 1 :])
    events[place], events[place + 1] = events[place + 1], events[place]
    with pytest.raises(Tampered):
        verify(events)
