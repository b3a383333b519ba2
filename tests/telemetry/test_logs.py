"""What the processes of a running platform say in their logs, and what they never say."""

from __future__ import annotations

import json
from typing import Any

PLAIN = {"kafka", "postgres", "setup"}
"""Not ours, or a command's words for people."""


def test_every_process_of_ours_logs_json_lines_with_the_same_members(
    watched: Any, story: Any
) -> None:
    lines = {name: told for name, told in watched.lines().items() if name not in PLAIN}
    assert set(lines) >= {"supervisor", "gateway", "contacts", "analytics-stream"}
    for process, told in lines.items():
        for line in told:
            said = json.loads(line)
            assert list(said)[:5] == ["timestamp", "level", "event", "logger", "service.name"]
            assert said["service.name"] == process, line
            assert said["timestamp"].endswith("Z")


def test_one_trace_can_be_followed_through_all_logs(watched: Any, story: Any) -> None:
    told = watched.platform.everlog("logs", "--trace", story.created)
    said = [(line["process"], line["event"]) for line in told]
    assert said.index(("contacts", "appended")) < said.index(("contacts", "request"))
    assert ("gateway", "request") in said
    assert ("contacts", "published") in said
    processed = {line["process"] for line in told if line["event"] == "processed"}
    assert processed == {"contacts", "pipeline", "campaigns", "analytics"}
    assert [line["timestamp"] for line in told] == sorted(line["timestamp"] for line in told)
    assert all(len(line["span_id"]) == 16 for line in told)


def test_gateway_and_service_name_the_same_request(watched: Any, story: Any) -> None:
    told = watched.platform.everlog("logs", "--trace", story.created)
    requests = [line for line in told if line["event"] in ("request", "appended")]
    assert len({line["request_id"] for line in requests}) == 1
    assert {line["process"] for line in requests} >= {"gateway", "contacts"}


def test_what_broke_is_told_with_its_place_and_its_trace(watched: Any, story: Any) -> None:
    told = watched.platform.everlog("logs", "--trace", story.failed)
    [broken] = [line for line in told if line["event"] == "unexpected error"]
    assert broken["level"] == "error"
    assert broken["error"] == "CheckViolationError 23514 at refusing"
    assert "event_log.py" in broken["exception"]
    failed = [line for _, line in watched.told() if line["event"] == "task failed"]
    assert {(line["task"], line["error"]) for line in failed} == {
        ("projector", "CheckViolationError 23514 at refusing")
    }


def test_no_log_names_the_person_everything_was_about(watched: Any, story: Any) -> None:
    """Their name, addresses, number, tags; after adding, changing, failing and erasing."""
    named = [
        (process, line)
        for process, lines in watched.lines().items()
        for line in lines
        for word in story.secrets
        if word.lower() in line.lower()
    ]
    assert named == []
