"""The processes of the platform, in one literal table, and the environment each one gets."""

from __future__ import annotations

import http.client
import importlib.util
import socket
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal, assert_never

from embedded import kafka, postgres
from embedded.download import Servers
from embedded.launch import Launch, Server
from everlog.home import (
    KAFKA_CONTROLLER_OFFSET,
    KAFKA_OFFSET,
    POSTGRES_OFFSET,
    SMTP_OFFSET,
    Home,
)

_PATIENCE_S = 2.0

Speaks = Literal["http", "kafka", "postgres", "smtp"]
"""How a process is asked whether it is ready."""


class Stage(IntEnum):
    """What is started first and stopped last."""

    SERVERS = 0
    SERVICES = 1
    GATEWAY = 2


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program of ours: `python -m module arguments`."""

    name: str
    module: str
    arguments: tuple[str, ...]
    offset: int
    stage: Stage = Stage.SERVICES
    essential: bool = True  # whether `up` waits for it
    speaks: Speaks = "http"


# What has a manifest, and so a database and a topic, that `setup` prepares.
SERVICES = ("identity", "contacts", "pipeline", "campaigns", "analytics")

_WITHHELD = frozenset({"EVERLOG_ADMIN_EMAIL", "EVERLOG_ADMIN_PASSWORD"})

PROGRAMS = (
    Program("mailbox", "everlog", ("mailbox",), SMTP_OFFSET, speaks="smtp"),
    Program("identity", "identity", ("both",), 1),
    Program("contacts", "contacts", ("both",), 2),
    Program("pipeline", "pipeline", ("both",), 3),
    Program("campaigns", "campaigns", ("both",), 4),
    Program("analytics", "analytics", ("both",), 5),
    # Derived and never the truth: one can work without it.
    Program("analytics-stream", "analytics", ("stream",), 6, essential=False),
    Program("gateway", "gateway", (), 0, Stage.GATEWAY),
)


def is_installed(module: str) -> bool:
    """Whether there is such a module (a folder that merely has the name does not count)."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def programs(home: Home) -> list[Program]:
    """The programs that this copy runs."""
    return [
        program
        for program in PROGRAMS
        if is_installed(f"{program.module}.__main__")
        and (program.name != "mailbox" or home.own_smtp)
    ]


def installed_services() -> list[str]:
    """The services that are there to be set up."""
    return [name for name in SERVICES if is_installed(f"{name}.manifest")]


def environment(home: Home, program: Program) -> dict[str, str]:
    """What a program is told. Only identity learns the administrator's password, and nobody the
    database superuser's."""
    env = {name: value for name, value in home.environ.items() if name not in _WITHHELD}
    env |= {
        "EVERLOG_HOME": str(home.path),
        "EVERLOG_PORT": str(home.port),
        "EVERLOG_LISTEN": f"127.0.0.1:{home.port + program.offset}",
        "EVERLOG_KAFKA": home.kafka,
        "EVERLOG_POSTGRES": home.postgres,
        "EVERLOG_SECRETS": str(home.secrets),
        "EVERLOG_PUBLIC_URL": home.environ.get("EVERLOG_PUBLIC_URL") or home.url,
        "EVERLOG_SMTP": home.smtp,
        "EVERLOG_MAILBOX": str(home.mailbox),
        "PYTHONUNBUFFERED": "1",
        # Without the limit glibc keeps a heap per thread: 20 to 30 MB more per service.
        "MALLOC_ARENA_MAX": "2",
    }
    if program.name == "identity":
        credentials = home.credentials()
        env["EVERLOG_ADMIN_EMAIL"] = credentials.email
        env["EVERLOG_ADMIN_PASSWORD"] = credentials.password
    if program.name == "gateway":
        env["EVERLOG_SERVICES"] = ",".join(
            f"{each.name}=http://127.0.0.1:{home.port + each.offset}"
            for each in programs(home)
            if each.speaks == "http" and each is not program
        )
    return env


class PythonServer:
    """A program as something that can be launched and asked whether it is ready."""

    def __init__(self, home: Home, program: Program) -> None:
        self.name = program.name
        self._home = home
        self._program = program
        self._port = home.port + program.offset

    def prepare(self) -> None:
        """Nothing to prepare: `setup` has done it."""

    def launch(self, log: Path) -> Launch:
        """How to start it."""
        # -P: a folder of the working directory must not pass for a package.
        argv = (sys.executable, "-P", "-m", self._program.module, *self._program.arguments)
        return Launch(self.name, argv, environment(self._home, self._program), self._home.path, log)

    def is_ready(self) -> bool:
        """Whether it says so."""
        return is_ready(self._port, self._program.speaks)


def is_ready(port: int, speaks: Speaks) -> bool:
    """Whether whoever listens there answers, in its own words: /readyz with 200, ApiVersions, a
    greeting. An accepted connection means nothing: the kernel does that for frozen processes."""
    match speaks:
        case "http":
            return _says_ready(port)
        case "kafka":
            return kafka.answers(port, _PATIENCE_S)
        case "postgres":
            return postgres.answers(port, _PATIENCE_S)
        case "smtp":
            return _greets(port)
        case _:
            assert_never(speaks)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def _says_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the platform as the supervisor and `status` see it."""

    server: Server
    stage: Stage
    port: int
    essential: bool
    speaks: Speaks

    @property
    def name(self) -> str:
        """Its name, as in `everlog logs NAME`."""
        return self.server.name


def members(home: Home, servers: Servers | None) -> list[Member]:
    """All the processes of this copy, in the order they are started.

    `servers` are the fetched PostgreSQL and Kafka; None if both are external.
    """
    found: list[Member] = []
    if home.own_kafka and servers:  # first: it takes longest
        port, controller = home.port + KAFKA_OFFSET, home.port + KAFKA_CONTROLLER_OFFSET
        broker = kafka.Kafka(servers, home.path / "kafka", port, controller)
        found.append(Member(broker, Stage.SERVERS, port, essential=True, speaks="kafka"))
    if home.own_postgres and servers:
        port = home.port + POSTGRES_OFFSET
        password = home.postgres_password()
        database = postgres.Postgres(servers, home.path / "postgres", port, password)
        found.append(Member(database, Stage.SERVERS, port, essential=True, speaks="postgres"))
    for program in programs(home):
        server = PythonServer(home, program)
        port = home.port + program.offset
        found.append(Member(server, program.stage, port, program.essential, program.speaks))
    return found


def ports_of(home: Home) -> dict[int, str]:
    """Every port this copy is going to listen on, and for what."""
    ports = {home.port + program.offset: program.name for program in programs(home)}
    if home.own_postgres:
        ports[home.port + POSTGRES_OFFSET] = "postgres"
    if home.own_kafka:
        ports[home.port + KAFKA_OFFSET] = "kafka"
        ports[home.port + KAFKA_CONTROLLER_OFFSET] = "kafka's controller"
    return ports
