"""Who owns what is counted, and in which team and region?

Groups carry the names, teams and regions of today; figures count by id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Text, Uuid

from analytics.received import TeamFormed, TeamRenamed, UserAdded, UserJoinedTeam, UserRenamed
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

KNOWN_USERS = read_table(
    "known_users",
    Column("user_id", Uuid),
    Column("name", Text),
    Column("team_id", Uuid),
    key=("user_id",),
)
KNOWN_TEAMS = read_table(
    "known_teams",
    Column("team_id", Uuid),
    Column("name", Text),
    Column("region", Text),
    key=("team_id",),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    match recorded.event:
        case TeamFormed() | TeamRenamed() as e:
            yield Put(KNOWN_TEAMS, (e.team_id,), {"name": e.name, "region": e.region})
        case UserAdded() as e:
            yield Put(KNOWN_USERS, (e.user_id,), {"name": e.name, "team_id": e.team_id})
        case UserRenamed() as e:
            yield Put(KNOWN_USERS, (e.user_id,), {"name": e.name})
        case UserJoinedTeam() as e:
            yield Put(KNOWN_USERS, (e.user_id,), {"team_id": e.team_id})


PROJECTION = Projection(
    "known_users",
    1,
    (TeamFormed, TeamRenamed, UserAdded, UserRenamed, UserJoinedTeam),
    (KNOWN_USERS, KNOWN_TEAMS),
    project,
)
