"""What a line of the logs holds, and what of an error it never says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from chassis import telemetry
from chassis.errors import BadInput, Poison, Unavailable
from chassis.logs import REQUEST_ID, Rendering, about, described, traced


def line(**more: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(Rendering("depot").line("info", "moved", "road", more))
    return said


def caught(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as raised:  # noqa: BLE001 - to be told of
        return raised


def test_a_line_begins_with_when_what_and_who() -> None:
    said = line(count=3)
    assert list(said) == ["timestamp", "level", "event", "logger", "service.name", "count"]
    assert said["timestamp"].endswith("Z")
    assert len(said["timestamp"]) == len("2026-03-02T12:00:00.000000Z")


def test_a_line_names_the_trace_and_the_request() -> None:
    token = REQUEST_ID.set("r1")
    with telemetry.server_span("GET", {}):
        said = line()
        assert (said["trace_id"], said["request_id"]) == (telemetry.trace_id(), "r1")
        assert len(said["span_id"]) == 16
    REQUEST_ID.reset(token)
    assert "trace_id" not in line()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("Ada Lovelace is no number"), "ValueError"),
        (KeyError("ada@example.org"), "KeyError"),
        (BadInput("'Ada' is no address", code="bad-address"), "BadInput bad-address"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (
            KafkaConnectionError("no broker"),
            "KafkaConnectionError: KafkaConnectionError: no broker",
        ),
        (Unavailable("no Kafka broker answers"), "Unavailable: no Kafka broker answers"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_an_error_is_told_with_words_only_if_they_are_about_machines(
    error: Exception, told: str
) -> None:
    assert described(error) == told
    assert line(error=error)["error"] == told


def test_what_quotes_another_error_is_told_by_its_kind() -> None:
    quoting = caught(Poison("<parcel-1@2> cannot be applied: KeyError('Ada')"), KeyError("Ada"))
    assert described(quoting) == "Poison"
    assert described(caught(Poison("no events left"))) == "Poison: no events left"


def test_an_error_of_the_database_is_told_by_its_code_and_its_place() -> None:
    error = asyncpg.exceptions.UniqueViolationError("Key (email)=(ada@example.org) exists")
    error.constraint_name = "one_email"
    assert described(error) == "UniqueViolationError 23505 at one_email"


def test_an_unforeseen_error_is_told_with_its_place_and_a_foreseen_one_without() -> None:
    broken = caught(ValueError("Ada"), KeyError("Lovelace"))
    said = line(**about(broken))
    assert said["error"] == "ValueError"
    assert "test_logs.py" in said["exception"]
    assert "KeyError" in traced(broken)
    assert not {"Ada", "Lovelace"} & set(said["exception"].replace('"', " ").split())
    assert "exception" not in line(**about(OSError("the network")))


def test_libraries_log_in_the_same_form_and_the_end_of_a_process_too() -> None:
    code = (
        "import logging\n"
        "from chassis import logs\n"
        "logs.configure('depot')\n"
        "logging.getLogger('aiokafka').warning('lost %s', 'it')\n"
        "logging.getLogger('aiokafka').info('chatter')\n"
        "raise ValueError('Ada')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lost, ended = map(json.loads, ran.stdout.splitlines())
    assert (lost["event"], lost["logger"], lost["level"]) == ("lost it", "aiokafka", "warning")
    assert (ended["event"], ended["error"]) == ("the process ends", "ValueError")
    assert ran.returncode == 1
    assert "Ada" not in ran.stdout.replace("raise ValueError('Ada')", "") + ran.stderr
    assert logging.getLogger("aiokafka").level == logging.NOTSET
