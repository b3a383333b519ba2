"""The embedded servers, really started: what was written is there after a restart."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.account import unprivileged
from embedded.download import Servers
from embedded.errors import Trouble
from embedded.kafka import Kafka
from embedded.launch import running, start, stop, wait_until_ready
from embedded.ports import free_port, free_ports
from embedded.postgres import Postgres

pytestmark = pytest.mark.integration


def query(dsn: str, sql: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
    finally:
        connection.close()


def eventually(holds: Callable[[], bool], limit_s: float = 20) -> bool:
    end = time.monotonic() + limit_s
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def postgres(embedded_servers: Servers, tmp_path: Path) -> Postgres:
    port = free_port()
    return Postgres(embedded_servers, tmp_path / "postgres", port, "p@ss/word")


def test_postgres_finds_its_data_after_a_restart(postgres: Postgres, tmp_path: Path) -> None:
    with running(postgres, tmp_path / "log"):
        query(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    with running(postgres, tmp_path / "log"):
        assert query(postgres.dsn, "SELECT answer FROM kept") == 42


def test_postgres_keeps_committed_data_when_it_is_killed(
    postgres: Postgres, tmp_path: Path
) -> None:
    with running(postgres, tmp_path / "log") as process:
        query(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        process.kill()
        process.wait()
    assert not postgres.is_ready()
    with running(postgres, tmp_path / "log"):
        assert query(postgres.dsn, "SELECT answer FROM kept") == 42


def test_a_postgres_that_is_frozen_is_not_ready(postgres: Postgres, tmp_path: Path) -> None:
    with running(postgres, tmp_path / "log") as process:
        process.send_signal(signal.SIGSTOP)
        assert not postgres.is_ready()
        process.send_signal(signal.SIGCONT)
        assert eventually(postgres.is_ready)


def test_postgres_is_durable_unless_a_test_asks_otherwise(
    postgres: Postgres, tmp_path: Path
) -> None:
    with running(postgres, tmp_path / "log"):
        assert query(postgres.dsn, "SHOW fsync") == "on"
        assert query(postgres.dsn, "SHOW synchronous_commit") == "on"


def test_postgres_lets_nobody_in_without_the_password(postgres: Postgres, tmp_path: Path) -> None:
    with running(postgres, tmp_path / "log"):
        wrong = postgres.dsn.replace("p%40ss%2Fword", "guessed")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            query(wrong, "SELECT 1")


def test_postgres_reads_the_operators_own_settings_last(postgres: Postgres, tmp_path: Path) -> None:
    postgres.prepare()
    own = tmp_path / "postgres" / "data" / "local.conf"
    own.write_text("work_mem = 12MB\n")
    own.chmod(0o644)
    with running(postgres, tmp_path / "log"):
        assert query(postgres.dsn, "SHOW work_mem") == "12MB"


def test_postgres_never_runs_as_root_even_where_only_root_may_walk(
    embedded_servers: Servers, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # The programs too: a whole checkout may lie in such a place.
    shutil.copytree(embedded_servers.postgres, closed / "servers" / "postgres", symlinks=True)
    port = free_port()
    server = Postgres(Servers(closed / "servers"), closed / "postgres", port, "secret")
    with running(server, tmp_path / "log") as process:
        assert query(server.dsn, "SELECT 1") == 1
        assert psutil.Process(process.pid).uids().effective != 0


def test_a_pid_file_left_by_a_crash_of_the_machine_does_not_stop_postgres(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.prepare()
    data = tmp_path / "postgres" / "data"
    account = unprivileged(data)
    uid = account.uid if account else None
    with subprocess.Popen(["sleep", "300"], user=uid) as other:  # has the old number now
        (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n")
        try:
            with running(postgres, tmp_path / "log"):
                assert query(postgres.dsn, "SELECT 1") == 1
        finally:
            other.kill()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.prepare()
    (tmp_path / "postgres" / "data" / "local.conf").write_text("no_such_setting = on\n")
    with pytest.raises(Trouble) as trouble, running(postgres, tmp_path / "log"):
        pass
    assert "no_such_setting" in trouble.value.detail


async def produce(bootstrap: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("kept", value)
    await producer.stop()


async def consume(bootstrap: str) -> bytes:
    consumer = AIOKafkaConsumer(
        "kept",
        bootstrap_servers=bootstrap,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 30)
    finally:
        await consumer.stop()
    assert record.value is not None
    return bytes(record.value)


def test_a_kafka_that_is_frozen_is_not_ready(embedded_servers: Servers, tmp_path: Path) -> None:
    port, controller_port = free_ports(2)
    kafka = Kafka(embedded_servers, tmp_path / "kafka", port, controller_port)
    with running(kafka, tmp_path / "log") as process:
        process.send_signal(signal.SIGSTOP)
        assert not kafka.is_ready()
        process.send_signal(signal.SIGCONT)
        assert eventually(kafka.is_ready)


async def test_kafka_finds_its_records_after_a_restart(
    embedded_servers: Servers, tmp_path: Path
) -> None:
    port, controller_port = free_ports(2)
    server = Kafka(embedded_servers, tmp_path / "kafka", port, controller_port)
    with running(server, tmp_path / "log"):
        await produce(server.bootstrap, b"kept")
    with running(server, tmp_path / "log") as process:
        assert await consume(server.bootstrap) == b"kept"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(server, tmp_path / "log"):
        assert await consume(server.bootstrap) == b"kept"


def test_no_server_outlives_the_process_that_started_it(postgres: Postgres, tmp_path: Path) -> None:
    postgres.prepare()
    launch = postgres.launch(tmp_path / "log")
    starter = os.fork()
    if starter == 0:  # a starter that is killed without a chance to clean up
        process = start(launch)
        wait_until_ready(postgres, process, launch.log)
        (tmp_path / "pid").write_text(str(process.pid))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(starter, 0)
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not psutil.pid_exists(pid) or gone(psutil.Process(pid)))
    assert not postgres.is_ready()


def test_a_process_that_ignores_the_request_to_stop_is_ended_with_its_children(
    tmp_path: Path,
) -> None:
    script = "trap '' TERM; sleep 300 & echo $! > child; while :; do sleep 0.1; done"
    process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, start_new_session=True)
    pid_file = tmp_path / "child"
    assert eventually(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    child = psutil.Process(int(pid_file.read_text()))
    assert stop(process, signal.SIGTERM, grace_s=0.3) == -signal.SIGKILL
    assert eventually(lambda: gone(child))
