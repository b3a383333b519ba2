"""Help after a breach, over HTTP: whose data was touched, by whom, when; and what nobody knows.

GDPR Art. 33 and 34: the authority is told how many people are concerned, the people that they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.errors import BadInput, NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.postgres.database import Connection
from contacts.api.access import Names, fetch_names, user_in
from contacts.api.csv_files import csv_answer, csv_text, note_export, refuse_more
from contacts.api.exports import check_oversight, shown_exports
from contacts.api.points import Span, span
from contacts.domain import export
from contacts.read_models.exports import ExportsWanted
from contacts.read_models.known_api_tokens import fetch_api_token, fetch_api_tokens
from contacts.touched import TouchedWanted, fetch_extent, fetch_latest, fetch_touched

router = APIRouter(prefix="/breach", tags=["contacts"])
overseers = Depends(require("settings.write"))

_AT_ONCE = 2_000
_PATIENCE_S = 60.0
_EXPORTS_SHOWN = 100
_COLUMNS = (
    "person_id",
    "person",
    "email",
    "phone",
    "events",
    "what",
    "first_at",
    "last_at",
)
_READ = (
    "Who only looked: opening records on the pages, and reading them by the API, is not logged. "
    "Whoever could sign in as this user, or had this token, may have read all that it may see."
)
_FILES = (
    "Who is in a file with many people (a ledger of consents, a report like this one): the exports "
    "listed here say how many. Rows with errors of imports are taken out without a note."
)
_ERASED = (
    "What was done to people who were erased since: nothing says any more who they were. Some of "
    "them are counted as nameless, where another service wrote about them."
)
_ELSEWHERE = (
    "Changes that are in nobody's timeline: of a deal's title, owner and contact, lines added to a "
    "purchase, segments filled by hand, and companies."
)
_LOG = (
    "What operators took out of the event log, or read in the database: exports by the command "
    "`everlog export` are in exports.jsonl on the server."
)
_TOKEN = (
    "Which of it was done with the token: events name the user, not the way they came in. This is "
    "all that the token's user did while the token was good."
)


@dataclass(frozen=True, slots=True)
class BreachFilter:
    """By whom and when; a dependency."""

    time: Annotated[Span, Depends(span)]
    user: Annotated[UUID | None, Query(description="Only what this user did.")] = None
    token: Annotated[UUID | None, Query(description="An API token: what its user did.")] = None


Asked = Annotated[BreachFilter, Depends()]


@dataclass(frozen=True, slots=True)
class Breach:
    """What is looked into, once it is clear when and by whom."""

    wanted: TouchedWanted
    token: Mapping[str, Any] | None

    @property
    def exports(self) -> ExportsWanted:
        """What was taken out meanwhile."""
        asked = self.wanted
        return ExportsWanted(
            asked.workspace,
            asked.actor,
            since=asked.since,
            until=asked.until,
            limit=_EXPORTS_SHOWN,
        )


@router.get("", dependencies=[overseers])
async def look_into(
    request: Request, read: Reading, asked: Asked, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Whose data was touched by a user or by an API token, or at all, in a stretch of time: the
    people with what was done, what was taken out, and what cannot be known. Whoever was touched
    last comes first."""
    check_oversight(read.principal)
    async with read.connection(patience_s=_PATIENCE_S) as connection:
        breach = await _breach(connection, request, read, asked)
        wanted = replace(breach.wanted, limit=limit, cursor=cursor)
        extent = await fetch_extent(connection, wanted)
        items, following = await fetch_touched(connection, wanted)
        latest = await fetch_latest(connection, wanted, [item["person"]["id"] for item in items])
        exports, more = await shown_exports(connection, breach.exports)
        names = await _names(connection, wanted, latest)
    return read.json(
        {
            "from": wanted.since,
            "to": wanted.until,
            "user": names.actor(wanted.actor) if wanted.actor else None,
            "token": breach.token,
            "people": extent.people,
            "events": extent.events,
            "nameless": extent.nameless,
            "items": [_shown(item, latest, names) for item in items],
            "exports": exports,
            "more_exports": more is not None,
            "not_known": _not_known(breach),
            "next": following,
        }
    )


@router.get("/tokens", dependencies=[overseers])
async def list_tokens(read: Reading) -> Response:
    """API tokens of everybody, also those that are no good any more: which one to look into."""
    check_oversight(read.principal)
    workspace = read.principal.workspace
    async with read.connection() as connection:
        tokens = await fetch_api_tokens(connection, workspace)
        names = await fetch_names(connection, workspace, users=[each["user_id"] for each in tokens])
    items = [{**each, "user": names.user(each.pop("user_id"))} for each in tokens]
    return read.json({"items": items, "next": None})


@router.get("/export", dependencies=[overseers])
async def export_breach(request: Request, read: Reading, asked: Asked) -> Response:
    """Everybody concerned as CSV, with how to reach them; the register of exports notes it."""
    check_oversight(read.principal)
    rows: list[dict[str, Any]] = []
    async with read.connection(patience_s=_PATIENCE_S) as connection:
        breach = await _breach(connection, request, read, asked)
        wanted = replace(breach.wanted, limit=_AT_ONCE)
        while True:
            items, following = await fetch_touched(connection, wanted)
            rows += map(_row, items)
            refuse_more(len(rows))
            if following is None:
                break
            wanted = replace(wanted, cursor=following)
    noted = await note_export(
        request,
        read.principal,
        export.BREACH,
        rows=len(rows),
        people=len(rows),
        filters=_told(breach),
    )
    return csv_answer("breach.csv", csv_text(_COLUMNS, rows), noted)


async def _breach(
    connection: Connection, request: Request, read: Read, asked: BreachFilter
) -> Breach:
    """What is asked for. Raises BadInput, NotFound."""
    now: datetime = request.app.state.service.clock.now()
    since, until, user = asked.time.since, asked.time.until or now, asked.user
    token = None
    if asked.token is not None:
        token = await fetch_api_token(connection, read.principal.workspace, asked.token)
        if token is None or token["made_at"] is None:
            raise NotFound("There is no such API token. GET /api/v1/breach/tokens lists them.")
        if user is not None and user != token["user_id"]:
            raise BadInput("This token is another user's. Leave user out.", field="user")
        user = token["user_id"]
        ends = [each for each in (until, token["revoked_at"], token["expires_at"]) if each]
        since, until = max(since or token["made_at"], token["made_at"]), min(ends)
    if since is None:
        raise BadInput("Say from when on (from), e.g. 2026-03-01.", field="from")
    actor = str(user) if user else None
    return Breach(TouchedWanted(read.principal.workspace, since, until, actor), token)


async def _names(
    connection: Connection,
    wanted: TouchedWanted,
    latest: Mapping[UUID, list[dict[str, Any]]],
) -> Names:
    users = {user_in(event["actor"]) for events in latest.values() for event in events}
    users.add(user_in(wanted.actor or ""))
    return await fetch_names(connection, wanted.workspace, users=users)


def _shown(
    item: Mapping[str, Any], latest: Mapping[UUID, list[dict[str, Any]]], names: Names
) -> dict[str, Any]:
    events = latest.get(item["person"]["id"], [])
    told = [{**event, "actor": names.actor(event["actor"])} for event in events]
    return {**item, "latest": told}


def _not_known(breach: Breach) -> list[str]:
    found = [_READ, _FILES, _ELSEWHERE, _ERASED, _LOG]
    return [_TOKEN, *found] if breach.token else found


def _told(breach: Breach) -> dict[str, str]:
    """What was asked for, as the register of exports keeps it."""
    asked = breach.wanted
    told = {"from": asked.since.isoformat(), "to": asked.until.isoformat()}
    if asked.actor is not None:
        told["user"] = asked.actor
    return {**told, "token": str(breach.token["id"])} if breach.token else told


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    what = ", ".join(f"{kind}: {count}" for kind, count in sorted(item["kinds"].items()))
    return {
        **{name: item[name] for name in _COLUMNS if name in item},
        "person_id": item["person"]["id"],
        "person": item["person"]["name"],
        "what": what,
    }
