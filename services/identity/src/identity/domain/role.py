"""Roles and what they may do, as data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.errors import BadInput

ALL, OWN, AGGREGATE = "all", "own", "aggregate"

PERMISSIONS: Mapping[str, str] = {
    "contacts.read": "See people and companies",
    "contacts.write": "Add and change people and companies",
    "deals.read": "See deals",
    "deals.write": "Add, move, win and lose deals",
    "campaigns.read": "See campaigns and their results",
    "campaigns.write": "Write templates and send campaigns",
    "analytics.read": "See figures and charts",
    "imports.run": "Import files",
    "events.read": "Read the event log",
    "ops": "Watch and repair the services",
    "identity.manage": "Manage users, teams and roles",
    "settings.write": "Change the workspace's settings",
}


@dataclass(frozen=True, slots=True)
class Role:
    """`sees`: whose records it may see, see chassis.http.principal."""

    name: str
    title: str
    about: str
    sees: str
    permissions: frozenset[str]


ADMINISTRATOR = Role(
    "administrator",
    "Administrator",
    "Everything, including users, settings and operations.",
    ALL,
    frozenset(PERMISSIONS),
)
SALES_REPRESENTATIVE = Role(
    "sales_representative",
    "Sales Representative",
    "Customers and deals of their own and of their team.",
    OWN,
    frozenset(
        {
            "contacts.read",
            "contacts.write",
            "deals.read",
            "deals.write",
            "analytics.read",
            "imports.run",
            "campaigns.read",
        }
    ),
)
MARKETING_MANAGER = Role(
    "marketing_manager",
    "Marketing Manager",
    "Campaigns and figures about groups; no single customer's record.",
    AGGREGATE,
    frozenset({"campaigns.read", "campaigns.write", "analytics.read"}),
)

ROLES: Mapping[str, Role] = {
    role.name: role for role in (ADMINISTRATOR, SALES_REPRESENTATIVE, MARKETING_MANAGER)
}


def role_of(name: str) -> Role:
    """The role of this name. Raises BadInput."""
    role = ROLES.get(name)
    if role is None:
        raise BadInput(f"There is no role {name!r}; there are {', '.join(ROLES)}.")
    return role
