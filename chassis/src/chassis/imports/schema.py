"""The tables of imports."""

from __future__ import annotations

IMPORT_SCHEMA = """
create schema if not exists imports;
grant usage on schema imports to $api, $worker;
-- The sealing key is null once it is destroyed: of what the file said nothing is left then.
create table if not exists imports.jobs (
    workspace_id uuid        not null,
    id           uuid        not null,
    kind         text        not null,
    file_name    text        not null,
    encoding     text        not null,
    delimiter    text        not null,
    mapping      jsonb       not null,
    options      jsonb       not null,
    dry_run      boolean     not null,
    owners       jsonb,
    status       text        not null
                 check (status in ('checking', 'running', 'done', 'failed')),
    rows         bigint      not null,
    position     bigint      not null default 0,
    created      bigint      not null default 0,
    updated      bigint      not null default 0,
    skipped      bigint      not null default 0,
    failed       bigint      not null default 0,
    notes        jsonb       not null default '{}',
    error        text,
    asked_by     uuid        not null,
    asked_name   text        not null,
    asked_at     timestamptz not null,
    finished_at  timestamptz,
    claimed_by   text,
    alive_at     timestamptz,
    key          bytea,
    primary key (workspace_id, id)
);
alter table imports.jobs add column if not exists key bytea;
alter table imports.jobs add column if not exists format text not null default 'csv';
alter table imports.jobs add column if not exists preset text;
-- An undoing is a job of its own, of which the rows are the records that the other one touched.
alter table imports.jobs add column if not exists undoes uuid;
alter table imports.jobs add column if not exists removed bigint not null default 0;
create unique index if not exists jobs_undone on imports.jobs (workspace_id, undoes)
    where not dry_run and status <> 'failed';
-- Releases before kept files and rows in clear.
do $$ begin
    if to_regclass('imports.files') is not null then
        update imports.jobs set status = 'failed', finished_at = now(), error = 'Everlog was '
            'upgraded while this import was under way. Send the file again; rows that can be '
            'matched are not taken twice.' where status in ('checking', 'running');
        drop table imports.files, imports.failures, imports.seen;
    end if;
end $$;
create index if not exists jobs_open on imports.jobs (asked_at)
    where status in ('checking', 'running');
create table if not exists imports.uploads (
    workspace_id uuid  not null,
    import_id    uuid  not null,
    headers      bytea not null,
    content      bytea,
    primary key (workspace_id, import_id)
);
create table if not exists imports.refusals (
    workspace_id uuid   not null,
    import_id    uuid   not null,
    number       bigint not null,
    sealed       bytea  not null,
    primary key (workspace_id, import_id, number)
);
-- A few rows of a check, and what they would change.
create table if not exists imports.examples (
    workspace_id uuid   not null,
    import_id    uuid   not null,
    number       bigint not null,
    sealed       bytea  not null,
    primary key (workspace_id, import_id, number)
);
create table if not exists imports.matches (
    workspace_id uuid  not null,
    import_id    uuid  not null,
    hash         bytea not null,
    id           uuid  not null,
    primary key (workspace_id, import_id, hash)
);
-- Rows that nothing but all they say tells from others, by keyed hash (chassis.imports.likeness).
create table if not exists imports.likenesses (
    workspace_id uuid  not null,
    kind         text  not null,
    likeness     bytea not null,
    record       uuid  not null,
    primary key (workspace_id, kind, likeness)
);
create index if not exists likenesses_record on imports.likenesses (workspace_id, record);
grant select, insert on imports.jobs, imports.uploads to $api;
grant select on imports.refusals, imports.examples, imports.likenesses to $api;
grant select, insert, update, delete on all tables in schema imports to $worker;
do $$
declare t text;
begin
    foreach t in array array['jobs', 'uploads', 'refusals', 'examples', 'matches', 'likenesses']
    loop
        execute format('alter table imports.%I enable row level security', t);
        execute format('drop policy if exists one_workspace on imports.%I', t);
        execute format('create policy one_workspace on imports.%I to $api using '
            '(workspace_id = log.workspace()) with check (workspace_id = log.workspace())', t);
        execute format('drop policy if exists all_workspaces on imports.%I', t);
        execute format('create policy all_workspaces on imports.%I to $worker using (true) '
            'with check (true)', t);
    end loop;
end $$;
-- Erasing somebody, here or in another service, destroys their key: with it goes every row that
-- failed in their workspace, for any of them may be about them, whatever is written in it, and what
-- a row is known by that made their record. A file goes with the end of its import.
create or replace function imports.forget_rows() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from imports.refusals r using gone g where r.workspace_id = g.workspace_id
       and r.import_id::text is distinct from current_setting('imports.undoing', true);
    delete from imports.examples e using gone g where e.workspace_id = g.workspace_id;
    with over as (
        update imports.jobs j set key = null from (select distinct workspace_id from gone) as g
         where j.workspace_id = g.workspace_id and j.key is not null and j.finished_at is not null
        returning j.workspace_id, j.id)
    delete from imports.uploads u using over o
     where u.workspace_id = o.workspace_id and u.import_id = o.id;
    return null;
end $$;
create or replace function imports.forget_records() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from imports.likenesses l using gone g
     where l.workspace_id = g.workspace_id and l.record = g.subject;
    return null;
end $$;
revoke execute on function imports.forget_rows(), imports.forget_records() from public;
create or replace trigger forget_rows after delete on log.subject_keys
    referencing old table as gone for each statement execute function imports.forget_rows();
create or replace trigger forget_records after delete on log.subject_keys
    referencing old table as gone for each statement execute function imports.forget_records();
create or replace trigger forget_rows after delete on road.known_keys
    referencing old table as gone for each statement execute function imports.forget_rows();
"""
