"""Traces: one from the click to the row, through HTTP, the outbox and Kafka.

With OTEL_EXPORTER_OTLP_ENDPOINT spans are exported, sampled as OTEL_TRACES_SAMPLER says. Without,
nothing is recorded, but trace ids exist all the same: they are in every log line, problem and
envelope. Spans hold no personal data: ids, names of code, counts; never what an error says.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
)
from prometheus_client import disable_created_metrics

from chassis import logs

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]

_W3C = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
_EXPORT_WITHIN_S = 3.0
"""With all repetitions: a process that stops waits for the last export, and has 8 s to stop."""
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSAMPLED = TraceFlags(TraceFlags.DEFAULT)
_random = Random()
_tracer: trace.Tracer | None = None


def configure(service: str, role: str = "") -> None:
    """Set up logs and traces for this process."""
    logs.configure(service)
    # A series more for every counter, which nobody looks at.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    if not _wanted():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # No sampler is named: the SDK takes it from OTEL_TRACES_SAMPLER, parent-based by default. And
    # the provider is not made the global one: FastAPI would trace every request once more.
    provider = TracerProvider(resource=_resource(service, role))
    told = any(os.environ.get(name) for name in _TIMEOUTS)
    exporter = OTLPSpanExporter(timeout=None if told else _EXPORT_WITHIN_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    use(provider)


def use(provider: TracerProvider | None) -> None:
    """Record spans with this provider; None: nobody is told of them, and nothing is spent."""
    global _tracer
    _tracer = provider.get_tracer("everlog") if provider is not None else None


def exporting() -> bool:
    """Whether anybody is told of spans."""
    return _tracer is not None


def begin(
    name: str,
    context: otel_context.Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    links: Sequence[Link] = (),
    start_ns: int | None = None,
) -> Span:
    """A span that somebody else ends; if nobody is told of spans, none."""
    if _tracer is None:
        return trace.INVALID_SPAN
    return _tracer.start_span(name, context, kind, attributes, links, start_ns)


def _wanted() -> bool:
    env = os.environ
    if (
        env.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or env.get("OTEL_TRACES_EXPORTER") == "none"
    ):
        return False
    return any(env.get(name) for name in _ENDPOINTS)


def _resource(service: str, role: str) -> Resource:
    named = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
        "service.namespace": "everlog",
        "service.instance.id": f"{service}@{socket.gethostname()}:{os.getpid()}",
    }
    return Resource.create({**named, "everlog.role": role} if role else named)


def current() -> SpanContext:
    """The span under way, recorded or not."""
    return trace.get_current_span().get_span_context()


def trace_id() -> str:
    """The current trace's id in hexadecimal; empty outside a trace."""
    span = current()
    return f"{span.trace_id:032x}" if span.is_valid else ""


def traceparent() -> str | None:
    """The current trace context as a W3C `traceparent`, for envelopes and answers."""
    span = current()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def context_of(parent: str | None) -> SpanContext | None:
    """What a `traceparent` says; None if it is none. `tracestate` and `baggage` are not taken over:
    nobody here reads them, and they may hold anything."""
    found = _W3C.fullmatch(parent) if parent else None
    if found is None or (found[1] == "00" and found[5]):
        return None
    flags = _SAMPLED if int(found[4], 16) & TraceFlags.SAMPLED else _UNSAMPLED
    context = SpanContext(int(found[2], 16), int(found[3], 16), True, flags)
    return context if context.is_valid else None


def within(context: SpanContext | None) -> otel_context.Context:
    """A context in which this span, of another process, is the current one."""
    if context is None:
        return otel_context.Context()
    return trace.set_span_in_context(NonRecordingSpan(context), otel_context.Context())


@contextmanager
def following(parent: str | None) -> Iterator[None]:
    """Be part of another process's trace, without a span of one's own."""
    context = context_of(parent)
    token = otel_context.attach(within(context)) if context is not None else None
    try:
        yield
    finally:
        if token is not None:
            otel_context.detach(token)


@contextmanager
def server_span(name: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """A span for a request, continuing the caller's trace; a new trace if there is none."""
    caller = context_of(headers.get("traceparent"))
    if _tracer is None:
        # Sampled by somebody else or not: we add nothing, and pass on what came in.
        known = caller or SpanContext(_id(128), _id(64), False, _UNSAMPLED)
        unseen = NonRecordingSpan(known)
        token = otel_context.attach(trace.set_span_in_context(unseen))
        try:
            yield unseen
        finally:
            otel_context.detach(token)
        return
    with _started(begin(name, within(caller), SpanKind.SERVER)) as server:
        yield server


@contextmanager
def span(
    name: str, attributes: Attributes | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    """A part of what is being done; costs nothing unless the trace is recorded."""
    whole = trace.get_current_span()
    if not whole.is_recording():
        yield whole
        return
    with _started(begin(name, kind=kind, attributes=attributes)) as part:
        yield part


@contextmanager
def work(name: str, attributes: Attributes | None = None) -> Iterator[Span]:
    """What a worker does by itself, with nobody's request behind it: a trace of its own."""
    if _tracer is None:
        yield trace.INVALID_SPAN
        return
    root = begin(name, otel_context.Context(), attributes=attributes)
    with _started(root):
        yield root


@contextmanager
def _started(span_: Span) -> Iterator[Span]:
    """Make a span the current one, and end it."""
    token = otel_context.attach(trace.set_span_in_context(span_))
    try:
        yield span_
    except BaseException as error:
        fail(span_, error)
        raise
    finally:
        otel_context.detach(token)
        span_.end()


def fail(span_: Span, error: BaseException) -> None:
    """Note with a span that it failed, and by what kind of error; never what the error says."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    span_.set_attribute("error.type", f"{module}{kind.__qualname__}")
    span_.set_status(StatusCode.ERROR)


def _id(bits: int) -> int:
    return _random.getrandbits(bits) or 1
