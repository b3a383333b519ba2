"""What figures can be grouped and filtered by, and how a fact's column leads there.

A dimension looks at one column of a fact (`base`). Some group by it as it is; some look it up in
what analytics knows: an owner's team, a company's sector. Names and memberships are those of today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Select, Table, and_, func, select

from analytics.read_models.known_broadcasts import KNOWN_BROADCASTS
from analytics.read_models.known_companies import KNOWN_COMPANIES
from analytics.read_models.known_pipelines import KNOWN_PIPELINES, KNOWN_STAGES
from analytics.read_models.known_products import KNOWN_PRODUCTS
from analytics.read_models.known_users import KNOWN_TEAMS, KNOWN_USERS
from chassis.errors import BadInput

Lookup: TypeAlias = Callable[[UUID], Select[Any]]
"""Given the workspace: rows of `id` (a value of the base), `key` (its group) and `label`."""

NONE = "(none)"
"""How the group of what has no value is written in keys and filters."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group figures. `by_id`: the group is the base itself, the lookup only names it."""

    name: str
    title: str
    base: str
    lookup: Lookup | None = None
    by_id: bool = True
    key_is_uuid: bool = False

    @property
    def base_is_uuid(self) -> bool:
        """Whether the fact's column holds ids."""
        return self.base.endswith("_id")

    def key(self, text: str) -> Any:
        """A group's key as a filter gives it; None for the group without one. Raises BadInput."""
        if text == NONE:
            return None
        if not self.key_is_uuid:
            return text
        try:
            return UUID(text)
        except ValueError as error:
            raise BadInput(
                f"filter[{self.name}] must be an id as in the series' keys, or {NONE}."
            ) from error


def _of(table: Table, id_: str, key: str, label: str) -> Lookup:
    def lookup(workspace: UUID) -> Select[Any]:
        c = table.c
        columns = (c[id_].label("id"), c[key].label("key"), c[label].label("label"))
        return select(*columns).where(c.workspace_id == workspace)

    return lookup


def _of_team(key: str, label: str) -> Lookup:
    users, teams = KNOWN_USERS.c, KNOWN_TEAMS.c

    def lookup(workspace: UUID) -> Select[Any]:
        same = and_(teams.workspace_id == users.workspace_id, teams.team_id == users.team_id)
        columns = (users.user_id.label("id"), teams[key].label("key"), teams[label].label("label"))
        return (
            select(*columns)
            .select_from(KNOWN_USERS.join(KNOWN_TEAMS, same))
            .where(users.workspace_id == workspace)
        )

    return lookup


def _stages(workspace: UUID) -> Select[Any]:
    """Stages of several pipelines that have the same key are one group."""
    c = KNOWN_STAGES.c
    columns = (c.stage.label("id"), c.stage.label("key"), func.min(c.name).label("label"))
    return select(*columns).where(c.workspace_id == workspace).group_by(c.stage)


_OWNER = _of(KNOWN_USERS, "user_id", "user_id", "name")
_TEAM = _of_team("team_id", "name")
_REGION = _of_team("region", "region")
_COMPANY = _of(KNOWN_COMPANIES, "company_id", "company_id", "name")
_SECTOR = _of(KNOWN_COMPANIES, "company_id", "sector", "sector")
_PRODUCT = _of(KNOWN_PRODUCTS, "product_id", "product_id", "name")
_SERIES = _of(KNOWN_PRODUCTS, "product_id", "series", "series")
_PIPELINE = _of(KNOWN_PIPELINES, "pipeline_id", "pipeline_id", "name")
_BROADCAST = _of(KNOWN_BROADCASTS, "broadcast_id", "broadcast_id", "name")

DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("owner", "Owner", "owner_id", _OWNER, key_is_uuid=True),
        Dimension("team", "Team", "owner_id", _TEAM, by_id=False, key_is_uuid=True),
        Dimension("region", "Region", "owner_id", _REGION, by_id=False),
        Dimension("company", "Company", "company_id", _COMPANY, key_is_uuid=True),
        Dimension("sector", "Sector", "company_id", _SECTOR, by_id=False),
        Dimension("product", "Product", "product_id", _PRODUCT, key_is_uuid=True),
        Dimension("series", "Series", "product_id", _SERIES, by_id=False),
        Dimension("source", "Source", "source"),
        Dimension("country", "Country", "country"),
        Dimension("pipeline", "Pipeline", "pipeline_id", _PIPELINE, key_is_uuid=True),
        Dimension("stage", "Stage", "stage", _stages),
        Dimension("broadcast", "Broadcast", "broadcast_id", _BROADCAST, key_is_uuid=True),
    )
}
