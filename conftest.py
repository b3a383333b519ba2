"""The servers that the tests run against: given ones, containers, or the embedded ones.

Nothing is started before the first test that asks for it, and everything is stopped at the end.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from embedded.download import Servers, fetch
from embedded.kafka import Kafka, make_archive
from embedded.launch import running
from embedded.ports import free_port, free_ports
from embedded.postgres import Postgres

# Folders of the house are named like the packages inside them. pytest, which names a test module
# after its path, would take `everlog/` for the package `everlog` unless that one came first.
for _name in ("chassis", "everlog", "gateway"):
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(_name)

POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = "apache/kafka:4.1.0"

# Sorts like the embedded server, so that the tests mean the same on both.
_INITDB_ARGS = "--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C"


@cache
def docker_answers() -> bool:
    """Whether the tests are to use containers: an engine is there and nobody asked for embedded."""
    if os.environ.get("EVERLOG_TEST_SERVERS") == "embedded" or shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.fixture(scope="session")
def embedded_servers() -> Servers:
    """The fetched servers (once per machine)."""
    servers = fetch(_say)
    make_archive(servers, _say)
    return servers


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """Where the embedded servers of this session keep their data.

    Not pytest's own directory: that one is closed to the account PostgreSQL runs under.
    """
    with tempfile.TemporaryDirectory(prefix="everlog-tests-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        yield Path(home)


@pytest.fixture(scope="session")
def postgres_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """How the superuser of a real PostgreSQL connects."""
    if given := os.environ.get("EVERLOG_POSTGRES"):
        yield given
    elif docker_answers():
        with _postgres_container() as dsn:
            yield dsn
    else:
        servers = request.getfixturevalue("embedded_servers")
        home = request.getfixturevalue("server_home")
        port = free_port()
        server = Postgres(servers, home / "postgres", port, "tests", unsafe_but_fast=True)
        with running(server, home / "postgres.log"):
            yield server.dsn


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a real Kafka answers."""
    if given := os.environ.get("EVERLOG_KAFKA"):
        yield given
    elif docker_answers():
        with _kafka_container() as bootstrap:
            yield bootstrap
    else:
        servers = request.getfixturevalue("embedded_servers")
        home = request.getfixturevalue("server_home")
        port, controller_port = free_ports(2)
        server = Kafka(servers, home / "kafka", port, controller_port)
        with running(server, home / "kafka.log"):
            yield server.bootstrap


@contextlib.contextmanager
def _postgres_container() -> Iterator[str]:
    port = free_port()
    container = _container(POSTGRES_IMAGE, 5432, port)
    container.with_env("POSTGRES_PASSWORD", "tests")
    container.with_env("POSTGRES_INITDB_ARGS", _INITDB_ARGS)
    # The image starts the server twice; only the second one listens beyond the container.
    container.waiting_for(_log_line(r"listening on IPv4(.|\n)*ready to accept connections"))
    with container:
        yield f"postgresql://postgres:tests@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def _kafka_container() -> Iterator[str]:
    """Apache's own image; testcontainers' KafkaContainer drives Confluent's scripts instead."""
    port = free_port()  # clients have to be told it before the start
    container = _container(KAFKA_IMAGE, 9092, port)
    for name, value in {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": "OUT://:9092,IN://:19092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"OUT://127.0.0.1:{port},IN://localhost:19092",
        "LISTENER_SECURITY_PROTOCOL_MAP": "OUT:PLAINTEXT,IN:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "INTER_BROKER_LISTENER_NAME": "IN",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "HEAP_OPTS": "-Xms64m -Xmx512m",
        "JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }.items():
        container.with_env(f"KAFKA_{name}", value)
    container.waiting_for(_log_line("Kafka Server started"))
    with container:
        yield f"127.0.0.1:{port}"


def _container(image: str, inner_port: int, port: int) -> Any:
    # Imported late: it talks to the engine, which is not there on most machines. Its cleaning
    # container would be one more image to have; every container here ends with its fixture.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image)
    ports: dict[str, Any] = container.ports
    ports[str(inner_port)] = ("127.0.0.1", port)  # its own method knows no address
    return container


def _log_line(pattern: str) -> Any:
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    return LogMessageWaitStrategy(pattern).with_startup_timeout(120)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        Path("/dev/tty").write_text(text + "\n")
