"""A temporary copy of the checkout in which guards are taken out and tests are run.

The servers are started once; after each mutant what it left in them is dropped, since a mutant may
have changed the schema, or put on a topic what no sound relay would.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from aiokafka.admin import AIOKafkaAdminClient

from embedded.download import fetch
from embedded.kafka import Kafka, make_archive
from embedded.launch import running
from embedded.ports import free_ports
from embedded.postgres import Postgres
from tests.mutation.mutant import ROOT, Mutant

_PATIENCE_S = 240
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?)(?:\[.*?)?(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of tests: those that passed, that failed, and that could not even be tried."""

    passed: frozenset[str]
    failed: frozenset[str]
    broken: frozenset[str]
    told: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: `caught`, `survived`, or `broken` (its tests could not be run)."""

    mutant: Mutant
    word: str
    seconds: float
    told: str = ""


@dataclass
class Workshop:
    """The copy, and the servers its tests use."""

    checkout: Path
    environ: Mapping[str, str]
    sweep: Callable[[], None]

    def tests(self, names: Sequence[str]) -> Outcome:
        """Run these tests in the copy."""
        command = [sys.executable, "-m", "pytest", "-q", "-rfEp", "--timeout=100"]
        try:
            ran = subprocess.run(
                [*command, *names],
                cwd=self.checkout,
                env=dict(self.environ),
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=False,
            )
            told = ran.stdout + ran.stderr
        except subprocess.TimeoutExpired as error:
            told = f"nothing after {_PATIENCE_S} s\n{error.stdout!r}"
        found: dict[str, set[str]] = {"PASSED": set(), "FAILED": set(), "ERROR": set()}
        for word, name in _OUTCOME.findall(told):
            found[word].add(name)
        failed = frozenset(found["FAILED"])
        broken = frozenset(found["ERROR"]) - failed
        return Outcome(frozenset(found["PASSED"]) - failed, failed, broken, told)

    def judge(self, mutant: Mutant) -> Verdict:
        """Take a guard out, run its tests, put it back."""
        path = self.checkout / mutant.file
        source, begin = path.read_text(), time.monotonic()
        mutant.apply(self.checkout)
        try:
            outcome = self.tests(mutant.tests)
        finally:
            path.write_text(source)
            if not mutant.in_memory:
                self.sweep()
        word = "caught" if set(mutant.tests) <= outcome.failed else "broken"
        if set(mutant.tests) & outcome.passed:
            word = "survived"
        return Verdict(mutant, word, time.monotonic() - begin, outcome.told)


@contextmanager
def workshop(*, servers: bool) -> Iterator[Workshop]:
    """A copy of the checkout as it is now, committed or not."""
    with tempfile.TemporaryDirectory(prefix="everlog-mutation-", ignore_cleanup_errors=True) as tmp:
        home = Path(tmp)
        home.chmod(0o755)  # PostgreSQL may run under an account of its own
        checkout = home / "checkout"
        _copy(checkout)
        sources = [str(path) for path in _sources(checkout)]
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sources),
            "PYTHONDONTWRITEBYTECODE": "1",  # two versions of a file may be equally old and long
        }
        if not servers:
            yield Workshop(checkout, environ, lambda: None)
            return
        with _servers(home) as (postgres, kafka):
            environ |= {"EVERLOG_POSTGRES": postgres, "EVERLOG_KAFKA": kafka}
            yield Workshop(checkout, environ, lambda: _sweep(postgres, kafka))


def _copy(checkout: Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.sql"]
    command += ["pyproject.toml", "contracts", "docs", "infra/local", ":(glob)services/*/src/**"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)


def _sources(checkout: Path) -> list[Path]:
    return sorted(path for path in checkout.glob("**/src") if path.is_dir())


@contextmanager
def _servers(home: Path) -> Iterator[tuple[str, str]]:
    servers = fetch(print)
    make_archive(servers, print)
    postgres_port, kafka_port, controller_port = free_ports(3)
    postgres = Postgres(servers, home / "postgres", postgres_port, "tests", unsafe_but_fast=True)
    kafka = Kafka(servers, home / "kafka", kafka_port, controller_port)
    with running(postgres, home / "postgres.log"), running(kafka, home / "kafka.log"):
        yield postgres.dsn, kafka.bootstrap


def _sweep(postgres: str, kafka: str) -> None:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("select datname from pg_database where datname like 'everlog_%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"drop database {name} with (force)")
    asyncio.run(_delete_topics(kafka))


async def _delete_topics(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        while ours := [t for t in await admin.list_topics() if t.startswith("everlog.")]:
            await admin.delete_topics(ours)
            await asyncio.sleep(0.2)
    finally:
        await admin.close()
