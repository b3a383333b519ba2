"""Credentials, sessions and API tokens: operational tables, since a hash must not stay for ever.

What they hold can be thrown away: then everybody sets a new password and signs in again. That
something was set, made or revoked, is an event. Row-level security as in the log, with one hole as
wide as a needle: `access.find` looks for an address (as a keyed hash) in every workspace, because
whoever signs in does not say which one they belong to.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.postgres.database import Connection, Record
from chassis.vault import Keyring
from identity.domain.throttle import Attempts

ACCESS_SCHEMA = """
create schema if not exists access;
grant usage on schema access to $api, $worker;

create table if not exists access.credentials (
    workspace_id  uuid        not null,
    user_id       uuid        not null,
    email_hash    bytea       not null,
    password_hash text        not null,
    set_at        timestamptz not null,
    primary key (workspace_id, user_id)
);
create index if not exists credentials_email on access.credentials (email_hash);

-- Sessions and API tokens: of the secret only its hash is kept.
create table if not exists access.tokens (
    workspace_id uuid        not null,
    hash         bytea       not null,
    id           uuid        not null,
    user_id      uuid        not null,
    kind         text        not null check (kind in ('session', 'api')),
    name         text,
    scopes       text[],
    address      text,
    agent        text,
    made_at      timestamptz not null,
    used_at      timestamptz not null,
    expires_at   timestamptz, -- null: never
    ends_at      timestamptz, -- however much it is used
    primary key (workspace_id, hash)
);
create unique index if not exists tokens_id on access.tokens (workspace_id, id);
create index if not exists tokens_user on access.tokens (workspace_id, user_id);
create index if not exists tokens_expire on access.tokens (expires_at);

-- Wrong passwords in a row by address, whether anybody has that address or not.
create table if not exists access.attempts (
    email_hash   bytea       not null primary key,
    failures     integer     not null,
    last_at      timestamptz not null,
    locked_until timestamptz
);

create or replace function access.find(p_email_hash bytea)
returns table (workspace_id uuid, user_id uuid, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp as
$$ select c.workspace_id, c.user_id, c.password_hash from access.credentials c
    where c.email_hash = p_email_hash order by c.workspace_id limit 5 $$;
revoke all on function access.find(bytea) from public;
grant execute on function access.find(bytea) to $api, $worker;

grant select, insert, update, delete on all tables in schema access to $api, $worker;

do $$
declare t text;
begin
    foreach t in array array['credentials', 'tokens'] loop
        execute format('alter table access.%I enable row level security', t);
        execute format('drop policy if exists one_workspace on access.%I', t);
        execute format('create policy one_workspace on access.%I to $api using '
            '(workspace_id = log.workspace()) with check (workspace_id = log.workspace())', t);
        execute format('drop policy if exists all_workspaces on access.%I', t);
        execute format('create policy all_workspaces on access.%I to $worker using (true) '
            'with check (true)', t);
    end loop;
end $$;
"""

SESSION, API = "session", "api"
SESSION_PREFIX, API_PREFIX = "everlog_s_", "everlog_a_"
SLIDES_FOR = timedelta(hours=12)
SESSION_MOST = timedelta(days=30)
_SLIDE_AFTER = timedelta(minutes=5)
_SECRET_BYTES = 32
_EVERYWHERE = UUID(int=0)
"""Addresses are looked up in the whole installation: they are blinded under this namespace."""

_FIND_TOKEN = """
select t.id, t.kind, t.user_id, t.scopes, t.used_at, t.expires_at, t.ends_at,
       u.name, u.role, u.active,
       case when u.team_id is null then '{}' else array(
           select m.user_id from users m
            where m.workspace_id = $1 and m.team_id = u.team_id) end as team
  from access.tokens t
  left join users u on u.workspace_id = t.workspace_id and u.user_id = t.user_id
 where t.workspace_id = $1 and t.hash = $2
"""
_MAKE_TOKEN = """
insert into access.tokens (workspace_id, hash, id, user_id, kind, name, scopes, address, agent,
                           made_at, used_at, expires_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)
on conflict (workspace_id, hash) do nothing
"""
_SLIDE = """
update access.tokens set used_at = $3,
       expires_at = case when kind = 'session' then least($4, ends_at) else expires_at end
 where workspace_id = $1 and hash = $2
"""
_LIST = """
select id, name, scopes, address, agent, made_at, used_at, expires_at from access.tokens
 where workspace_id = $1 and user_id = $2 and kind = $3
   and (expires_at is null or expires_at > $4) order by made_at desc, id
"""
_SET = """
insert into access.credentials (workspace_id, user_id, email_hash, password_hash, set_at)
values ($1, $2, $3, $4, $5)
on conflict (workspace_id, user_id) do update
   set email_hash = excluded.email_hash, password_hash = excluded.password_hash,
       set_at = excluded.set_at
"""
_REVOKE_ALL = """
delete from access.tokens where workspace_id = $1 and user_id = $2
   and ($3::text is null or kind = $3) and ($4::uuid is null or id <> $4)
"""
_ATTEMPT = """
insert into access.attempts values ($1, $2, $3, $4)
on conflict (email_hash) do update set failures = excluded.failures, last_at = excluded.last_at,
    locked_until = excluded.locked_until
"""


@dataclass(frozen=True, slots=True)
class Secret:
    """A token as its holder has it; it begins with the workspace, so that one query finds it."""

    text: str
    workspace: UUID

    @property
    def hash(self) -> bytes:
        """What is kept of it. The secret is random and long: a fast hash is enough."""
        return hashlib.sha256(self.text.encode()).digest()

    @classmethod
    def new(cls, prefix: str, workspace: UUID, secret: bytes | None = None) -> Secret:
        """A new one; with `secret` always the same one."""
        random = secret or os.urandom(_SECRET_BYTES)
        text = base64.urlsafe_b64encode(workspace.bytes + random).decode()
        return cls(prefix + text, workspace)

    @classmethod
    def read(cls, text: str) -> Secret | None:
        """What somebody sent; None if it cannot be one of ours."""
        if not text.startswith((SESSION_PREFIX, API_PREFIX)):
            return None
        try:
            raw = base64.urlsafe_b64decode(text[len(API_PREFIX) :])
        except ValueError:
            return None
        if len(raw) != 16 + _SECRET_BYTES:
            return None
        return cls(text, UUID(bytes=raw[:16]))


def email_hash(keyring: Keyring, email: str) -> bytes:
    """An address as it is looked up: a keyed hash, the same in every workspace."""
    return keyring.blind(_EVERYWHERE, f"sign in\x1f{email}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A session or an API token to be kept."""

    secret: Secret
    id: UUID
    user_id: UUID
    kind: str
    made_at: datetime
    expires_at: datetime | None
    name: str | None = None
    scopes: Sequence[str] | None = None
    address: str | None = None
    agent: str | None = None
    ends_at: datetime | None = None


async def find_token(connection: Connection, secret: Secret) -> Record | None:
    """A token with its user, in one query by key."""
    return await connection.fetchrow(_FIND_TOKEN, secret.workspace, secret.hash)


async def keep_token(connection: Connection, token: NewToken) -> None:
    """Keep a token; one that is kept already stays as it is."""
    await connection.execute(
        _MAKE_TOKEN,
        token.secret.workspace,
        token.secret.hash,
        token.id,
        token.user_id,
        token.kind,
        token.name,
        None if token.scopes is None else list(token.scopes),
        token.address,
        token.agent,
        token.made_at,
        token.expires_at,
        token.ends_at,
    )


async def used(connection: Connection, secret: Secret, row: Record, now: datetime) -> None:
    """Note the use of a token, and let a session slide on; not more than every few minutes."""
    if now - row["used_at"] > _SLIDE_AFTER:
        await connection.execute(_SLIDE, secret.workspace, secret.hash, now, now + SLIDES_FOR)


async def list_tokens(
    connection: Connection, workspace: UUID, user_id: UUID, kind: str, now: datetime
) -> list[Record]:
    """A user's sessions or API tokens that are good."""
    rows: list[Record] = await connection.fetch(_LIST, workspace, user_id, kind, now)
    return rows


async def revoke(connection: Connection, workspace: UUID, user_id: UUID, token_id: UUID) -> bool:
    """End one token of a user; whether there was one."""
    done = await connection.execute(
        "delete from access.tokens where workspace_id = $1 and user_id = $2 and id = $3",
        workspace,
        user_id,
        token_id,
    )
    return bool(done == "DELETE 1")


async def revoke_all(
    connection: Connection,
    workspace: UUID,
    user_id: UUID,
    *,
    kind: str | None = None,
    but: UUID | None = None,
) -> None:
    """End all tokens of a user (of one kind), except perhaps one."""
    await connection.execute(_REVOKE_ALL, workspace, user_id, kind, but)


async def set_credentials(
    connection: Connection,
    workspace: UUID,
    user_id: UUID,
    *,
    email: bytes,
    password_hash: str,
    now: datetime,
) -> None:
    """A user can sign in with this address and this password from now on."""
    await connection.execute(_SET, workspace, user_id, email, password_hash, now)


async def move_credentials(
    connection: Connection, workspace: UUID, user_id: UUID, email: bytes | None
) -> None:
    """A user signs in with another address, or with none."""
    if email is None:
        await connection.execute(
            "delete from access.credentials where workspace_id = $1 and user_id = $2",
            workspace,
            user_id,
        )
        return
    await connection.execute(
        "update access.credentials set email_hash = $3 where workspace_id = $1 and user_id = $2",
        workspace,
        user_id,
        email,
    )


async def password_hash_of(connection: Connection, workspace: UUID, user_id: UUID) -> str | None:
    """What is kept of a user's password."""
    found: str | None = await connection.fetchval(
        "select password_hash from access.credentials where workspace_id = $1 and user_id = $2",
        workspace,
        user_id,
    )
    return found


async def attempts_of(connection: Connection, email: bytes) -> Attempts:
    """Wrong passwords in a row for an address."""
    row = await connection.fetchrow(
        "select failures, last_at, locked_until from access.attempts where email_hash = $1", email
    )
    return Attempts() if row is None else Attempts(*row)


async def keep_attempts(connection: Connection, email: bytes, attempts: Attempts) -> None:
    """Remember them; none is forgotten at once."""
    if attempts.failures == 0:
        await connection.execute("delete from access.attempts where email_hash = $1", email)
        return
    await connection.execute(
        _ATTEMPT, email, attempts.failures, attempts.last_at, attempts.locked_until
    )


async def tidy(connection: Connection, now: datetime) -> None:
    """Drop what is over; as a worker, for all workspaces."""
    await connection.execute("delete from access.tokens where expires_at < $1", now)
    day_ago = now - timedelta(days=1)
    await connection.execute("delete from access.attempts where last_at < $1", day_ago)
