"""Records that a file only names, made on the way: once, whoever else makes them too."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import Conflict
from chassis.imports import ImportRun
from chassis.ports import Append, Context, EventLog


async def make(run: ImportRun, appends: Sequence[Append]) -> list[str]:
    """The streams of the records, which may be others' if somebody else was first.

    Each append must bring a context with a key of its own: then a run that goes on after a crash
    makes none twice.
    """
    if run.dry_run or not appends:
        return [append.stream for append in appends]
    log = run.service.work_log
    asking = Context(run.workspace, run.actor, run.id)
    try:
        return [done.stream for done in await log.append_many(asking, appends)]
    except Conflict:  # somebody made one of them at the same moment: find out which
        return [await _make_one(log, asking, append) for append in appends]


async def _make_one(log: EventLog, asking: Context, append: Append) -> str:
    try:
        return (await log.append(asking, append)).stream
    except Conflict as taken:
        return str(taken.extra["holder"])
