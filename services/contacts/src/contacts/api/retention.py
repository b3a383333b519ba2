"""Rules of retention over HTTP: making them, seeing whom they find, having those erased."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from chassis.decider import handle, stale
from chassis.errors import Conflict, NotFound
from chassis.events import id_of
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Write, Writing, accepted
from chassis.ids import new_id
from chassis.imports import UPLOAD_S, Upload, enqueue, job_of, jobs_of
from chassis.postgres.database import Record
from contacts.api.bodies import Body, Text
from contacts.api.exports import check_oversight
from contacts.bulk import COLUMNS, Picked
from contacts.domain.retention_rule import (
    MONTHS_MOST,
    RETENTION_RULE,
    ChangeRetentionRule,
    MakeRetentionRule,
    RemoveRetentionRule,
    RunRetentionRule,
    Terms,
    existing,
)
from contacts.domain.segment import SEGMENT, in_use
from contacts.read_models.retention_rules import fetch_rule, fetch_rules
from contacts.retention import FAILED, RETENTION_KIND, Search, fetch_found, fetch_records_found

router = APIRouter(prefix="/retention", tags=["contacts"])
MAY = "settings.write"
overseers = Depends(require(MAY))

_KINDS = (RETENTION_KIND,)
Months = Annotated[int, Field(ge=1, le=MONTHS_MOST)]


class NewRule(Body):
    """`months` without anything. `segment_id`: of its members alone. `spare_consenting`: nobody who
    agrees to anything now. `spare_buyers`: nobody who ever bought something or won a deal."""

    name: Text
    months: Months
    segment_id: UUID | None = None
    spare_consenting: bool = True
    spare_buyers: bool = True


class RuleChanges(Body):
    """What is sent is changed."""

    name: Text = ""
    months: Months = 1
    segment_id: UUID | None = None
    spare_consenting: bool = True
    spare_buyers: bool = True


class RunBody(Body):
    """`people`: how many the preview said, so that nobody is erased unseen."""

    people: int


@router.get("/rules", dependencies=[overseers])
async def list_rules(read: Reading) -> Response:
    """Rules of retention, by name."""
    check_oversight(read.principal)
    async with read.connection() as connection:
        return read.json({"items": await fetch_rules(connection, read.principal.workspace)})


@router.post("/rules", status_code=201, dependencies=[overseers])
async def make_rule(body: NewRule, write: Writing) -> Response:
    """Make a rule. It erases nobody until somebody runs it."""
    check_oversight(write.principal)
    await _check_segment(write, body.segment_id)
    rule_id, terms = new_id(), Terms(**body.model_dump())
    command = MakeRetentionRule(rule_id, terms, write.now)
    return await write.new(RETENTION_RULE, rule_id, command, location="/api/v1/retention/rules")


@router.get("/rules/{rule_id}", dependencies=[overseers])
async def one_rule(rule_id: UUID, read: Reading) -> Response:
    """One rule."""
    check_oversight(read.principal)
    async with read.connection() as connection:
        found = await fetch_rule(connection, read.principal.workspace, rule_id)
    if found is None:
        existing(None)
    return read.json(found, version=found["version"] if found else None)


@router.patch("/rules/{rule_id}", dependencies=[overseers])
async def change_rule(rule_id: UUID, body: RuleChanges, write: Writing) -> Response:
    """Change what a rule says. If-Match."""
    check_oversight(write.principal)
    write.need_version()
    changes = body.given(*RuleChanges.model_fields)
    await _check_segment(write, changes.get("segment_id"))
    return await write.change(RETENTION_RULE, rule_id, ChangeRetentionRule(write.now, changes))


@router.delete("/rules/{rule_id}", dependencies=[overseers])
async def remove_rule(rule_id: UUID, write: Writing) -> Response:
    """Take a rule away; nobody is erased or comes back by it."""
    check_oversight(write.principal)
    return await write.change(RETENTION_RULE, rule_id, RemoveRetentionRule(write.now))


@router.get("/rules/{rule_id}/preview", dependencies=[overseers])
async def preview_rule(rule_id: UUID, request: Request, read: Reading) -> Response:
    """Whom a rule finds now: how many people, and those who have been quiet for longest. Nothing
    changes."""
    check_oversight(read.principal)
    workspace, now = read.principal.workspace, request.app.state.service.clock.now()
    async with read.connection(patience_s=UPLOAD_S) as connection:
        rule = await fetch_rule(connection, workspace, rule_id)
        if rule is None:
            raise NotFound("There is no such rule of retention in this workspace (any more).")
        told = {name: rule[name] for name in Terms.__slots__}
        search = Search.of(Terms(**told), now)
        people, some = await fetch_found(connection, workspace, search)
    found = {"rule": rule, "before": search.before, "people": people, "items": some}
    return read.json(found, version=rule["version"], whole=False)


@router.post("/rules/{rule_id}/run", status_code=202, dependencies=[overseers])
async def run_rule(
    rule_id: UUID, body: RunBody, request: Request, write: Writing, read: Reading
) -> Response:
    """Have everybody erased whom a rule finds, in the background; nobody can undo it. If-Match, and
    `people` as the preview has it: if it finds others by now, nothing happens. Each of them has a
    certificate as if erased by hand."""
    check_oversight(write.principal)
    version, log = write.need_version(), write.log
    loaded = await log.load(write.context, RETENTION_RULE.stream(rule_id))
    terms = existing(await write.state(RETENTION_RULE, rule_id)).terms
    if loaded.answered is not None:  # the same request came before
        thing = loaded.answered.stream
    elif loaded.version != version:
        raise stale(RETENTION_RULE.stream(rule_id), loaded.version, version)
    else:
        thing = await _enqueued(request, write, read, Wanted(rule_id, terms, body.people))
    before = terms.before(write.now)
    command = RunRetentionRule(id_of(thing), body.people, before, write.now)
    key = f"{write.context.key}:rule" if write.context.key else None
    await handle(log, RETENTION_RULE, rule_id, command, replace(write.context, key=key))
    where = f"/api/v1/retention/runs/{id_of(thing)}"
    return accepted(thing, replayed=loaded.answered is not None, Location=where)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule that is to be run, and how many people its preview said."""

    rule_id: UUID
    terms: Terms
    people: int


async def _enqueued(request: Request, write: Write, read: Read, wanted: Wanted) -> str:
    """The work is kept, for a worker to take. Raises Conflict if the rule finds others by now."""
    search = Search.of(wanted.terms, write.now)
    workspace = write.principal.workspace
    async with read.connection(patience_s=UPLOAD_S) as connection:
        people, ids = await fetch_records_found(connection, workspace, search)
    if people != wanted.people:
        raise Conflict(
            f"The rule finds {people:,} people by now, not {wanted.people:,}. Look again.",
            code="others-by-now",
            people=people,
        )
    if not people:
        raise Conflict("The rule finds nobody: there is nothing to do.", code="nobody")
    picked = Picked(msgspec.json.encode(search), ids)
    rule = {"rule_id": str(wanted.rule_id), "name": wanted.terms.name, "people": people}
    upload = Upload(
        principal=write.principal,
        kind=RETENTION_KIND,
        file_name="",
        sheet=picked,
        rows=len(picked),
        columns=COLUMNS,
        content=picked.written(),
        options=rule,
    )
    known = await enqueue(request.app.state.service, upload, write.context)
    return known or f"import-{write.context.correlation_id}"


@router.get("/runs", dependencies=[overseers])
async def list_runs(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Runs of rules, the latest first."""
    check_oversight(read.principal)
    rows, following = await jobs_of(read, _KINDS, limit, cursor, MAY)
    return read.json({"items": [_run(row) for row in rows], "next": following})


@router.get("/runs/{run_id}", dependencies=[overseers])
async def one_run(run_id: UUID, read: Reading) -> Response:
    """How far a run is, how many records it erased, and how many stay, by reason."""
    check_oversight(read.principal)
    return read.json(_run(await job_of(read, _KINDS, run_id, MAY)))


async def _check_segment(write: Write, segment_id: UUID | None) -> None:
    """Raises NotFound, Conflict unless there is such a segment, in use."""
    if segment_id is not None:
        in_use(await write.state(SEGMENT, segment_id))


def _run(job: Record) -> dict[str, Any]:
    same = ("id", "status", "error", "asked_name", "asked_at", "finished_at")
    kept = {note: count for note, count in job["notes"].items() if note.startswith(FAILED)}
    return {
        **{name: job[name] for name in same},
        "rule_id": job["options"].get("rule_id"),
        "name": job["options"].get("name"),
        "people": job["options"].get("people"),
        "records": job["rows"],
        "done": job["position"],
        "erased": job["removed"],
        "skipped": job["skipped"],
        "kept": job["failed"],
        "reasons": [
            {"reason": reason.removeprefix(FAILED), "count": count}
            for reason, count in sorted(kept.items())
        ],
    }
