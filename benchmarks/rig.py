"""Servers for the benchmarks, started as `make up` starts them: durable, with their small heaps."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from chassis import telemetry
from chassis.clock import SystemClock
from chassis.manifest import Manifest
from chassis.service import WORKER, Service
from chassis.settings import ServiceSettings
from chassis.setup import prepare
from embedded.download import fetch
from embedded.kafka import Kafka, make_archive
from embedded.launch import running
from embedded.ports import free_ports
from embedded.postgres import Postgres

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Servers:
    """Where PostgreSQL (its superuser) and Kafka answer, and a folder for secrets."""

    postgres: str
    kafka: str
    secrets: Path
    home: Path

    def settings(self) -> ServiceSettings:
        """Of a service on these servers that listens nowhere."""
        return ServiceSettings(
            listen="127.0.0.1:0", kafka=self.kafka, postgres=self.postgres, secrets=self.secrets
        )


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """A PostgreSQL and a Kafka of one's own, on free ports, in a folder that is removed."""
    fetched = fetch(say)
    make_archive(fetched, say)
    home = Path(tempfile.mkdtemp(prefix="everlog-bench-"))
    home.chmod(0o755)
    secrets = home / "secrets"
    secrets.mkdir()
    (secrets / "master.key").write_text("00" * 32)
    _make_signing_key(secrets)
    port, kafka_port, controller = free_ports(3)
    postgres = Postgres(fetched, home / "postgres", port, "bench")
    kafka = Kafka(fetched, home / "kafka", kafka_port, controller)
    try:
        with running(postgres, home / "postgres.log"), running(kafka, home / "kafka.log"):
            yield Servers(postgres.dsn, kafka.bootstrap, secrets, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_signing_key(secrets: Path) -> None:
    from joserfc.jwk import OKPKey

    key = OKPKey.generate_key("Ed25519")
    (secrets / "signing.key").write_bytes(key.as_pem(private=True))
    (secrets / "verify.pem").write_bytes(key.as_pem(private=False))


@contextlib.asynccontextmanager
async def service(manifest: Manifest, where: Servers) -> AsyncIterator[Service]:
    """A service set up and connected, without a process of its own. It logs as in one: at INFO."""
    telemetry.configure(manifest.service)
    await prepare(manifest, postgres=where.postgres, kafka=where.kafka, secrets=where.secrets)
    service = Service(manifest, where.settings(), SystemClock(), WORKER)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


class Stopwatch:
    """Wall time and this process's processor time, in seconds."""

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self.wall_s = self.cpu_s = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._wall
        self.cpu_s = time.process_time() - self._cpu


def peak_memory_mb() -> int:
    """The most memory this process has had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def say(text: str) -> None:
    """Tell whoever watches."""
    print(text, file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "python": sys.version.split()[0],
    }
