"""Import jobs in PostgreSQL: the file, the position, the counts, the rows that failed.

What a file says is sealed (chassis.imports.sealing): the whole of it until the import is over, rows
that failed for some weeks more, so that they can be fetched, mended and sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

import msgspec

from chassis.errors import Fenced, StaleVersion
from chassis.imports.model import (
    Change,
    Create,
    Fail,
    ImportRow,
    ImportRun,
    Joined,
    Outcome,
    Remove,
    Skip,
    Update,
)
from chassis.imports.sealing import Seal, Seen
from chassis.imports.touching import touched
from chassis.postgres.database import Connection, Database, Record
from chassis.vault import Keyring

_TAKE = """
update imports.jobs set claimed_by = $1, alive_at = now()
 where (workspace_id, id) = (
    select workspace_id, id from imports.jobs
     where status in ('checking', 'running') and kind = any($2)
       and (claimed_by is null or alive_at < now() - interval '15 seconds')
     order by asked_at for update skip locked limit 1)
returning *
"""
_CHUNK = """
update imports.jobs
   set status = 'running', position = $4, created = created + $5, updated = updated + $6,
       skipped = skipped + $7, failed = failed + $8, removed = removed + $9, notes = $10,
       alive_at = now()
 where workspace_id = $1 and id = $2 and claimed_by = $3
"""
_REFUSALS = """
insert into imports.refusals (workspace_id, import_id, number, sealed)
select $1, $2, * from unnest($3::bigint[], $4::bytea[])
"""
_EXAMPLES = """
insert into imports.examples (workspace_id, import_id, number, sealed)
select $1, $2, * from unnest($3::bigint[], $4::bytea[])
"""
_MATCHES = """
insert into imports.matches (workspace_id, import_id, hash, id)
select $1, $2, * from unnest($3::bytea[], $4::uuid[])
on conflict (workspace_id, import_id, hash) do update set id = excluded.id
"""
_LIKENESSES = """
insert into imports.likenesses (workspace_id, kind, likeness, record)
select $1, $2, * from unnest($3::bytea[], $4::uuid[])
on conflict (workspace_id, kind, likeness) do nothing
"""
_FINISH = """
update imports.jobs set status = $3, error = $4, finished_at = now(),
       key = case when failed > 0 or exists (select from imports.examples e where
             e.workspace_id = $1 and e.import_id = $2) then key end
 where workspace_id = $1 and id = $2
returning failed
"""
_SWEEP = """
with over as (
    update imports.jobs set key = null
     where key is not null and finished_at < now() - make_interval(secs => $1)
    returning workspace_id, id),
gone as (
    delete from imports.refusals r using over o
     where r.workspace_id = o.workspace_id and r.import_id = o.id),
shown as (
    delete from imports.examples e using over o
     where e.workspace_id = o.workspace_id and e.import_id = o.id)
delete from imports.uploads u using over o
 where u.workspace_id = o.workspace_id and u.import_id = o.id
"""
_UNDONE = "select * from imports.jobs where workspace_id = $1 and id = $2"
_SPARE = "select set_config('imports.undoing', $1, true)"
_NOTES_MOST = 200
EXAMPLES_MOST = {"created": 3, "updated": 5, "removed": 3}
"""Of how many rows a check shows what they would do, by outcome."""
_COUNTS = ("created", "updated", "skipped", "failed", "removed")
CONTENT, HEADERS = "content", "headers"


class Refusal(msgspec.Struct, frozen=True):
    """A row that failed, as it is written in the file."""

    number: int
    reason: str
    field: str | None
    cells: list[str]

    def sealed(self, seal: Seal) -> bytes:
        """For storing."""
        return seal.close(f"row {self.number}", msgspec.json.encode(self))

    @classmethod
    def opened(cls, seal: Seal, number: int, sealed: bytes) -> Refusal:
        """As it was stored."""
        return msgspec.json.decode(seal.open(f"row {number}", sealed), type=cls)


class Example(msgspec.Struct, frozen=True):
    """A row of a check: whom it is about, what becomes of it, and what it would change."""

    row: int
    outcome: str
    title: str
    changes: list[Change]

    def sealed(self, seal: Seal) -> bytes:
        """For storing."""
        return seal.close(f"example {self.row}", msgspec.json.encode(self))

    @classmethod
    def opened(cls, seal: Seal, number: int, sealed: bytes) -> Example:
        """As it was stored."""
        return msgspec.json.decode(seal.open(f"example {number}", sealed), type=cls)


@dataclass(slots=True)
class Chunk:
    """What became of some rows: written in the transaction of their events."""

    position: int
    counts: Counter[str]
    refusals: list[Refusal]
    notes: Counter[str]
    matches: Mapping[bytes, UUID]
    likenesses: Mapping[bytes, UUID]
    examples: list[Example] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        run: ImportRun,
        rows: Sequence[ImportRow],
        outcomes: Sequence[Outcome],
        hashed: Callable[[str], bytes],
    ) -> Chunk:
        """Counted outcomes, and what the run remembers of these rows."""
        matches = {hashed(key): id_ for key, id_ in run.fresh.items()}
        kept = {} if run.dry_run else dict(run.likenesses)
        chunk = cls(rows[-1].number, Counter(), [], Counter(), matches, kept)
        for row, outcome in zip(rows, outcomes, strict=True):
            chunk.notes.update(outcome.notes)
            match outcome:
                case Fail():
                    chunk.counts["failed"] += 1
                    said = list(outcome.cells or row.cells)
                    chunk.refusals.append(Refusal(row.number, outcome.reason, outcome.field, said))
                case Skip():
                    chunk.counts["skipped"] += 1
                    chunk.notes[f"skipped: {outcome.reason}"] += 1
                case Update():
                    chunk.counts["updated"] += 1
                case Remove():
                    chunk.counts["removed"] += 1
                case Create() | Joined():
                    chunk.counts["created"] += 1
                case _:
                    assert_never(outcome)
        if run.dry_run:
            chunk.examples = _examples(run, rows, outcomes)
        return chunk


def _examples(
    run: ImportRun, rows: Sequence[ImportRow], outcomes: Sequence[Outcome]
) -> list[Example]:
    """The first rows of each outcome, with what they would change."""
    kinds = {Create: "created", Update: "updated", Remove: "removed"}
    found: list[Example] = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if not isinstance(outcome, Create | Update | Remove) or outcome.shown is None:
            continue
        name = kinds[type(outcome)]
        if run.examples[name] < EXAMPLES_MOST[name]:
            run.examples[name] += 1
            title, changes = outcome.shown()
            found.append(Example(row.number, name, title, list(changes)))
    return found


class Jobs:
    """The jobs of a service, as its workers see them. `by` names this process."""

    def __init__(self, database: Database, by: str, keyring: Keyring) -> None:
        self._database = database
        self._by = by
        self._keyring = keyring

    async def take(self, kinds: Sequence[str]) -> Record | None:
        """The next job to run; also one whose process died."""
        async with self._database.connection(None) as connection:
            return await connection.fetchrow(_TAKE, self._by, list(kinds))

    def seal_of(self, job: Record) -> Seal:
        """The key of a job that is not over."""
        return Seal.of(self._keyring, job["workspace_id"], job["id"], job["key"])

    async def content(self, job: Record) -> bytes:
        """The file."""
        async with self._database.connection(None) as connection:
            sealed: bytes = await connection.fetchval(
                "select content from imports.uploads where workspace_id = $1 and import_id = $2",
                job["workspace_id"],
                job["id"],
            )
        return self.seal_of(job).open(CONTENT, sealed)

    async def touched(self, job: Record) -> list[str]:
        """The streams of the records that the import wrote to which this job takes back."""
        place = job["workspace_id"], job["undoes"]
        async with self._database.connection(None) as connection:
            undone = await connection.fetchrow(_UNDONE, *place)
            return await touched(connection, job["workspace_id"], undone)

    async def seen(self, job: Record) -> Seen:
        """The match keys of earlier rows: after a restart there are some."""
        workspace, import_id = job["workspace_id"], job["id"]
        async with self._database.connection(None) as connection:
            rows = await connection.fetch(
                "select hash, id from imports.matches where workspace_id = $1 and import_id = $2",
                workspace,
                import_id,
            )
        kept = {row["hash"]: row["id"] for row in rows}
        return Seen(self._keyring, workspace, import_id, kept)

    def sparing(self, job: Record) -> Callable[[Connection], Awaitable[None]]:
        """Whom an undoing erases in a transaction is not among those that it lists as kept: this
        list survives, see imports.forget_rows."""

        async def spare(connection: Connection) -> None:
            await connection.execute(_SPARE, str(job["id"]))

        return spare

    async def write(
        self, connection: Connection, job: Record, chunk: Chunk, notes: Counter[str]
    ) -> None:
        """Write a chunk's outcome; in the transaction of its events.

        Raises Fenced, and StaleVersion if another import has just made a record of such a row.
        """
        workspace, import_id = job["workspace_id"], job["id"]
        kept = dict(notes.most_common(_NOTES_MOST))
        done = await connection.execute(
            _CHUNK,
            workspace,
            import_id,
            self._by,
            chunk.position,
            *(chunk.counts[name] for name in _COUNTS),
            kept,
        )
        if done != "UPDATE 1":
            raise Fenced("another process took this import over")
        if chunk.refusals:
            seal = self.seal_of(job)
            numbers = [refusal.number for refusal in chunk.refusals]
            sealed = [refusal.sealed(seal) for refusal in chunk.refusals]
            await connection.execute(_REFUSALS, workspace, import_id, numbers, sealed)
        if chunk.examples:
            seal = self.seal_of(job)
            numbers = [example.row for example in chunk.examples]
            sealed = [example.sealed(seal) for example in chunk.examples]
            await connection.execute(_EXAMPLES, workspace, import_id, numbers, sealed)
        if chunk.matches:
            hashes, ids = list(chunk.matches), list(chunk.matches.values())
            await connection.execute(_MATCHES, workspace, import_id, hashes, ids)
        if chunk.likenesses:
            likenesses, ids = list(chunk.likenesses), list(chunk.likenesses.values())
            done = await connection.execute(_LIKENESSES, workspace, job["kind"], likenesses, ids)
            if done != f"INSERT 0 {len(ids)}":
                raise StaleVersion("Another import has made a record of such a row just now.")

    async def write_alone(self, job: Record, chunk: Chunk, notes: Counter[str]) -> None:
        """Write a chunk's outcome when no event goes with it."""
        async with self._database.connection(None) as connection, connection.transaction():
            await self.write(connection, job, chunk, notes)

    async def finish(self, job: Record, error: str | None = None) -> None:
        """The job is over: the file is not needed any more, nor are match keys."""
        place = job["workspace_id"], job["id"]
        status = "failed" if error else "done"
        async with self._database.connection(None) as connection, connection.transaction():
            failed = await connection.fetchval(_FINISH, *place, status, error)
            await connection.execute(
                "delete from imports.matches where workspace_id = $1 and import_id = $2", *place
            )
            await connection.execute(
                "update imports.uploads set content = null "
                "where workspace_id = $1 and import_id = $2"
                if failed
                else "delete from imports.uploads where workspace_id = $1 and import_id = $2",
                *place,
            )

    async def sweep(self, kept_s: float) -> None:
        """Destroy the keys of jobs that have been over for so long, and what they sealed."""
        async with self._database.connection(None) as connection:
            await connection.execute(_SWEEP, kept_s)
