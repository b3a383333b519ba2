"""What is told of events on their way: spans of the log, the relay and the consumers.

    append everlog.contacts    in the request's trace; its context goes into the envelope and, as it
                               stands there, into the message: a message is the stored event
    send everlog.contacts      the relay, as a child of it
    process everlog.contacts   each consumer, as a child of it, with a link to each event's append

A batch holds events of many traces. Each trace gets a span of its own, so that it leads to the row;
beyond sixteen the last one is for all that are left and has links to them. Names and attributes:
OpenTelemetry's conventions for messaging. Only traces that are recorded cost anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind

from chassis import telemetry
from chassis.events import category_of, topic_of
from chassis.ports import Context, Outgoing

if TYPE_CHECKING:
    from chassis.postgres.event_log import Prepared

log = structlog.get_logger("messaging")

_MOST_SPANS = 16
_MOST_LINKS = 64
_SYSTEM = {"messaging.system": "kafka"}
_ODD = frozenset("13579bdf")

Letter = tuple[str, str | None]
"""The topic of a message, and the trace context it carries."""


def is_sampled(parent: str | None) -> bool:
    """Whether a `traceparent` is of a recorded trace: the lowest bit of its flags."""
    return parent is not None and parent[54:55] in _ODD


@contextmanager
def appending() -> Iterator[None]:
    """Around an append; `appended` says later what of."""
    with telemetry.span("append", kind=SpanKind.PRODUCER):
        yield


def in_this_trace(context: Context) -> Context:
    """A writer's context with the span under way as the place where its events come about."""
    parent = telemetry.traceparent()
    return (
        context if parent in (None, context.traceparent) else replace(context, traceparent=parent)
    )


def describe_append(prepared: Sequence[Prepared]) -> None:
    """Tell the span of an append what is appended. For people on the trace: ids, no names."""
    span = trace.get_current_span()
    events = [stored for one in prepared for stored in one.events]
    if not span.is_recording() or not events:
        return
    first = events[0]
    topic = topic_of(first.type)
    span.update_name(f"append {topic}")
    span.set_attributes(
        {
            **_operation("append", "create", topic, len(events)),
            "messaging.message.conversation_id": str(first.correlation_id),
            "everlog.aggregate": category_of(first.stream),
            "everlog.event.types": sorted({stored.type for stored in events}),
        }
    )
    if len(events) == 1:
        span.set_attribute("messaging.message.id", str(first.id))


def _operation(name: str, kind: str, topic: str, count: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        **_SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": topic,
    }
    return {**told, "messaging.batch.message_count": count} if count != 1 else told


@dataclass(slots=True)
class Part:
    """The messages of a batch that belong to one trace and one topic; `places`: where each is in
    the batch."""

    topic: str
    parents: list[SpanContext] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def links(self) -> list[Link]:
        """A link to where each message came about, within bounds."""
        one_of_each = {(context.trace_id, context.span_id): context for context in self.parents}
        return [Link(context) for context in list(one_of_each.values())[:_MOST_LINKS]]


def parts_of(letters: Iterable[Letter]) -> list[Part]:
    """The recorded traces in a batch, a part for each: not more than `_MOST_SPANS` per topic."""
    found: dict[tuple[str, int], Part] = {}
    last: dict[str, list[Part]] = {}
    for place, (topic, parent) in enumerate(letters):
        context = telemetry.context_of(parent) if is_sampled(parent) else None
        if context is None:
            continue
        part = found.get((topic, context.trace_id))
        if part is None:
            of_topic = last.setdefault(topic, [])
            if len(of_topic) < _MOST_SPANS:
                of_topic.append(Part(topic))
            part = found[topic, context.trace_id] = of_topic[-1]
        part.parents.append(context)
        part.places.append(place)
    return [part for parts in last.values() for part in parts]


class Spans:
    """Open spans of one batch, one per part."""

    def __init__(self) -> None:
        self.open: list[Span] = []
        self._by_place: dict[int, Span] = {}

    def begin(
        self,
        letters: Iterable[Letter],
        operation: str,
        kind: SpanKind,
        always: telemetry.Attributes,
        alone: Callable[[int], telemetry.Attributes],
        *,
        start_ns: int | None = None,
    ) -> None:
        """Begin a span for each part, in its first message's trace. `alone`: what there is to be
        said of a message that is not one of many. Whatever goes wrong here is no reason not to
        carry on with the messages."""
        try:
            for part in parts_of(letters):
                count = len(part.places)
                told = {**_operation(operation, operation, part.topic, count), **always}
                if count == 1:
                    told |= alone(part.places[0])
                parent = telemetry.within(part.parents[0])
                name = f"{operation} {part.topic}"
                span = telemetry.begin(name, parent, kind, told, part.links(), start_ns)
                self.open.append(span)
                self._by_place.update(dict.fromkeys(part.places, span))
        except Exception as error:
            log.warning("a batch cannot be traced", exc_info=error)

    def of(self, place: int) -> Span | None:
        """The span that covers a message, by its place in the batch."""
        return self._by_place.get(place)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """End them all; with an error if there is one."""
        try:
            yield
        except BaseException as error:
            for span in self.open:
                telemetry.fail(span, error)
            raise
        finally:
            for span in self.open:
                span.end()


@contextmanager
def within(span: Span | None) -> Iterator[None]:
    """Make a span the current one for a while, without ending it."""
    if span is None:
        yield
        return
    token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        otel_context.detach(token)


def broker(bootstrap: str) -> telemetry.Attributes:
    """A broker's address as attributes."""
    parts = urlsplit(f"//{bootstrap.partition(',')[0]}")
    return {"server.address": parts.hostname or "", "server.port": parts.port or 9092}


@contextmanager
def sending(messages: Sequence[Outgoing], at: telemetry.Attributes) -> Iterator[None]:
    """Around a batch on its way to Kafka, until all of it is acknowledged."""
    if not telemetry.exporting():
        yield
        return

    def alone(place: int) -> telemetry.Attributes:
        message = messages[place]
        id_ = dict(message.headers).get("ce_id", b"").decode()
        size = len(message.value or b"")
        return {"messaging.message.id": id_, "messaging.message.body.size": size}

    letters = ((message.topic, parent_of(message.headers)) for message in messages)
    spans = Spans()
    spans.begin(letters, "send", SpanKind.PRODUCER, at, alone)
    with spans.closing():
        yield


def parent_of(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The trace context that a message carries."""
    for name, value in headers:
        if name == "traceparent":
            return value.decode("ascii", "replace")
    return None


def in_trace(parent: str | None) -> dict[str, str]:
    """A trace context as members of a line."""
    if parent is None or telemetry.context_of(parent) is None:
        return {}
    return {"trace_id": parent[3:35], "span_id": parent[36:52]}
