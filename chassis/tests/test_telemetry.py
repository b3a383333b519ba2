"""Traces within one process: what is recorded, how batches are told, that nothing breaks by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import StatusCode

from chassis import messaging, telemetry
from chassis.consuming import Consumer
from chassis.lane import Commit
from chassis.lane_reader import Arrived, Batch
from chassis.messaging import parts_of, sending
from chassis.ports import Message, Outgoing, Partition
from chassis.wire import Envelope

WORKSPACE = UUID(int=1)
AT: telemetry.Attributes = {"server.address": "127.0.0.1", "server.port": 9092}


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Spans of this process, one in none unless a caller has them recorded."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(0.0))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.use(provider)
    yield exporter
    telemetry.use(None)


def parent(trace: int, span: int = 1, *, sampled: bool = True) -> str:
    return f"00-{trace:032x}-{span:016x}-{'01' if sampled else '00'}"


def outgoing(*parents: str | None) -> list[Outgoing]:
    return [
        Outgoing("everlog.parcels", b"k", b"{}", [("ce_id", b"7"), *_header(each)])
        for each in parents
    ]


def _header(value: str | None) -> list[tuple[str, bytes]]:
    return [] if value is None else [("traceparent", value.encode())]


def arrived(parents: Sequence[str | None], *, wanted: bool = True) -> Batch:
    batch = Batch(Commit(0))
    for offset, each in enumerate(parents):
        ids = [("ce_", str(WORKSPACE).encode())] * 14  # whatever is asked of them is an id
        headers = [*ids, *_header(each)]
        message = Message(Partition("everlog.parcels", 3), offset, b"k", b"{}", headers)
        unreadable = "nobody can" if wanted else ""
        envelope = Envelope(WORKSPACE, "parcel-1", offset + 1, "t", message)
        batch.events.append(Arrived(envelope, unreadable=unreadable))
    return batch


def told(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    [span] = spans
    return dict(span.attributes or {})


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_trace_context_begins_a_trace(header: str | None) -> None:
    with telemetry.server_span("GET", {"traceparent": header} if header is not None else {}):
        assert len(telemetry.trace_id()) == 32
        assert telemetry.trace_id() not in (header or "")
    assert telemetry.trace_id() == ""


def test_without_an_exporter_a_trace_is_passed_on_as_it_came() -> None:
    with telemetry.server_span("GET", {"traceparent": parent(7, 9)}) as span:
        assert not span.is_recording()
        assert telemetry.traceparent() == parent(7, 9)
        with telemetry.span("part") as part, telemetry.work("work"):
            assert not part.is_recording()
            assert telemetry.traceparent() == parent(7, 9)


def test_the_caller_decides_whether_a_trace_is_recorded(exported: InMemorySpanExporter) -> None:
    for sampled in (True, False):
        with telemetry.server_span("GET", {"traceparent": parent(7, sampled=sampled)}) as span:
            assert span.is_recording() == sampled
            with telemetry.span("part"):
                assert telemetry.trace_id() == f"{7:032x}"
    with telemetry.server_span("GET", {}) as span:
        assert not span.is_recording(), "the ratio is none"
    assert [span.name for span in exported.get_finished_spans()] == ["part", "GET"]


def test_a_span_that_fails_says_by_what_kind_of_error_and_no_more(
    exported: InMemorySpanExporter,
) -> None:
    with (
        pytest.raises(ValueError, match="Ada"),
        telemetry.server_span("GET", {"traceparent": parent(7)}),
    ):
        raise ValueError("Ada has no address")
    [span] = exported.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "Ada" not in span.to_json()
    assert told([span]) == {"error.type": "ValueError"}


def test_a_batch_of_one_trace_continues_it_and_links_to_each_event(
    exported: InMemorySpanExporter,
) -> None:
    consumer = Consumer("live", "everlog.depot.projector", "localhost:9092")
    with consumer.batch(arrived([parent(7, 1), parent(7, 2), None]), 1) as work:
        work.changed = ["parcels"]
    [span] = exported.get_finished_spans()
    assert span.name == "process everlog.parcels"
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (7, 1)
    assert [link.context.span_id for link in span.links] == [1, 2]
    assert told([span]) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "everlog.parcels",
        "messaging.consumer.group.name": "everlog.depot.projector",
        "messaging.batch.message_count": 2,
        "server.address": "localhost",
        "server.port": 9092,
        "everlog.read_models": ("parcels",),
    }


def test_a_single_message_is_told_by_its_place(exported: InMemorySpanExporter) -> None:
    with Consumer("live", "g").batch(arrived([None, parent(7)]), 1):
        pass
    attributes = told(exported.get_finished_spans())
    assert attributes["messaging.kafka.offset"] == 1
    assert attributes["messaging.destination.partition.id"] == "3"
    assert "messaging.batch.message_count" not in attributes


def test_a_batch_of_many_traces_has_sixteen_spans_and_the_last_links_to_the_rest() -> None:
    parts = parts_of(("everlog.parcels", parent(trace)) for trace in range(1, 200))
    assert [part.parents[0].trace_id for part in parts] == list(range(1, 17))
    assert [len(part.places) for part in parts] == [1] * 15 + [184]
    assert [len(part.links()) for part in parts] == [1] * 15 + [64]


def test_traces_that_nobody_records_and_events_nobody_reads_have_no_spans(
    exported: InMemorySpanExporter,
) -> None:
    with Consumer("live", "g").batch(arrived([parent(7, sampled=False), None]), 1):
        pass
    with Consumer("live", "g").batch(arrived([parent(7)], wanted=False), 1):
        pass
    with sending(outgoing(parent(7, sampled=False), None), AT):
        pass
    assert exported.get_finished_spans() == ()


def test_what_a_reaction_does_is_part_of_the_trace_of_its_event(
    exported: InMemorySpanExporter,
) -> None:
    batch = arrived([parent(7), parent(8, sampled=False)])
    with Consumer("reactions", "g").batch(batch, 1) as work:
        with work.on(0, "react scan"):
            assert telemetry.trace_id() == f"{7:032x}"
        with work.on(1, "react scan"):
            assert telemetry.traceparent() == parent(8, sampled=False)
    react, process = exported.get_finished_spans()
    assert (react.name, process.name) == ("react scan", "process everlog.parcels")
    assert react.parent is not None
    assert react.parent.span_id == process.context.span_id


def test_a_batch_that_cannot_be_committed_is_told_as_failed(
    exported: InMemorySpanExporter,
) -> None:
    with pytest.raises(ConnectionError), Consumer("live", "g").batch(arrived([parent(7)]), 1):
        raise ConnectionError
    [span] = exported.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "ConnectionError"


def test_sending_is_told_with_the_broker(exported: InMemorySpanExporter) -> None:
    with sending(outgoing(parent(7)), AT):
        pass
    [span] = exported.get_finished_spans()
    assert (span.name, span.kind.name) == ("send everlog.parcels", "PRODUCER")
    assert told([span]) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "everlog.parcels",
        "messaging.message.id": "7",
        "messaging.message.body.size": 2,
        **AT,
    }


def test_tracing_that_breaks_stops_nothing(
    exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messaging, "_MOST_LINKS", "many")
    done = False
    with sending(outgoing(parent(7)), AT):
        done = True
    assert done
