"""What is told of a lane's consumer: for every batch its spans, its measures, its lines of log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from chassis import telemetry
from chassis.lane_reader import Arrived, Batch
from chassis.messaging import Spans, broker, in_trace, parent_of, within

PROCESSED = Counter(
    "everlog_events_processed", "Events that a lane has gone past.", ("lane", "topic")
)
TOOK = Histogram(
    "everlog_event_process_seconds",
    "How long a batch took, from fetched to committed.",
    ("lane",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SIZE = Histogram(
    "everlog_batch_events",
    "Events in a batch.",
    ("lane",),
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
)
DELAY = Histogram(
    "everlog_event_delay_seconds",
    "From the record of a batch's oldest event until the batch was committed.",
    ("lane",),
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
PARKED = Counter("everlog_sequences_parked", "Sequences that were parked.", ("read_model", "cause"))

log = structlog.get_logger("consumer")


@dataclass(slots=True)
class Work:
    """A batch under way. `changed`: the read models it changes."""

    events: Sequence[Arrived]
    spans: Spans
    changed: list[str] = field(default_factory=list)
    done: bool = True

    @contextmanager
    def on(self, place: int, name: str) -> Iterator[None]:
        """A span for what is done about one event, in the trace of that event."""
        one = self.events[place]
        span = self.spans.of(place)
        if span is None:
            with telemetry.following(_parent(one)):
                yield
            return
        attributes: telemetry.Attributes = {"messaging.message.id": _id(one)}
        with within(span), telemetry.span(name, attributes):
            yield


class Consumer:
    """One member of one consumer group, for whoever watches."""

    def __init__(self, lane: str, group: str = "", bootstrap: str = "") -> None:
        self._lane = lane
        self._group = group
        self._attributes: telemetry.Attributes = {
            "messaging.consumer.group.name": group,
            **(broker(bootstrap) if bootstrap else {}),
        }

    @contextmanager
    def batch(self, batch: Batch, began_ns: int) -> Iterator[Work]:
        """Around the work on a batch, until it is committed (or `done` is taken back)."""
        spans = Spans()
        if telemetry.exporting():
            self._begin(spans, batch.events, began_ns)
        work = Work(batch.events, spans)
        with spans.closing():
            yield work
            for span in spans.open:
                if work.changed:
                    span.set_attribute("everlog.read_models", work.changed)
        if work.done:
            self._note(batch, work, (time.time_ns() - began_ns) / 1e9)

    def _begin(self, spans: Spans, events: Sequence[Arrived], began_ns: int) -> None:
        letters = (
            (one.message.partition.topic, _parent(one) if _is_wanted(one) else None)
            for one in events
        )

        def alone(place: int) -> telemetry.Attributes:
            message = events[place].message
            return {
                "messaging.message.id": _id(events[place]),
                "messaging.destination.partition.id": str(message.partition.number),
                "messaging.kafka.offset": message.offset,
            }

        kind = SpanKind.CONSUMER
        spans.begin(letters, "process", kind, self._attributes, alone, start_ns=began_ns)

    def _note(self, batch: Batch, work: Work, took_s: float) -> None:
        TOOK.labels(self._lane).observe(took_s)
        SIZE.labels(self._lane).observe(len(batch.events))
        by_topic: dict[str, int] = {}
        for one in batch.events:
            topic = one.message.partition.topic
            by_topic[topic] = by_topic.get(topic, 0) + 1
        for topic, count in by_topic.items():
            PROCESSED.labels(self._lane, topic).inc(count)
        since = [one.recorded.recorded_at for one in batch.events if one.recorded is not None]
        if since:
            age_s = time.time() - min(since).timestamp()
            DELAY.labels(self._lane).observe(max(0.0, age_s))
        self._say_parked(batch)
        if log.is_enabled_for(logging.DEBUG):
            self._say_processed(work)

    def _say_parked(self, batch: Batch) -> None:
        """Each once, when it happens; the words of the error may quote the event and are left to
        the operators' page."""
        new = [parked for parked in batch.commit.parked if parked.cause]
        if not new:
            return
        messages = [one.message for one in (*batch.events, *(gap for gap, _ in batch.gaps))]
        places = {(m.partition, m.offset): parent_of(m.headers) for m in messages}
        for parked in new:
            PARKED.labels(parked.projection, parked.cause).inc()
            first = parked.events[0]
            log.warning(
                "parked",
                lane=self._lane,
                read_model=parked.projection,
                cause=parked.cause,
                error=parked.error.partition(":")[0],
                stream=parked.stream,
                type=first.type,
                **in_trace(places.get((first.partition, first.offset))),
            )

    def _say_processed(self, work: Work) -> None:
        told: dict[tuple[str, str], tuple[str, int]] = {}
        for one in work.events:
            parent = _parent(one)
            if parent is not None and _is_wanted(one):
                place = (one.message.partition.topic, parent[3:35])
                told[place] = (parent, told.get(place, ("", 0))[1] + 1)
        for (topic, _), (parent, count) in told.items():
            log.debug(
                "processed",
                topic=topic,
                group=self._group,
                events=count,
                read_models=work.changed,
                **in_trace(parent),
            )


def _parent(one: Arrived) -> str | None:
    return parent_of(one.message.headers)


def _id(one: Arrived) -> str:
    return str(one.envelope.event_id())


def _is_wanted(one: Arrived) -> bool:
    """Whether anybody here reads it; the others only pass by."""
    return one.recorded is not None or bool(one.unreadable)
