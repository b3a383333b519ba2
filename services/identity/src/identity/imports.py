"""Importing users: who works here, on whose team. Teams are made on the way, one per manager."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from chassis.errors import BadInput, DomainError
from chassis.ids import new_id
from chassis.imports import (
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from chassis.ports import Append, Loaded
from chassis.postgres.database import Record
from identity.domain.email import folded, normal_email
from identity.domain.role import ROLES, SALES_REPRESENTATIVE
from identity.domain.team import TEAM, FormTeam, RenameTeam, Team
from identity.domain.user import KEEP, USER, AddUser, ChangeUser
from identity.read_models.teams import find_teams
from identity.read_models.users import find_users

FIELDS = (
    ImportField("name", "Name", ("Full name", "Sales agent", "Agent", "User", "Owner"), True),
    ImportField("email", "E-mail", ("Email", "Email address", "Mail", "Sign-in")),
    ImportField("role", "Role", ("Profile",)),
    ImportField("team", "Team", ("Manager", "Team name", "Sales manager")),
    ImportField("region", "Region", ("Regional office", "Office", "Territory")),
    ImportField("external_id", "Id", ("User id", "Agent id", "External id")),
)

_TEAMS = "teams"


async def prepare(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """Make the teams that the file names and that are missing; set the regions it gives."""
    wanted: dict[str, ImportRow] = {}
    for row in rows:
        team = row.get("team")
        if team is None:
            continue
        earlier = wanted.get(folded(team))
        if earlier is None or (row.get("region") and not earlier.get("region")):
            wanted[folded(team)] = row
    async with run.service.work.connection(run.workspace) as connection:
        found = await find_teams(connection, run.workspace, list(wanted))
    there = {row["name_folded"]: row for row in found}
    teams: dict[str, UUID] = {name: row["team_id"] for name, row in there.items()}
    appends = []
    for name, row in wanted.items():
        known = there.get(name)
        team_id = known["team_id"] if known else uuid5(run.workspace, f"team {name}")
        teams[name] = team_id
        append = _team_append(run, row, team_id, known)
        if append.events:
            appends.append(append)
    if appends and not run.dry_run:
        await run.service.work_log.append_many(run.context(next(iter(rows)), ":teams"), appends)
    run.memory[_TEAMS] = teams


def _team_append(run: ImportRun, row: ImportRow, team_id: UUID, known: Record | None) -> Append:
    name, region = row.values["team"], row.get("region")
    context = run.context(row, ":team")
    if known is None:
        formed = TEAM.decide(FormTeam(team_id, name, region, run.now), None)
        return Append(
            TEAM.stream(team_id), formed, 0, TEAM.append_of(team_id, formed, 0).claims, (), context
        )
    team = Team(team_id, known["name"], known["region"])
    region = region or team.region
    moved = TEAM.decide(RenameTeam(team.name, region, run.now), team)
    return Append(TEAM.stream(team_id), moved, known["version"], context=context)


@dataclass(slots=True)
class Known:
    """The users that rows of a chunk may mean."""

    by_id: dict[str, Record] = field(default_factory=dict)
    by_email: dict[str, Record] = field(default_factory=dict)
    by_name: dict[str, list[Record]] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Iterable[Record]) -> Known:
        """By what they can be known."""
        known = cls()
        for user in users:
            if user["external_id"] is not None:
                known.by_id[user["external_id"]] = user
            if user["email"] is not None:
                known.by_email[user["email"]] = user
            known.by_name.setdefault(user["name_folded"], []).append(user)
        return known

    def match(self, external_id: str | None, email: str | None, name: str) -> Record | None:
        """Whom a row means: by id, by address, or by the name if nothing speaks against it."""
        if external_id is not None and external_id in self.by_id:
            return self.by_id[external_id]
        if email is not None and email in self.by_email:
            return self.by_email[email]
        same = self.by_name.get(folded(name), [])
        if len(same) != 1 or (external_id and same[0]["external_id"]):
            return None
        return None if email and same[0]["email"] else same[0]

    def several(self, name: str) -> bool:
        """Whether a name alone says too little."""
        return len(self.by_name.get(folded(name), [])) > 1


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """New users are added, known ones changed where the file says something else."""
    async with run.service.work.connection(run.workspace) as connection:
        users = await find_users(
            connection,
            run.workspace,
            emails=[row.values["email"].strip().lower() for row in rows if row.get("email")],
            names=[folded(row.values["name"]) for row in rows if row.get("name")],
            ids=[row.values["external_id"] for row in rows if row.get("external_id")],
        )
    known = Known.of(users)
    planned = [_plan(run, row, known) for row in rows]
    streams = [USER.stream(p.user_id) for p in planned if isinstance(p, _Change)]
    looking = run.context(rows[0], ":look")
    loaded = await run.service.work_log.load_many(looking, streams) if streams else {}
    outcomes: list[Outcome] = []
    for row, plan in zip(rows, planned, strict=True):
        if isinstance(plan, _Change):
            plan = _changed(run, row, plan, loaded[USER.stream(plan.user_id)])
        outcomes.append(plan)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Change:
    """A row that says something else than is known of its user."""

    user_id: UUID
    command: ChangeUser


def _plan(run: ImportRun, row: ImportRow, known: Known) -> _Change | Outcome:
    try:
        return _planned(run, row, known)
    except DomainError as error:
        return Fail(error.detail)


def _planned(run: ImportRun, row: ImportRow, known: Known) -> _Change | Outcome:
    name, external_id = row.get("name"), row.get("external_id")
    if name is None:
        return Fail("The name is missing.", "name")
    email = normal_email(row.values["email"]) if row.get("email") else None
    role = _role(row.get("role"))
    if any(key in run.seen for key in _keys(name, email, external_id)):
        return Skip("named by an earlier row")
    team = row.get("team")
    team_id: UUID | None = run.memory[_TEAMS][folded(team)] if team is not None else None
    user = known.match(external_id, email, name)
    if user is None and external_id is None and email is None and known.several(name):
        return Fail(
            f"Several users are called {name}: say by e-mail address or id which one is meant.",
            "name",
        )
    if user is None:
        return _create(run, row, name, email, role, team_id)
    _remember(run, user["user_id"], name, email, external_id)
    same_name = folded(name) == user["name_folded"]
    same_rest = role in (None, user["role"]) and email in (None, user["email"])
    if same_name and same_rest and team_id in (None, user["team_id"]):
        return Skip("unchanged")
    command = ChangeUser(
        UUID(run.actor),
        run.now,
        KEEP if same_name else name,
        KEEP if email is None else email,
        KEEP if role is None else role,
        KEEP if team_id is None else team_id,
    )
    return _Change(user["user_id"], command)


def _create(
    run: ImportRun,
    row: ImportRow,
    name: str,
    email: str | None,
    role: str | None,
    team_id: UUID | None,
) -> Outcome:
    user_id, external_id = new_id(), row.get("external_id")
    role = role or SALES_REPRESENTATIVE.name
    command = AddUser(user_id, name, email, role, team_id, run.now, external_id)
    made = USER.append_of(user_id, USER.decide(command, None), 0)
    _remember(run, user_id, name, email, external_id)
    return Create(_as_row(run, row, made))


def _changed(run: ImportRun, row: ImportRow, plan: _Change, loaded: Loaded) -> Outcome:
    state = USER.fold(recorded.event for recorded in loaded.events)  # type: ignore[misc]
    try:
        events = USER.decide(plan.command, state)
    except DomainError as error:
        return Fail(error.detail)
    if not events:
        return Skip("unchanged")
    return Update(_as_row(run, row, USER.append_of(plan.user_id, events, loaded.version)))


def _as_row(run: ImportRun, row: ImportRow, append: Append) -> Append:
    return Append(
        append.stream,
        append.events,
        append.expected,
        append.claims,
        append.forget,
        run.context(row),
    )


def _role(text: str | None) -> str | None:
    """A role by its name or title. Raises BadInput."""
    if text is None:
        return None
    wanted = folded(text).replace("_", " ")
    for role in ROLES.values():
        if wanted in (role.name.replace("_", " "), folded(role.title)):
            return role.name
    titles = ", ".join(role.title for role in ROLES.values())
    raise BadInput(f"There is no role {text!r}; there are {titles}.")


def _keys(name: str, email: str | None, external_id: str | None) -> list[str]:
    if external_id is not None:
        return [f"id {external_id}"]
    return [f"email {email}"] if email is not None else [f"name {folded(name)}"]


def _remember(
    run: ImportRun, user_id: UUID, name: str, email: str | None, external_id: str | None
) -> None:
    for key in _keys(name, email, external_id):
        run.remember(key, user_id)


KINDS = (ImportKind("users", FIELDS, "identity.manage", handle, prepare),)
