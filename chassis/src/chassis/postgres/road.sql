-- What the workers of one service keep: lanes, read model generations, parked sequences, work
-- that is due, effects on the world. $api may look at them (ops pages), $worker writes them.

create schema if not exists road;
grant usage on schema road to $api, $worker;

-- A lane reads topics on behalf of a set of read models (or of the reactions). Its offsets live
-- here and move by compare-and-set; a change of the lane's members raises the epoch.
create table if not exists road.offsets (
    lane             text        not null,
    topic            text        not null,
    partition        integer     not null,
    next_offset      bigint      not null,
    epoch            bigint      not null default 0,
    last_recorded_at timestamptz,
    updated_at       timestamptz not null default now(),
    primary key (lane, topic, partition)
);
-- Offsets count within one topic: if its id is another one than here it was made anew, and they
-- begin at 0 again. `events`: how many events the lane has let pass from this partition, each once,
-- in this topic or in the one before it; null where nobody has counted.
alter table road.offsets add column if not exists topic_id uuid;
alter table road.offsets add column if not exists events bigint;

-- The last version of each stream that a lane has seen: n+1 is applied, ≤ n dropped, a gap parked.
create table if not exists road.guards (
    lane         text    not null,
    workspace_id uuid    not null,
    stream       text    not null,
    version      integer not null,
    primary key (lane, workspace_id, stream)
);

-- Every physical form a read model has had. `live` answers queries, `standby` is kept up for a
-- roll back, `building` is being rebuilt, `paused` stands still, `retired` has been dropped.
create table if not exists road.generations (
    name       text        not null,
    generation integer     not null,
    version    integer     not null,
    lane       text        not null,
    status     text        not null check (status in ('building', 'live', 'standby', 'paused', 'retired')),
    created_at timestamptz not null default now(),
    live_at    timestamptz,
    primary key (name, generation)
);
-- Since when it has its status. A live generation in another lane than `live` still answers, but is
-- not kept up: somebody has paused it, or its tables were lost.
alter table road.generations add column if not exists since timestamptz not null default now();
create unique index if not exists one_live on road.generations (name) where status = 'live';

-- One bad event parks its own sequence, in one read model; later events of it queue up here.
create table if not exists road.parked (
    projection   text        not null,
    workspace_id uuid        not null,
    stream       text        not null,
    cause        text        not null,
    error        text        not null,
    attempts     integer     not null default 1,
    parked_at    timestamptz not null default now(),
    primary key (projection, workspace_id, stream)
);
create table if not exists road.parked_events (
    projection   text    not null,
    workspace_id uuid    not null,
    stream       text    not null,
    version      integer not null,
    event_id     uuid    not null,
    type         text    not null,
    topic        text    not null,
    partition    integer not null,
    "offset"     bigint  not null,
    primary key (projection, workspace_id, stream, version)
);

-- Keys of persons owned by other services, as the keys topic tells.
create table if not exists road.known_keys (
    workspace_id uuid  not null,
    key_id       uuid  not null,
    wrapped      bytea not null,
    primary key (workspace_id, key_id)
);

-- Work whose time will come.
create table if not exists road.due (
    workspace_id uuid        not null,
    kind         text        not null,
    key          text        not null,
    due_at       timestamptz not null,
    try_at       timestamptz, -- null: given up, see error
    payload      jsonb       not null default '{}',
    attempts     integer     not null default 0,
    error        text,
    primary key (workspace_id, kind, key)
);
create index if not exists due_try_at on road.due (try_at);

-- Effects on the world: claimed before, settled after, never claimed twice.
create table if not exists road.effects (
    workspace_id uuid        not null,
    id           uuid        not null,
    kind         text        not null,
    status       text        not null check (status in ('claimed', 'done', 'refused', 'uncertain')),
    claimed_at   timestamptz not null,
    claimed_by   text        not null,
    settled_at   timestamptz,
    detail       text,
    primary key (workspace_id, id)
);
create index if not exists effects_open on road.effects (claimed_at) where status = 'claimed';
create index if not exists effects_uncertain on road.effects (kind) where status = 'uncertain';

-- What operators asked the workers to do, and what became of it: queue, progress and audit in one.
-- What concerns the whole installation has no workspace; asked_in says whose name asked_by is.
create table if not exists road.errands (
    id           uuid        not null primary key,
    workspace_id uuid,
    kind         text        not null,
    arguments    jsonb       not null,
    status       text        not null default 'asked'
                 check (status in ('asked', 'running', 'done', 'failed')),
    step         text        not null default '',
    done         bigint      not null default 0,
    total        bigint      not null default 0,
    result       text,
    asked_by     text        not null,
    asked_in     uuid,
    asked_at     timestamptz not null default now(),
    updated_at   timestamptz not null default now()
);
alter table road.errands add column if not exists workspace_id uuid;
alter table road.errands add column if not exists asked_in uuid;
update road.errands set asked_in = (arguments ->> 'workspace')::uuid,
       workspace_id = case when kind in ('retry', 'skip') then (arguments ->> 'workspace')::uuid end
 where asked_in is null and arguments ->> 'workspace' is not null;
create index if not exists errands_open on road.errands (asked_at) where status = 'asked';

-- Every worker tells now and then that it lives and which of its tasks keep failing: whoever answers
-- the operators' questions may be another process.
create table if not exists road.workers (
    instance text        not null primary key,
    seen_at  timestamptz not null,
    failing  jsonb       not null
);

-- What waits for Kafka and what is parked, over all workspaces: counts, which $api may see, of rows
-- that it may not.
create or replace function road.backlog(
    out waiting bigint, out oldest_s double precision, out parked jsonb)
language sql stable security definer set search_path = pg_catalog as $$
    select count(*), coalesce(extract(epoch from now() - min(e.recorded_at)), 0),
           (select coalesce(jsonb_object_agg(p.projection, p.sequences), '{}')
              from (select projection, count(*) as sequences from road.parked group by 1) as p)
      from log.outbox o join log.events e using (position)
$$;
revoke execute on function road.backlog() from public;
grant execute on function road.backlog() to $api, $worker;

grant select on all tables in schema road to $api;
grant insert on road.errands to $api;
grant select, insert, update, delete on all tables in schema road to $worker;

do $$
declare t text;
begin
    foreach t in array array['guards', 'parked', 'parked_events', 'known_keys', 'due', 'effects'] loop
        execute format('alter table road.%I enable row level security', t);
        execute format('drop policy if exists one_workspace on road.%I', t);
        execute format('create policy one_workspace on road.%I to $api using '
            '(workspace_id = log.workspace()) with check (workspace_id = log.workspace())', t);
        execute format('drop policy if exists all_workspaces on road.%I', t);
        execute format('create policy all_workspaces on road.%I to $worker using (true) '
            'with check (true)', t);
    end loop;
end $$;

alter table road.errands enable row level security;
drop policy if exists one_workspace on road.errands;
create policy one_workspace on road.errands to $api
    using (workspace_id is null or workspace_id = log.workspace())
    with check (workspace_id is null or workspace_id = log.workspace());
drop policy if exists all_workspaces on road.errands;
create policy all_workspaces on road.errands to $worker using (true) with check (true);
