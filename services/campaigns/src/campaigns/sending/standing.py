"""What sending keeps beside the log: whose turn it is, whether the server is away, test mails.

None of it is the truth about anything: it may be lost without harm.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chassis.postgres.database import Connection, Database, Record
from chassis.postgres.turns import Turn

SCHEMA = """
create schema if not exists sending;
grant usage on schema sending to $api, $worker;
create table if not exists sending.server_away (
    singleton boolean     not null primary key default true check (singleton),
    since     timestamptz not null,
    error     text        not null
);
create table if not exists sending.test_mails (
    workspace_id uuid        not null,
    id           uuid        not null,
    template_id  uuid        not null,
    asked_by     uuid        not null,
    asked_at     timestamptz not null,
    status       text        not null default 'claimed',
    primary key (workspace_id, id)
);
create index if not exists test_mails_asked on sending.test_mails (workspace_id, asked_at);
grant select on sending.server_away to $api;
grant select, insert, update, delete on sending.server_away to $worker;
grant select, insert, update on sending.test_mails to $api;
grant select, insert, update, delete on sending.test_mails to $worker;
alter table sending.test_mails enable row level security;
drop policy if exists one_workspace on sending.test_mails;
create policy one_workspace on sending.test_mails to $api
    using (workspace_id = log.workspace()) with check (workspace_id = log.workspace());
drop policy if exists all_workspaces on sending.test_mails;
create policy all_workspaces on sending.test_mails to $worker using (true) with check (true);
"""

_AWAY = """
insert into sending.server_away (since, error) values ($1, $2)
on conflict (singleton) do update set error = excluded.error
"""
_CLAIM_TEST = """
insert into sending.test_mails as t (workspace_id, id, template_id, asked_by, asked_at)
values ($1, $2, $3, $4, $5)
on conflict (workspace_id, id) do update set status = 'claimed' where t.status = 'away'
"""
_TESTS = "select count(*) from sending.test_mails where workspace_id = $1 and asked_at > $2"
_TEST = "select status from sending.test_mails where workspace_id = $1 and id = $2"
_SETTLE_TEST = "update sending.test_mails set status = $3 where workspace_id = $1 and id = $2"


def turn(database: Database) -> Turn:
    """One process sends at a time, so that the pace is kept; others wait for their turn.

    That no mail goes out twice does not depend on it: the send ledger sees to that.
    """
    return Turn(database, "everlog campaigns sender")


async def note_away(connection: Connection, since: datetime, error: str) -> None:
    """The mail server takes nothing."""
    await connection.execute(_AWAY, since, error)


async def note_back(connection: Connection) -> None:
    """The mail server takes letters."""
    await connection.execute("delete from sending.server_away")


async def fetch_away(connection: Connection) -> Record | None:
    """Since when the mail server takes nothing, and why; None if it does."""
    return await connection.fetchrow("select since, error from sending.server_away")


async def claim_test(
    connection: Connection, workspace: UUID, id_: UUID, template: UUID, by: UUID, at: datetime
) -> bool:
    """Claim a test mail; False if it was claimed before."""
    done = await connection.execute(_CLAIM_TEST, workspace, id_, template, by, at)
    return bool(done == "INSERT 0 1")


async def settle_test(connection: Connection, workspace: UUID, id_: UUID, status: str) -> None:
    """Note what became of a test mail."""
    await connection.execute(_SETTLE_TEST, workspace, id_, status)


async def fetch_test(connection: Connection, workspace: UUID, id_: UUID) -> str:
    """What became of a test mail."""
    return str(await connection.fetchval(_TEST, workspace, id_))


async def fetch_tests_since(connection: Connection, workspace: UUID, since: datetime) -> int:
    """How many test mails were asked for."""
    return int(await connection.fetchval(_TESTS, workspace, since))
