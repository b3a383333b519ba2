"""Identity's table of contents."""

from __future__ import annotations

from chassis.imports import IMPORT_SCHEMA, import_router, import_worker
from chassis.manifest import Manifest
from identity.access import ACCESS_SCHEMA
from identity.api import internal, me, sessions, teams, users, workspaces
from identity.domain.team import TEAM
from identity.domain.user import USER
from identity.domain.workspace import WORKSPACE
from identity.housekeeping import keep_house
from identity.imports import KINDS
from identity.read_models.sign_ins import AUDIT
from identity.read_models.teams import TEAMS_LIST
from identity.read_models.users import USERS_LIST
from identity.read_models.workspace_settings import WORKSPACE_SETTINGS

MANIFEST = Manifest(
    "identity",
    deciders=(WORKSPACE, USER, TEAM),
    projections=(USERS_LIST, TEAMS_LIST, WORKSPACE_SETTINGS, AUDIT),
    routers=(
        sessions.router,
        me.router,
        users.router,
        teams.router,
        workspaces.router,
        import_router(KINDS),
    ),
    public=(internal.router,),
    workers=(keep_house, import_worker(KINDS)),
    schema=ACCESS_SCHEMA + IMPORT_SCHEMA,
)
