"""The spans around what the gateway asks services: who is asked, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind, StatusCode
from yarl import URL

from chassis.telemetry import Attributes, span, traceparent


@dataclass(frozen=True, slots=True)
class Called:
    """A request to a service under way."""

    headers: Mapping[str, str]
    """What carries the trace to the service."""
    _span: Span

    def answered(self, status: int) -> None:
        """The service has answered."""
        if self._span.is_recording():
            self._span.set_attribute("http.response.status_code", status)
            if status >= 400:
                self._span.set_attribute("error.type", str(status))
                self._span.set_status(StatusCode.ERROR)


@contextmanager
def call(service: str, method: str, url: URL, template: str = "") -> Iterator[Called]:
    """A span around a request to a service, named as OpenTelemetry's conventions for HTTP clients
    have it. `url.full` is left out: what is asked for may be about somebody."""
    attributes: Attributes = {
        "http.request.method": method,
        "server.address": url.host or "",
        "server.port": url.port or 80,
        "service.peer.name": service,
        **({"url.template": template} if template else {}),
    }
    with span(f"{method} {template}".rstrip(), attributes, SpanKind.CLIENT) as its:
        parent = traceparent()
        yield Called({"traceparent": parent} if parent is not None else {}, its)
