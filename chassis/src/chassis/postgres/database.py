"""Connections to one service's database under one of its roles.

A connection is handed out for one workspace: row-level security then shows it nothing else. The
workspace and the search path (the current generation of every read model) are set only when they
differ from what the connection was last used for, so a query is one round trip.

Whoever answers requests has patience for some seconds only: for a connection, and for each
statement. A server that hangs is hung up on; the statements it still has end there by themselves.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec
from prometheus_client import Histogram

from chassis.vault import Keyring

Connection: TypeAlias = Any
"""An asyncpg connection (the library has no types)."""
Record: TypeAlias = Any

CONNECTION_ENDED: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # it was ended in the middle of something
    asyncpg.OperatorInterventionError,
)
"""How a connection ends that the server, or whatever is between, has closed: nothing is wrong with
what was asked."""

WAITED = Histogram(
    "everlog_db_connection_wait_seconds",
    "How long one waited for a connection.",
    ("pool",),
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)

_ENTER = """
select set_config('everlog.workspace', $1, false), set_config('search_path', $2, false),
       set_config('statement_timeout', $3, false), set_config('transaction_timeout', $4, false)
"""
_WORK_S = 60.0
_TRANSACTION_S = 300.0
"""After which the server ends a transaction and its connection. Whoever is frozen in the middle of
a statement, which is no idling, would hold for ever what others wait for."""
_STATEMENTS_MOST = 6
"""In one transaction, of those that may take as long as a connection's own patience."""
_GRACE_S = 0.5
"""How much longer than the server, which says what it gave up, the client waits."""


class _Scoped(asyncpg.Connection):  # type: ignore[misc]
    """A connection that remembers what it is set to."""

    scope: tuple[str, ...] | None = None


class _Impatient(_Scoped):
    """A connection that does not wait until a statement is cancelled: a server that hangs would not
    confirm that either."""

    def _cancel_current_command(self, *_: Any) -> None:
        # Not at once: the library has still to tell whoever waits that the time is up.
        self._loop.call_soon(self.terminate)


async def _set_codecs(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_to_json, decoder=msgspec.json.decode
        )


def _to_json(value: Any) -> str:
    """Text is taken for JSON already: statements built with SQLAlchemy hand it over so."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _keep(_: Connection) -> None:
    """Connections go back as they are; `Database.connection` sets what differs."""


def dsn_for(postgres: str, service: str, role: str, keyring: Keyring) -> str:
    """The address of a service's database for one of its roles.

    `postgres` names the server (a user and password in it, if any, are not used).
    """
    parts = urlsplit(postgres)
    host = parts.hostname or "127.0.0.1"
    user = f"everlog_{service}_{role}"
    options = f"?{parts.query}" if parts.query else ""
    return (
        f"postgresql://{user}:{keyring.password(user)}@{host}:{parts.port or 5432}"
        f"/everlog_{service}{options}"
    )


class Database:
    """A pool of connections; opened by `start`, closed by `stop`.

    `patience_s`: how long to wait for a connection, and for each statement, which the server then
    undoes. None: a minute for each statement, and for a connection as long as it takes.
    """

    def __init__(
        self, dsn: str, *, name: str, most: int = 8, patience_s: float | None = None
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._most = most
        self._patience_s = patience_s
        self._pool: asyncpg.Pool | None = None
        self.pool = name.rpartition(" ")[2]
        self._waited = WAITED.labels(self.pool)
        self.search_path = "road"

    async def start(self) -> None:
        """Open the pool with one connection; more are opened as they are needed."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=self._most,
            max_inactive_connection_lifetime=30.0,
            connection_class=_Scoped if self._patience_s is None else _Impatient,
            init=_set_codecs,
            reset=_keep,
            timeout=self._patience_s or _WORK_S,
            command_timeout=self._patience_s or _WORK_S,
            server_settings={
                "application_name": self._name,
                "idle_in_transaction_session_timeout": "30000",
                "jit": "off",
            },
        )

    async def stop(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def connection(
        self, workspace: UUID | None, *, patience_s: float | None = None
    ) -> AsyncIterator[Connection]:
        """A connection that sees this workspace; None (workers only): every workspace.

        `patience_s`: for statements that may take longer than this pool's usually do.
        """
        if self._pool is None:
            raise RuntimeError("the database pool is not started")
        patience = patience_s or self._patience_s
        limits = (patience or 0.0, max(_TRANSACTION_S, _STATEMENTS_MOST * (patience_s or 0.0)))
        scope = (str(workspace or ""), self.search_path, *(f"{s * 1000:.0f}" for s in limits))
        began = time.perf_counter()
        async with self._pool.acquire(timeout=self._patience_s) as connection:
            self._waited.observe(time.perf_counter() - began)
            raw = connection._con
            # Before something that may take long, also to see whether anybody answers at all.
            if raw.scope != scope or patience_s is not None:
                await connection.execute(_ENTER, *scope, timeout=self._patience_s)
                raw.scope = scope
                within = _WORK_S if patience is None else patience + _GRACE_S
                raw._config = raw._config._replace(command_timeout=within)
            yield connection

    def connections(self) -> tuple[int, int, int]:
        """How many are in use, how many idle, and how many there may be."""
        if self._pool is None:
            return 0, 0, self._most
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return size - idle, idle, self._most

    async def dedicated(
        self, purpose: str = "lock", *, silent_s: float | None = None
    ) -> Connection:
        """A connection of one's own, outside the pool: to lock, to listen. Close it.

        `silent_s`: the server ends it, and what it holds, when it has not heard of it for so long.
        """
        limit = 0 if silent_s is None else int(silent_s * 1000)
        return await asyncpg.connect(
            self._dsn,
            server_settings={
                "application_name": f"{self._name} {purpose}",
                "idle_session_timeout": str(limit),
            },
        )
