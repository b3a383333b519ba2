"""The servers of a platform without its services: for what nobody may write beside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg2

from chassis.setup import transaction
from embedded.download import fetch
from embedded.errors import Trouble
from embedded.launch import running
from everlog.home import Home
from everlog.lifecycle import one_at_a_time
from everlog.operating import require_servers
from everlog.output import Report
from everlog.services import Stage, members
from everlog.status import supervisor_of

_CONNECTED = """
select distinct usename from pg_stat_activity
 where usename like 'everlog\\_%' and pid <> pg_backend_pid() order by 1
"""


@contextlib.contextmanager
def servers_alone(home: Home, report: Report) -> Iterator[None]:
    """PostgreSQL and Kafka, started if they are the platform's own, and no service.

    Raises Trouble if a service runs.
    """
    with one_at_a_time(home), contextlib.ExitStack() as stack:
        if supervisor_of(home) is not None:
            raise Trouble(
                "Everlog runs: its services would write while the store is replaced.", "make down"
            )
        _start_own(home, report, stack)
        require_servers(home)
        _require_no_service(home)
        yield


@contextlib.contextmanager
def servers(home: Home, report: Report) -> Iterator[None]:
    """PostgreSQL and Kafka, as they run, or started as long as the platform is down."""
    if supervisor_of(home) is not None:
        require_servers(home)
        yield
        return
    with one_at_a_time(home), contextlib.ExitStack() as stack:
        _start_own(home, report, stack)
        require_servers(home)
        yield


def _start_own(home: Home, report: Report, stack: contextlib.ExitStack) -> None:
    for remark in home.ensure().remarks:
        report.say(remark)
    fetched = fetch(report.say) if home.own_postgres or home.own_kafka else None
    for member in members(home, fetched):
        if member.stage is Stage.SERVERS and member.name in ("postgres", "kafka"):
            report.say(f"Starting {member.name}")
            stack.enter_context(running(member.server, home.log(member.name)))


def _require_no_service(home: Home) -> None:
    try:
        with transaction(home.postgres_admin) as cursor:
            cursor.execute(_CONNECTED)
            connected = ", ".join(role for (role,) in cursor.fetchall())
    except psycopg2.OperationalError as error:
        raise Trouble("PostgreSQL does not answer.", "", str(error)) from error
    if connected:
        raise Trouble(
            f"Services are connected to the database, as {connected}.",
            "Stop them: they would write while the store is replaced.",
        )
