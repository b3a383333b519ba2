-- The event log of one service. Its own database; $api and $worker are the service's two roles:
-- $api answers requests and sees one workspace at a time (row-level security), $worker relays and
-- projects for all of them. Everything here is written so that it can be run again.

create schema if not exists log;
grant usage on schema log to $api, $worker;

create or replace function log.workspace() returns uuid
language sql stable parallel safe as
$$ select nullif(current_setting('everlog.workspace', true), '')::uuid $$;

create table if not exists log.events (
    workspace_id    uuid        not null,
    stream          text        not null,
    version         integer     not null check (version > 0),
    position        bigint      not null generated always as identity,
    id              uuid        not null,
    type            text        not null,
    occurred_at     timestamptz not null,
    recorded_at     timestamptz not null,
    actor           text        not null,
    correlation_id  uuid        not null,
    causation_id    uuid,
    traceparent     text,
    key_id          uuid,
    data            json        not null, -- json, not jsonb: the exact bytes are hashed
    hash            bytea       not null,
    primary key (workspace_id, stream, version)
);
create unique index if not exists events_position on log.events (position);
create index if not exists events_id on log.events (id);

create or replace function log.refuse() returns trigger language plpgsql as
$$ begin raise exception 'the log is append-only: % on log.events is refused', tg_op; end $$;
create or replace trigger append_only before update or delete or truncate on log.events
    execute function log.refuse();

-- Events on their way to Kafka; deleted when acknowledged.
create table if not exists log.outbox (
    position     bigint not null primary key,
    workspace_id uuid   not null
);

-- What has been published, numbered without gaps per workspace by the one active relay; each event
-- once, however often it is relayed. `type` is the event's, to find the next one of a type by index.
create table if not exists log.feed (
    workspace_id uuid   not null,
    number       bigint not null,
    position     bigint not null,
    primary key (workspace_id, number)
);
alter table log.feed add column if not exists type text;
create unique index if not exists feed_position on log.feed (position);
create index if not exists feed_type on log.feed (workspace_id, type, number);
create or replace function log.fill_type() returns trigger language plpgsql as
$$ begin
    select e.type into new.type from log.events e where e.position = new.position;
    return new;
end $$;
-- Relays of the release before, which know of no types, may go on beside this one.
create or replace trigger fill_type before insert on log.feed
    for each row when (new.type is null) execute function log.fill_type();
update log.feed f set type = e.type from log.events e
 where f.type is null and e.position = f.position;
create table if not exists log.feed_head (
    workspace_id uuid   not null primary key,
    number       bigint not null
);

-- Which numbering this is. A database that was made anew numbers anew; whoever brings an older copy
-- back says so with log.number_anew(), so that readers of the feed do not go on at a number that
-- means another event now.
create table if not exists log.numbering (
    singleton boolean     not null primary key default true check (singleton),
    id        uuid        not null default gen_random_uuid(),
    since     timestamptz not null default now()
);
insert into log.numbering default values on conflict do nothing;
create or replace function log.number_anew() returns uuid language sql as
$$ update log.numbering set id = gen_random_uuid(), since = now() returning id $$;

-- Answers already given: idempotency keys of requests, inbox of reactions.
create table if not exists log.commands (
    workspace_id uuid        not null,
    key          text        not null,
    fingerprint  bytea,
    stream       text        not null,
    version      integer     not null,
    at           timestamptz not null,
    primary key (workspace_id, key)
);
create index if not exists commands_at on log.commands (at);

-- Values only one stream of a workspace may hold, as keyed hashes.
create table if not exists log.claims (
    workspace_id uuid  not null,
    kind         text  not null,
    value        bytea not null,
    stream       text  not null,
    primary key (workspace_id, kind, value)
);

-- The vault: one wrapped key per person whom this service owns.
create table if not exists log.subject_keys (
    workspace_id uuid  not null,
    subject      uuid  not null,
    key_id       uuid  not null,
    wrapped      bytea not null,
    primary key (workspace_id, subject)
);
create unique index if not exists subject_keys_id on log.subject_keys (workspace_id, key_id);

-- Keys on their way to the keys topic; wrapped is null for a destroyed one.
create table if not exists log.key_outbox (
    number       bigint not null generated always as identity primary key,
    workspace_id uuid   not null,
    key_id       uuid   not null,
    wrapped      bytea
);

-- The one active relay: whoever holds the highest epoch.
create table if not exists log.relay (
    singleton boolean not null primary key default true check (singleton),
    epoch     bigint  not null
);
insert into log.relay (epoch) values (0) on conflict do nothing;
-- The topics that hold what was published, by id: into others the relay does not publish, since what
-- came before would be missing there. `republished`: how far filling new ones again has come.
alter table log.relay add column if not exists topics jsonb not null default '{}';
alter table log.relay add column if not exists republished jsonb;

-- Append to one stream: lock, answer known keys, check the version, chain, write, all in one call.
--   ES001 the stream has another version    ES002 the key was used for another request
--   ES003 a subject got another key         ES004 a claim is held by another stream
create or replace function log.append(
    p_workspace uuid, p_stream text, p_expected integer,
    p_key text, p_fingerprint bytea,
    p_actor text, p_correlation uuid, p_causation uuid, p_traceparent text, p_recorded timestamptz,
    p_ids uuid[], p_types text[], p_occurred timestamptz[], p_key_ids uuid[],
    p_data text[], p_digests bytea[],
    p_subjects uuid[], p_subject_key_ids uuid[], p_subject_wrapped bytea[], p_forget uuid[],
    p_claim_kinds text[], p_claim_values bytea[], p_release_kinds text[], p_release_values bytea[]
) returns table (answer_stream text, answer_version integer, replayed boolean)
language plpgsql as $$
declare
    v integer; n integer := cardinality(p_ids); touched integer;
    h bytea; r timestamptz; hashes bytea[] := '{}'; other text; known record;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_workspace::text || p_stream, 0));
    if p_key is not null then
        select c.stream, c.version, c.fingerprint into known
          from log.commands c where c.workspace_id = p_workspace and c.key = p_key;
        if found then
            if known.fingerprint is distinct from p_fingerprint then
                raise exception 'key used for another request' using errcode = 'ES002';
            end if;
            return query select known.stream, known.version, true;
            return;
        end if;
    end if;
    select e.version, e.hash, e.recorded_at into v, h, r from log.events e
     where e.workspace_id = p_workspace and e.stream = p_stream order by e.version desc limit 1;
    v := coalesce(v, 0); h := coalesce(h, ''); r := greatest(r, p_recorded);
    if p_expected is not null and p_expected <> v then
        raise exception 'at version %', v using errcode = 'ES001', detail = v::text;
    end if;
    if p_key is not null then
        insert into log.commands values (p_workspace, p_key, p_fingerprint, p_stream, v + n, r)
            on conflict do nothing;
        if not found then -- the same key, on another stream, a moment ago
            select c.stream, c.version, c.fingerprint into known
              from log.commands c where c.workspace_id = p_workspace and c.key = p_key;
            if known.fingerprint is distinct from p_fingerprint then
                raise exception 'key used for another request' using errcode = 'ES002';
            end if;
            return query select known.stream, known.version, true;
            return;
        end if;
    end if;
    if p_release_kinds <> '{}' then
        delete from log.claims c using unnest(p_release_kinds, p_release_values) as u(kind, value)
         where c.workspace_id = p_workspace and c.kind = u.kind and c.value = u.value
           and c.stream = p_stream;
    end if;
    if p_claim_kinds <> '{}' then
        insert into log.claims as c
            select p_workspace, u.kind, u.value, p_stream
              from unnest(p_claim_kinds, p_claim_values) as u(kind, value)
            on conflict (workspace_id, kind, value) do update set stream = excluded.stream
                where c.stream = excluded.stream;
        get diagnostics touched = row_count;
        if touched < cardinality(p_claim_kinds) then
            select c.kind || ' ' || c.stream into other
              from log.claims c join unnest(p_claim_kinds, p_claim_values) as u(kind, value)
                on c.workspace_id = p_workspace and c.kind = u.kind and c.value = u.value
             where c.stream <> p_stream limit 1;
            raise exception 'claimed' using errcode = 'ES004', detail = other;
        end if;
    end if;
    if p_subjects <> '{}' then
        insert into log.subject_keys
            select p_workspace, s, k, w
              from unnest(p_subjects, p_subject_key_ids, p_subject_wrapped) as u(s, k, w)
            on conflict do nothing;
        get diagnostics touched = row_count;
        if touched < cardinality(p_subjects) then
            raise exception 'a subject has a key by now' using errcode = 'ES003';
        end if;
        insert into log.key_outbox (workspace_id, key_id, wrapped)
            select p_workspace, k, w from unnest(p_subject_key_ids, p_subject_wrapped) as u(k, w);
    end if;
    if n > 0 then
        for i in 1..n loop
            h := sha256(h || int4send(v + i)
                 || int8send((extract(epoch from r) * 1000000)::bigint) || p_digests[i]);
            hashes := hashes || h;
        end loop;
        with written as (
            insert into log.events (workspace_id, stream, version, id, type, occurred_at,
                recorded_at, actor, correlation_id, causation_id, traceparent, key_id, data, hash)
            select p_workspace, p_stream, v + u.ord, u.id, u.type, u.occurred, r, p_actor,
                p_correlation, p_causation, p_traceparent, u.key_id, u.data::json, u.hash
              from unnest(p_ids, p_types, p_occurred, p_key_ids, p_data, hashes)
                with ordinality as u(id, type, occurred, key_id, data, hash, ord)
             order by u.ord
            returning position)
        insert into log.outbox select position, p_workspace from written;
    end if;
    if p_forget <> '{}' then
        with gone as (
            delete from log.subject_keys k
             where k.workspace_id = p_workspace and k.subject = any(p_forget) returning k.key_id)
        insert into log.key_outbox (workspace_id, key_id, wrapped)
            select p_workspace, gone.key_id, null from gone;
    end if;
    return query select p_stream, v + n, false;
end $$;

grant select, insert on log.events, log.commands, log.outbox, log.key_outbox to $api, $worker;
grant select, insert, update, delete on log.claims to $api, $worker;
grant select, insert, delete on log.subject_keys to $api, $worker;
grant select on log.feed, log.numbering to $api, $worker;
grant update on log.numbering to $worker;
grant delete on log.outbox, log.key_outbox, log.commands to $worker;
grant select, insert, update, delete on log.feed, log.feed_head to $worker;
grant select, update on log.relay to $worker;

do $$
declare t text;
begin
    foreach t in array array['events', 'outbox', 'feed', 'commands', 'claims', 'subject_keys',
                             'key_outbox'] loop
        execute format('alter table log.%I enable row level security', t);
        execute format('drop policy if exists one_workspace on log.%I', t);
        execute format('create policy one_workspace on log.%I to $api using '
            '(workspace_id = log.workspace()) with check (workspace_id = log.workspace())', t);
        execute format('drop policy if exists all_workspaces on log.%I', t);
        execute format('create policy all_workspaces on log.%I to $worker using (true) '
            'with check (true)', t);
    end loop;
end $$;
