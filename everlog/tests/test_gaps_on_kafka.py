"""What lies on a topic twice, too early or not at all, for whoever reads it in bulk."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec import structs

from chassis.chain import GENESIS
from chassis.events import Stored
from chassis.ids import new_id
from chassis.ports import Message, Partition
from chassis.testing.contracts import NOON
from chassis.wire import message_of
from embedded.errors import Trouble
from everlog.history.topic import Streams

FIRST = Stored(
    workspace=new_id(),
    stream=f"parcel-{new_id()}",
    version=1,
    id=new_id(),
    type="parcels.parcel-sent.v1",
    occurred_at=NOON,
    recorded_at=NOON,
    actor="Ada",
    correlation_id=new_id(),
    causation_id=None,
    traceparent=None,
    key_id=None,
    data=b"{}",
    hash=GENESIS,
)


def lying(versions: Iterable[int]) -> list[Message]:
    """A stream's messages as they lie on their partition."""
    found = []
    for offset, version in enumerate(versions):
        out = message_of(structs.replace(FIRST, version=version, id=new_id()))
        found.append(
            Message(Partition(out.topic, 0), offset, out.key, out.value, tuple(out.headers))
        )
    return found


@pytest.mark.parametrize("versions", [(1, 2, 3), (1, 1, 2, 2, 3), (3, 1, 2, 3), (1, 3, 2, 3)])
def test_every_event_is_taken_once_and_in_its_turn(versions: tuple[int, ...]) -> None:
    streams = Streams()
    assert [stored.version for stored in streams.next_of(lying(versions))] == [1, 2, 3]
    streams.refuse_gaps()


@pytest.mark.parametrize("versions", [(1, 3), (2,), (3, 1, 2)])
def test_what_is_missing_is_not_passed_over(versions: tuple[int, ...]) -> None:
    streams = Streams()
    list(streams.next_of(lying(versions)))
    with pytest.raises(Trouble, match="follows version"):
        streams.refuse_gaps()
