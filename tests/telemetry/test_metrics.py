"""What /metrics of every process exposes is what the guide for operators documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chassis.events import wire_name
from everlog.manifests import all_manifests
from everlog.services import PROGRAMS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "operators.md"
_ROW = re.compile(
    r"^\| `([a-z_]+)` \|([^|]*)\| (counter|gauge|histogram) \| [^|]+ \| [^|]+ \|$", re.M
)
_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.M)
_SPEAKING = [program for program in PROGRAMS if program.speaks == "http"]
_SERVICES = {program.name for program in PROGRAMS if program.arguments == ("both",)}

Documented = dict[str, tuple[str, frozenset[str]]]


def documented() -> Documented:
    """Name → kind and labels, as the guide's table has them."""
    chapter = GUIDE.read_text().partition("### Metrics")[2].partition("\n### ")[0]
    return {
        name: (kind, frozenset(label.strip() for label in labels.split(",") if label.strip()))
        for name, labels, kind in _ROW.findall(chapter)
    }


@pytest.fixture(scope="module")
def exposed(watched: Any, story: Any) -> dict[str, str]:
    """What every process says, by its name."""
    found = {}
    for program in _SPEAKING:
        with urlopen(f"http://127.0.0.1:{watched.port + program.offset}/metrics") as answer:
            found[program.name] = answer.read().decode()
    return found


def samples(text: str) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """(metric as documented, sample, labels, value)"""
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "le"}
            yield name, sample.name, labels, sample.value


def test_every_metric_is_documented_and_every_documented_one_is_there(
    exposed: dict[str, str],
) -> None:
    found = {name: kind for text in exposed.values() for name, kind in _TYPE.findall(text)}
    told = {name: kind for name, (kind, _) in documented().items()}
    assert set(found) - set(told) == set(), "docs/guides/operators.md forgets these metrics"
    assert set(told) - set(found) == set(), "docs/guides/operators.md tells of metrics nobody has"
    assert found == told


def test_every_metric_has_the_labels_that_are_documented(exposed: dict[str, str]) -> None:
    told = documented()
    for text in exposed.values():
        for name, sample, labels, _ in samples(text):
            assert frozenset(labels) == told[name][1], sample


def test_names_have_base_units_and_counters_are_called_total() -> None:
    for name, (kind, _) in documented().items():
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_|$)", name)
        assert name.endswith("_total") == (kind == "counter"), name
        if name.startswith("http_"):
            continue
        assert name.startswith(("everlog_", "process_", "python_")), name


def test_labels_hold_no_ids_no_people_and_few_values(exposed: dict[str, str], story: Any) -> None:
    values: dict[tuple[str, str], set[str]] = {}
    for text in exposed.values():
        for name, _, labels, _ in samples(text):
            for label, value in labels.items():
                values.setdefault((name, label), set()).add(value)
                assert "@" not in value
                assert not _holds_an_id(value), (name, label, value)
                assert not any(word.lower() in value.lower() for word in story.secrets)
    types = sum(len(manifest.published()) for manifest in all_manifests())
    for (name, label), found in values.items():
        assert len(found) <= max(60, types), (name, label, sorted(found))
    named = {wire_name(event) for m in all_manifests() for event in m.published()}
    assert values["everlog_events_appended_total", "type"] <= named


def _holds_an_id(value: str) -> bool:
    for part in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", value):
        UUID(part)
        return True
    return False


def test_requests_are_counted_by_route_templates(exposed: dict[str, str]) -> None:
    def routes(process: str) -> set[str]:
        return {
            labels["http_route"]
            for name, _, labels, _ in samples(exposed[process])
            if name == "http_server_request_duration_seconds"
        }

    assert {"/api/v1/contacts", "/api/v1/contacts/{person_id}"} <= routes("contacts")
    assert {"/api/v1/contacts", "/api/v1/contacts/{path}", "unmatched"} <= routes("gateway")


def test_each_process_tells_of_itself_and_of_what_went_over_the_road(
    exposed: dict[str, str],
) -> None:
    values = {
        process: {(s, tuple(sorted(labels.items()))): v for _, s, labels, v in samples(text)}
        for process, text in exposed.items()
    }
    for process, told in values.items():
        role = {"gateway": "gateway", "analytics-stream": "stream"}.get(process, "both")
        assert told["everlog_process_info", (("role", role), ("service", process))] == 1
        assert told["everlog_ready", ()] == 1
    for process in _SERVICES:
        told = values[process]
        assert (told["everlog_state_read", ()], told["everlog_workers", ()]) == (1, 1)
        assert told["everlog_relay_active", ()] == 1
        assert told["everlog_outbox_events", ()] == 0
        assert told["everlog_db_size_bytes", ()] > 1_000_000
    contacts, campaigns = values["contacts"], values["campaigns"]
    topic = ("topic", "everlog.contacts")
    appended = sum(v for (s, _), v in contacts.items() if s == "everlog_events_appended_total")
    assert contacts["everlog_relay_published_total", (topic,)] == appended > 5
    for process in ("contacts", "pipeline", "campaigns", "analytics"):
        place = (("lane", "live"), topic)
        assert values[process]["everlog_events_processed_total", place] >= appended
        assert values[process]["everlog_consumer_lag_events", place] == 0
        assert values[process]["everlog_event_process_seconds_count", (("lane", "live"),)] > 0
    assert campaigns["everlog_mails_total", (("outcome", "sent"),)] == 1
    assert values["gateway"]["everlog_disk_free_bytes", ()] > 0
    assert values["analytics-stream"]["everlog_stream_events_total", ()] > 5
