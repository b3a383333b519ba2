"""The note on the broker of how far reactions have come; topics that go when they are told to."""

from __future__ import annotations

import pytest

from chassis.kafka.bookmark import Bookmark
from chassis.kafka.topics import delete_topics, existing_topics, make_topics
from chassis.ports import Partition

pytestmark = pytest.mark.integration

PLACES = [Partition("everlog.marked", number) for number in range(12)]


async def test_workers_note_their_own_partitions_and_whoever_asks_sees_them_all(
    kafka_bootstrap: str,
) -> None:
    await make_topics(kafka_bootstrap, ["everlog.marked"])
    one, other, reader = (Bookmark(kafka_bootstrap, "marked") for _ in range(3))
    assert await reader.read(PLACES) == {}
    await one.keep({PLACES[0]: 3, PLACES[1]: 7})
    await other.keep({PLACES[2]: 9})
    await one.close()
    assert await reader.read(PLACES) == {PLACES[0]: 3, PLACES[1]: 7, PLACES[2]: 9}
    for each in (other, reader):
        await each.close()


async def test_a_broker_that_is_away_keeps_nobody_from_reacting() -> None:
    mark = Bookmark("127.0.0.1:1", "marked")
    await mark.keep({PLACES[0]: 3})
    await mark.close()


async def test_deleted_topics_are_gone_when_the_call_returns(kafka_bootstrap: str) -> None:
    await make_topics(kafka_bootstrap, ["everlog.left"])
    await delete_topics(kafka_bootstrap, ["everlog.left", "everlog.never-there"])
    assert "everlog.left" not in await existing_topics(kafka_bootstrap)
