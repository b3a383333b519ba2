"""Clients of Kafka that are cancelled while they start leave nothing open behind."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import RangeSource
from chassis.kafka.topics import make_topics, partitions_of
from chassis.wire import KEYS_TOPIC

pytestmark = pytest.mark.integration

MOMENTS_MS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24)


async def _consume(bootstrap: str) -> None:
    source = RangeSource(bootstrap, dict.fromkeys(partitions_of([KEYS_TOPIC]), 0))
    try:
        await source.start()
        await asyncio.sleep(1)
    finally:
        await source.stop()


async def _produce(bootstrap: str) -> None:
    sink = await KafkaSink.open(bootstrap)
    try:
        await asyncio.sleep(1)
    finally:
        await sink.close()


@pytest.mark.parametrize("work", [_consume, _produce])
async def test_whenever_a_start_is_cancelled_its_connections_are_closed(
    work: object, kafka_bootstrap: str
) -> None:
    assert callable(work)
    await make_topics(kafka_bootstrap, [KEYS_TOPIC])
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always", ResourceWarning)
        for moment_ms in MOMENTS_MS:
            working = asyncio.ensure_future(work(kafka_bootstrap))
            await asyncio.sleep(moment_ms / 1000)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            del working
            gc.collect()
    assert [str(warning.message) for warning in left_open] == []
