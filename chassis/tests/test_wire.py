"""What travels in a message's headers, wherever in them it stands."""

from __future__ import annotations

import random

import pytest
from msgspec import structs

from chassis.chain import GENESIS
from chassis.events import Stored
from chassis.ids import new_id
from chassis.ports import Message, Partition
from chassis.testing.contracts import NOON
from chassis.wire import envelope_of, message_of, stored_of

PLACE = Partition("everlog.parcels", 3)


def stored(*, whole: bool) -> Stored:
    """An event with everything that may be missing, or without."""
    return Stored(
        workspace=new_id(),
        stream=f"parcel-{new_id()}",
        version=7,
        id=new_id(),
        type="parcels.parcel-sent.v1",
        occurred_at=NOON,
        recorded_at=NOON,
        actor="Ada Zürich",
        correlation_id=new_id(),
        causation_id=new_id() if whole else None,
        traceparent=f"00-{1:032x}-{2:016x}-01" if whole else None,
        key_id=new_id() if whole else None,
        data=b"{}",
        hash=GENESIS or bytes(32),
    )


def lying(event: Stored) -> Message:
    """Its message on a topic."""
    out = message_of(event)
    return Message(PLACE, 5, out.key, out.value, tuple(out.headers))


@pytest.mark.parametrize("whole", [True, False])
def test_what_arrives_is_what_was_stored(*, whole: bool) -> None:
    event = stored(whole=whole)
    assert stored_of(lying(event)) == event
    envelope = envelope_of(lying(event))
    assert (envelope.event_id(), envelope.key_id()) == (event.id, event.key_id)


def test_headers_may_stand_in_any_order_and_others_among_them() -> None:
    event = stored(whole=True)
    message = lying(event)
    headers = [*message.headers, ("x-from", b"a mirror")]
    random.Random(1).shuffle(headers)
    assert stored_of(structs.replace(message, headers=headers)) == event


@pytest.mark.parametrize("name", ["ce_stream", "ce_version", "ce_workspaceid", "ce_id", "ce_hash"])
def test_what_lacks_something_is_no_event_of_ours(name: str) -> None:
    message = lying(stored(whole=True))
    headers = [header for header in message.headers if header[0] != name]
    with pytest.raises(ValueError, match=r"everlog\.parcels/3 offset 5 is no"):
        envelope_of(structs.replace(message, headers=headers))


def test_no_headers_are_no_event() -> None:
    with pytest.raises(ValueError, match="no Everlog event"):
        envelope_of(Message(PLACE, 5, None, b"{}", ()))
