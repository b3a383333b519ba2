"""What aiokafka does not ask: the ids of topics. A topic that was made anew has another one.

Offsets say nothing without the topic they were counted in. Kafka gives every topic an id since
2.8, and tells it in Metadata version 12; aiokafka knows that request up to version 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.errors import KafkaError, NoError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from chassis.errors import Unavailable
from chassis.kafka.ends import APART

_NO_ID = UUID(int=0)
_PATIENCE_S = 5.0


class _Uuid(AbstractType):  # type: ignore[misc]
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_NAME = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_BROKER = (("node_id", Int32), ("host", _NAME), ("port", Int32), ("rack", _NAME), _TAGS)
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    _TAGS,
)
_TOPIC = (
    ("error_code", Int16),
    ("name", _NAME),
    ("id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    _TAGS,
)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", _NAME),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        _TAGS,
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("id", _Uuid), ("name", _NAME), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        _TAGS,
    )


class _AskForTopics(Request[_MetadataRequest]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = sorted(topics)

    def build(self, request_struct_class: Any) -> Any:
        named: list[Any] = [(_NO_ID, name, {}) for name in self._topics]
        return request_struct_class(named, False, False, {})


async def topic_ids(client: Any, topics: Iterable[str]) -> dict[str, UUID]:
    """The ids of those of these topics that are there; `client` is an AIOKafkaClient.

    Raises Unavailable if no broker answers in time, or if they are too old to tell.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            question = _AskForTopics(topics)
            answer = await client.send(client.get_random_node(), question, group=APART)
    except NotImplementedError as error:
        raise Unavailable("Everlog needs Kafka 2.8 or newer: topics need ids.") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"no Kafka broker says which topics there are: {error!r}") from error
    found = {}
    for code, name, id_, *_ in answer.topics:
        error_class = for_code(code)
        if error_class is UnknownTopicOrPartitionError:
            continue
        if error_class is not NoError and id_ == _NO_ID:
            raise Unavailable(f"Kafka says of {name}: {error_class.__name__}")
        found[name] = id_
    return found
