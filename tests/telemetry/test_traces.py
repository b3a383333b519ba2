"""One trace from the click to the row, as it comes in at a collector from a running platform."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from chassis.events import topic_of, wire_name
from everlog.collector import Collector, Seen
from everlog.manifests import all_manifests
from everlog.services import PROGRAMS

MATRIX: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "edges.yaml").read_text())
TOPICS: dict[str, dict[str, Any]] = MATRIX["topics"]
RELAYED = {(entry["sent_by"], topic) for topic, entry in TOPICS.items()}
PROCESSED = {(topic, group) for topic, entry in TOPICS.items() for group in entry["processed_by"]}
REACTED = {(service, name) for service, names in MATRIX["reacted"].items() for name in names}
ASKED = {("gateway", service) for service in MATRIX["asked"]}


class Story(Protocol):
    person: str
    created: str
    failed: str
    secrets: tuple[str, ...]


class Watched(Protocol):
    collector: Collector


def test_every_process_is_in_the_matrix() -> None:
    there = {entry["sent_by"] for entry in TOPICS.values()} | set(MATRIX["asked"])
    named = there | {"gateway"} | set(MATRIX["apart"])
    assert named == {program.name for program in PROGRAMS}


def test_the_matrix_has_what_the_manifests_say() -> None:
    relayed, processed, reacted = set(), set(), set()
    for manifest in all_manifests():
        if manifest.published():
            relayed.add((manifest.service, manifest.topic))
        for projection in manifest.projections:
            for event in projection.events:
                topic = topic_of(wire_name(event))
                processed.add((topic, f"{manifest.service}.projector"))
        for reaction in manifest.reactions:
            reacted.add((manifest.service, reaction.name))
            for event in reaction.events:
                processed.add((topic_of(wire_name(event)), f"{manifest.service}.reactor"))
    assert relayed == RELAYED
    assert processed == PROCESSED
    assert reacted == REACTED


def edges(spans: list[Seen]) -> dict[str, set[tuple[str, str]]]:
    """What the spans show of who talks to whom."""
    by_id = {(span.trace, span.id): span for span in spans}
    appends = {key for key, span in by_id.items() if span.name.startswith("append ")}
    found: dict[str, set[tuple[str, str]]] = {"asked": set(), "relayed": set(), "processed": set()}
    found["reacted"] = set()
    for span in spans:
        parent = by_id.get((span.trace, span.parent))
        if span.kind == "SERVER" and parent is not None and parent.service != span.service:
            assert parent.kind == "CLIENT", parent
            found["asked"].add((parent.service, span.service))
        linked = {(span.trace, span.parent), *span.links} & appends
        topic = str(span["messaging.destination.name"])
        if span.kind == "PRODUCER" and span.name == f"send {topic}" and linked:
            found["relayed"].add((span.service, topic))
        if span.kind == "CONSUMER" and span.name == f"process {topic}" and linked:
            group = str(span["messaging.consumer.group.name"])
            assert group.startswith(f"everlog.{span.service}."), span
            found["processed"].add((topic, group.removeprefix("everlog.")))
        if span.name.startswith("react ") and parent is not None and parent.kind == "CONSUMER":
            found["reacted"].add((span.service, span.name.removeprefix("react ")))
    return found


def test_the_spans_show_the_edges_of_the_matrix_and_no_others(
    watched: Watched, story: Story
) -> None:
    def all_seen(spans: list[Seen]) -> bool:
        seen = edges(spans)
        return seen["processed"] >= PROCESSED and seen["reacted"] >= REACTED

    seen = edges(watched.collector.until(all_seen))
    assert seen["asked"] == ASKED
    assert seen["relayed"] == RELAYED
    assert seen["processed"] == PROCESSED
    assert seen["reacted"] == REACTED


def test_a_trace_leads_from_the_request_over_every_step_to_the_rows(
    watched: Watched, story: Story
) -> None:
    def whole(_: list[Seen]) -> bool:
        return sum(s.kind == "CONSUMER" for s in watched.collector.of(story.created)) >= 4

    watched.collector.until(whole)
    spans = {span.id: span for span in watched.collector.of(story.created)}

    def way_to(span: Seen) -> list[str]:
        above = spans.get(span.parent)
        return [*(way_to(above) if above else []), f"{span.service} {span.kind} {span.name}"]

    request = [
        "gateway SERVER POST /api/v1/contacts",
        "gateway CLIENT POST /api/v1/contacts",
        "contacts SERVER POST /api/v1/contacts",
        "contacts PRODUCER append everlog.contacts",
    ]
    ways = [way_to(span) for span in spans.values()]
    assert [*request, "contacts PRODUCER send everlog.contacts"] in ways
    for service in ("contacts", "pipeline", "campaigns", "analytics"):
        assert [*request, f"{service} CONSUMER process everlog.contacts"] in ways
    own = [s for s in spans.values() if (s.kind, s.service) == ("CONSUMER", "contacts")]
    changed = {name for span in own for name in span["everlog.read_models"]}
    assert changed >= {"people", "companies", "search", "timeline"}


def test_spans_are_named_and_described_as_the_conventions_say(
    watched: Watched, story: Story
) -> None:
    spans = watched.collector.until(
        lambda _: any(s.kind == "CONSUMER" for s in watched.collector.of(story.created))
    )
    own = {f"{s.service} {s.kind}": s for s in spans if s.trace == story.created}
    server = own["contacts SERVER"]
    assert (server["http.request.method"], server["http.route"]) == ("POST", "/api/v1/contacts")
    assert (server["http.response.status_code"], server["url.path"]) == (201, "/api/v1/contacts")
    process = own["analytics CONSUMER"]
    [append] = [s for s in spans if (s.trace, s.id) == (process.trace, process.parent)]
    assert append.name == "append everlog.contacts"
    assert (append["messaging.operation.name"], append["messaging.operation.type"]) == (
        "append",
        "create",
    )
    assert process["messaging.system"] == "kafka"
    assert process["messaging.operation.name"] == process["messaging.operation.type"] == "process"
    assert process["messaging.destination.name"] == "everlog.contacts"
    assert process["messaging.consumer.group.name"] == "everlog.analytics.projector"
    assert isinstance(process["server.port"], int)
    assert (append.trace, append.id) in process.links
    names = {name for span in spans for name in span.attributes}
    assert names <= KNOWN, names - KNOWN


KNOWN = {
    *("http.request.method", "http.route", "http.response.status_code"),
    *("url.path", "url.scheme", "url.template", "server.address", "server.port", "error.type"),
    *("service.peer.name", "messaging.system", "messaging.operation.name"),
    *("messaging.operation.type", "messaging.destination.name", "messaging.batch.message_count"),
    *("messaging.consumer.group.name", "messaging.destination.partition.id"),
    *("messaging.kafka.offset", "messaging.message.id", "messaging.message.conversation_id"),
    *("messaging.message.body.size", "everlog.aggregate", "everlog.event.types"),
    *("everlog.read_models", "everlog.broadcast.id", "everlog.message.id"),
}


def test_a_request_that_broke_says_so_without_words(watched: Watched, story: Story) -> None:
    spans = watched.collector.until(
        lambda _: any(
            s.service == "gateway" and s.kind == "SERVER"
            for s in watched.collector.of(story.failed)
        )
    )
    broken = [s for s in spans if s.trace == story.failed and s.kind == "SERVER"]
    assert {(s.service, s.failed, s["error.type"]) for s in broken} == {
        ("gateway", True, "500"),
        ("contacts", True, "500"),
    }
    [append] = [s for s in spans if s.trace == story.failed and s.kind == "PRODUCER"]
    assert append["error.type"] == "asyncpg.exceptions.CheckViolationError"
    assert [s for s in spans if s.events] == [], "an event of a span could quote an error"


def test_no_span_says_who_it_is_about(watched: Watched, story: Story) -> None:
    raw = "\n".join(span.raw for span in watched.collector.spans)
    assert [word for word in story.secrets if word.lower() in raw.lower()] == []
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", raw) == []


@pytest.mark.parametrize("path", ["/", "/contacts", "/sign-in"])
async def test_pages_are_traced_too(watched: Any, story: Story, path: str) -> None:
    import aiohttp

    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with (
        aiohttp.ClientSession() as session,
        session.get(watched.platform.url + path, headers={"traceparent": parent}) as page,
    ):
        version, trace, span, flags = page.headers["traceresponse"].split("-")
    assert (version, trace, flags) == ("00", parent.split("-")[1], "01")
    spans = watched.collector.until(lambda found: any(s.id == span for s in found))
    [page_span] = [s for s in spans if s.id == span]
    assert (page_span.kind, page_span.parent) == ("SERVER", "00f067aa0ba902b7")
    assert page_span.name.startswith("GET /")
