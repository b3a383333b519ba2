"""The table of processes and what each one is told."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from embedded.ports import free_port
from everlog.home import Home
from everlog.services import (
    PROGRAMS,
    Program,
    Speaks,
    environment,
    is_installed,
    is_ready,
    ports_of,
)

ALL_SPEAK = get_args(Speaks)
BY_NAME = {program.name: program for program in PROGRAMS}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    environ = {
        "EVERLOG_HOME": str(tmp_path),
        "EVERLOG_PORT": "9000",
        "EVERLOG_ADMIN_PASSWORD": "of the administrator",
        "EVERLOG_SOME_SETTING": "kept",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    home = Home.of(environ)
    home.ensure()
    return home


def test_no_two_processes_share_a_port(home: Home) -> None:
    offsets = [program.offset for program in PROGRAMS]
    assert len(set(offsets)) == len(offsets)
    assert min(ports_of(home)) >= 9000
    assert max(ports_of(home)) == 9022


def test_a_service_is_told_where_it_listens_and_where_everything_is(home: Home) -> None:
    env = environment(home, BY_NAME["pipeline"])
    assert env["EVERLOG_LISTEN"] == "127.0.0.1:9003"
    assert env["EVERLOG_POSTGRES"] == "postgresql://127.0.0.1:9020"
    assert env["EVERLOG_KAFKA"] == "127.0.0.1:9021"
    assert env["EVERLOG_PUBLIC_URL"] == "http://127.0.0.1:9000"
    assert env["EVERLOG_SECRETS"] == str(home.secrets)
    assert env["EVERLOG_MAILBOX"] == str(home.mailbox)
    assert env["EVERLOG_SMTP"] == "smtp://127.0.0.1:9010"


def test_settings_and_telemetry_are_passed_on(home: Home) -> None:
    env = environment(home, BY_NAME["contacts"])
    assert env["EVERLOG_SOME_SETTING"] == "kept"
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"


def test_only_identity_learns_the_administrators_password(home: Home) -> None:
    password = "of the administrator"
    told = [name for name, each in BY_NAME.items() if password in environment(home, each).values()]
    assert told == ["identity"]


def test_nobody_learns_the_database_superusers_password(home: Home) -> None:
    secret = home.postgres_password()
    for program in PROGRAMS:
        assert not [value for value in environment(home, program).values() if secret in value]


def test_a_module_that_is_not_there_is_not_installed() -> None:
    assert is_installed("everlog.__main__")
    assert not is_installed("no_such_service.__main__")
    assert not is_installed("everlog.no_such_part")


class Answer(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def answering() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_service_is_ready_when_it_says_so(
    answering: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_ready(answering, "http")
    monkeypatch.setattr(Answer, "status", 503)
    assert not is_ready(answering, "http")


@pytest.mark.parametrize("speaks", ALL_SPEAK)
def test_nobody_there_is_not_ready(speaks: Speaks) -> None:
    port = free_port()
    assert not is_ready(port, speaks)


@pytest.mark.parametrize("speaks", ALL_SPEAK)
def test_whoever_takes_connections_and_says_nothing_is_not_ready(speaks: Speaks) -> None:
    """As the kernel does for a process that is frozen."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        assert not is_ready(frozen.getsockname()[1], speaks)


def test_every_program_can_be_written_down_once() -> None:
    assert all(isinstance(program, Program) for program in PROGRAMS)
    assert len(BY_NAME) == len(PROGRAMS)
