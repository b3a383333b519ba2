"""What analytics' database has beside read models: how its roles plan, and the live snapshots."""

SCHEMA = """
-- A figure's statement is planned for its own parameters: after five runs PostgreSQL would take one
-- plan for all of them, without parallel workers (2.5 s instead of 0.5 s over a million facts).
alter role $api set plan_cache_mode = force_custom_plan;
alter role $api set work_mem = '64MB';
alter role $api set parallel_setup_cost = 200;
alter role $api set parallel_tuple_cost = 0.01;

-- The last hour as the stream process sees it, one row per workspace. Not logged: it is derived,
-- and written every second.
create schema if not exists live;
grant usage on schema live to $api, $worker;
create unlogged table if not exists live.snapshots (
    workspace_id uuid        not null primary key,
    at           timestamptz not null,
    snapshot     jsonb       not null
) with (fillfactor = 50);
create unlogged table if not exists live.stream (
    singleton boolean     not null primary key default true check (singleton),
    at        timestamptz not null,
    detail    jsonb       not null
);
grant select on live.snapshots, live.stream to $api;
grant select, insert, update, delete on live.snapshots, live.stream to $worker;
alter table live.snapshots enable row level security;
drop policy if exists one_workspace on live.snapshots;
create policy one_workspace on live.snapshots to $api using (workspace_id = log.workspace());
drop policy if exists all_workspaces on live.snapshots;
create policy all_workspaces on live.snapshots to $worker using (true) with check (true);
"""
