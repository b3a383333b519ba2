"""What is a user's name, and which users have a given name?"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Index, Table, Text, Uuid

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.naming import folded
from pipeline.received import UserAdded, UserRenamed

KNOWN_USERS_TABLE: Table = read_table(
    "known_users",
    Column("user_id", Uuid),
    Column("name", Text),
    Column("name_folded", Text),
    Index("known_users_name", "workspace_id", "name_folded"),
    key=("user_id",),
)


def project(recorded: Recorded[UserAdded | UserRenamed]) -> Iterable[Change]:
    """One row per user."""
    event = recorded.event
    columns = {"name": event.name, "name_folded": folded(event.name)}
    yield Put(KNOWN_USERS_TABLE, (event.user_id,), columns)


KNOWN_USERS = Projection("known_users", 1, (UserAdded, UserRenamed), (KNOWN_USERS_TABLE,), project)
