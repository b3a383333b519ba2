"""Sets a service up: its database, its two roles, the log's schema, its topic, its read models.

Everything is idempotent; a schema that was applied before is not touched again, so this can run
beside a working service.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from chassis.errors import TooOld, WrongKey
from chassis.kafka.topics import make_topics
from chassis.manifest import Manifest
from chassis.postgres import generations
from chassis.postgres.database import dsn_for
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC

OLDEST = 170000
"""Of PostgreSQL, as it tells its version: from 17 on it ends transactions that take too long."""
_NOTE_KEY = """
create table if not exists public.everlog_key (fingerprint bytea not null);
insert into public.everlog_key select %s where not exists (select from public.everlog_key);
"""


def roles_of(service: str) -> tuple[str, str]:
    """The roles of a service: the one that answers requests, the one that works."""
    return f"everlog_{service}_api", f"everlog_{service}_worker"


async def prepare(manifest: Manifest, *, postgres: str, kafka: str, secrets: Path) -> None:
    """Set a service up. `postgres`: the address of the server with an administrator's role."""
    keyring = Keyring.from_file(secrets / "master.key")
    await asyncio.to_thread(prepare_database, manifest, postgres, keyring)
    await make_topics(kafka, topics_of(manifest))


def topics_of(manifest: Manifest) -> set[str]:
    """The topics a service cannot do without."""
    return {manifest.topic, KEYS_TOPIC, *manifest.consumed_topics(), *manifest.reaction_topics()}


def prepare_database(manifest: Manifest, postgres: str, keyring: Keyring) -> None:
    """The database half of `prepare`."""
    service = manifest.service
    _require_version(postgres)
    _require_its_key(service, postgres, keyring)
    make_store(manifest, postgres, keyring, database_of(service))
    with transaction(dsn_for(postgres, service, "worker", keyring)) as cursor:
        generations.make_first(cursor, manifest.projections, roles_of(service)[0])


def make_store(manifest: Manifest, postgres: str, keyring: Keyring, name: str) -> None:
    """The roles of a service and a database of this name with its schema, without read models."""
    api, worker = roles_of(manifest.service)
    _make_roles_and_database(manifest.service, postgres, keyring, name)
    with transaction(in_database(postgres, name)) as cursor:
        _apply_schema(cursor, manifest, api, worker)
        cursor.execute(_NOTE_KEY, (keyring.fingerprint(),))


@contextmanager
def transaction(dsn: str) -> Iterator[Any]:
    """A psycopg2 cursor whose work is committed at the end, or rolled back."""
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def database_of(service: str) -> str:
    """The name of a service's database."""
    return f"everlog_{service}"


def in_database(postgres: str, name: str) -> str:
    """The address of another database of the same server."""
    parts = urlsplit(postgres)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _require_version(postgres: str) -> None:
    """Raises TooOld before anything is made."""
    with closing(psycopg2.connect(postgres)) as connection:
        if connection.server_version >= OLDEST:
            return
        version = connection.get_parameter_status("server_version")
    raise TooOld(
        f"PostgreSQL {OLDEST // 10_000} or newer is needed, and this server is {version}. "
        "Nothing was changed."
    )


def _require_its_key(service: str, postgres: str, keyring: Keyring) -> None:
    """Raises WrongKey before anything is changed: else roles would get its passwords, and what is
    written from then on could not be read under the right one."""
    name = database_of(service)
    with transaction(postgres) as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone() is None:
            return
    with transaction(in_database(postgres, name)) as cursor:
        cursor.execute("select to_regclass('public.everlog_key')")
        if cursor.fetchone() == (None,):
            return  # made half, or before keys were noted
        cursor.execute("select fingerprint from public.everlog_key")
        row = cursor.fetchone()
        if row is not None and bytes(row[0]) != keyring.fingerprint():
            raise WrongKey(
                f"The database {name} was made with another master key: with this one nobody can "
                "sign in and no personal data can be read. Nothing was changed."
            )


def _make_roles_and_database(service: str, postgres: str, keyring: Keyring, name: str) -> None:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for role in roles_of(service):
            cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
            verb = "alter" if cursor.fetchone() else "create"
            cursor.execute(
                sql.SQL(verb + " role {} login password %s").format(sql.Identifier(role)),
                (keyring.password(role),),
            )
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone():
            return
        database = sql.Identifier(name)
        cursor.execute(sql.SQL("create database {}").format(database))
        cursor.execute(sql.SQL("revoke all on database {} from public").format(database))
        api, worker = (sql.Identifier(role) for role in roles_of(service))
        cursor.execute(
            sql.SQL("grant connect on database {} to {}, {}").format(database, api, worker)
        )
        cursor.execute(sql.SQL("grant create on database {} to {}").format(database, worker))


def _apply_schema(cursor: Any, manifest: Manifest, api: str, worker: str) -> None:
    parts = resources.files("chassis.postgres")
    text = "".join((parts / name).read_text() for name in ("log.sql", "road.sql"))
    text = Template(_keep_dollar_quotes(text + manifest.schema)).substitute(api=api, worker=worker)
    digest = hashlib.sha256(text.encode()).hexdigest()
    cursor.execute("select pg_advisory_xact_lock(hashtext('everlog schema'))")
    cursor.execute("create table if not exists public.everlog_schema (digest text primary key)")
    # Only the last one counts: a release that is rolled back has to bring its functions back, too.
    cursor.execute("select digest from public.everlog_schema")
    if cursor.fetchall() != [(digest,)]:
        cursor.execute(text)
        cursor.execute("delete from public.everlog_schema")
        cursor.execute("insert into public.everlog_schema values (%s)", (digest,))


def _keep_dollar_quotes(text: str) -> str:
    """`$$` quotes a function body in SQL and would be one dollar to string.Template."""
    return text.replace("$$", "$$$$")
