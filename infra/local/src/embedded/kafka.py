"""Kafka: one KRaft node on loopback with a small heap, formatted once, started on its data."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from embedded.download import Servers
from embedded.errors import Trouble
from embedded.launch import Launch, run_once, running
from embedded.ports import free_ports
from embedded.toolchain import java

_SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    # A topic comes with its partitions and its retention, on purpose, never by accident.
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # One consumer is the rule here; waiting for more of them delays every start by 3 s.
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker may only come back when its former self has expired, by default after 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.ms": "-1",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),  # of the heap; 128 MB by default
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}

_JVM = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # Kafka caches a direct buffer per thread as large as its largest read or write.
    "-Djdk.nio.maxCachedBufferSize=262144",
    "-XX:+ExitOnOutOfMemoryError",  # dead it is restarted; half dead it would not be
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
    "-Djava.awt.headless=true",
    "-Dlog4j2.StatusLogger.level=OFF",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)
_API_VERSIONS = 18


class Kafka:
    """One Kafka node, broker and controller in one; everything it has lies under `home`."""

    name = "kafka"

    def __init__(
        self,
        servers: Servers,
        home: Path,
        port: int,
        controller_port: int,
        *,
        heap_mb_max: int = 256,
        extra_jvm: tuple[str, ...] = (),
        advertised_port: int | None = None,
    ) -> None:
        """`advertised_port`: where clients are sent, if something stands before the broker."""
        self._servers = servers
        self._home = home
        self._data = home / "data"
        self._port = port
        self._controller_port = controller_port
        self._heap_mb_max = heap_mb_max
        self._extra_jvm = extra_jvm
        self._advertised_port = advertised_port or port

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self._port}"

    def prepare(self) -> None:
        """Format the data directory once; write the settings every time."""
        self._home.mkdir(parents=True, exist_ok=True)
        if not (self._data / "meta.properties").exists():
            self._format()
        self._write_settings(self._home / "server.properties", self._data)

    def _format(self) -> None:
        fresh = self._home / "data.new"  # renamed when complete: no half-made data after a crash
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        settings = self._home / "format.properties"
        self._write_settings(settings, fresh)
        cluster = self._java("-Xmx64m", "kafka.tools.StorageTool", "random-uuid")
        answer = subprocess.run(cluster, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise Trouble("Kafka's StorageTool does not run.", detail=answer.stdout + answer.stderr)
        argv = self._java(
            "-Xmx64m",
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            answer.stdout.split()[-1],
            "--config",
            str(settings),
        )
        run_once(Launch(self.name, argv, self._env(), self._home, settings))
        settings.unlink()
        fresh.rename(self._data)

    def launch(self, log: Path) -> Launch:
        """How to start the broker."""
        archive = archive_of(self._servers)
        argv = self._java(
            f"-Xmx{self._heap_mb_max}m",
            *((f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()),
            *self._extra_jvm,
            "kafka.Kafka",
            str(self._home / "server.properties"),
        )
        return Launch(self.name, argv, self._env(), self._home, log)

    def _java(self, *arguments: str) -> tuple[str, ...]:
        return (java(), *_JVM, "-cp", _class_path(self._servers), *arguments)

    def _env(self) -> dict[str, str]:
        # Without the limit glibc keeps a heap per thread, and Kafka has many threads.
        return {**os.environ, "MALLOC_ARENA_MAX": "2"}

    def _write_settings(self, path: Path, data: Path) -> None:
        controller = f"127.0.0.1:{self._controller_port}"
        settings = {
            **_SETTINGS,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._advertised_port}",
            "log.dirs": str(data),
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def is_ready(self) -> bool:
        """Whether the broker answers."""
        return answers(self._port)


def answers(port: int, timeout_s: float = 1.0) -> bool:
    """Whether a broker answers the question every client asks first, ApiVersions. The kernel alone
    would accept the connection, also for a process that is frozen."""
    request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False


def _class_path(servers: Servers) -> str:
    return os.pathsep.join(str(jar) for jar in servers.kafka_jars)


def archive_of(servers: Servers) -> Path:
    """Where the parsed classes of this Java and these jars lie (class data sharing)."""
    version = subprocess.run([java(), "-version"], capture_output=True, check=False).stderr
    key = hashlib.sha256(version + _class_path(servers).encode()).hexdigest()[:12]
    return servers.home / f"kafka-{key}.jsa"


def make_archive(servers: Servers, say: Callable[[str], None]) -> None:
    """Run a broker once for its parsed classes: every later one starts in half the time and takes
    40 MB less. Nothing depends on it, so it may fail."""
    archive = archive_of(servers)
    if archive.exists():
        return
    say("Preparing Kafka for fast starts (once)")
    with tempfile.TemporaryDirectory(dir=servers.home) as directory:
        home = Path(directory)
        port, controller_port = free_ports(2)
        made = home / "made.jsa"
        kafka = Kafka(
            servers,
            home,
            port,
            controller_port,
            extra_jvm=(f"-XX:ArchiveClassesAtExit={made}",),
        )
        try:
            with running(kafka, home / "log"):
                pass
            made.replace(archive)
        except (Trouble, OSError) as problem:
            say(f"Kafka will start more slowly: {problem}")
