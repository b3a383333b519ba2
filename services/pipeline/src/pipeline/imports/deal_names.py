"""Whom and what the rows of a chunk mean by the names they use: looked up for all rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.imports import ImportRun
from chassis.postgres.database import Record
from pipeline.domain.naming import folded, squeezed
from pipeline.imports.deal_rows import DealRow
from pipeline.querying import ids_by_name
from pipeline.read_models.deal_list import fetch_ids_of
from pipeline.read_models.known_companies import KNOWN_COMPANIES_TABLE
from pipeline.read_models.known_people import KNOWN_PEOPLE_TABLE
from pipeline.read_models.known_users import KNOWN_USERS_TABLE
from pipeline.read_models.products import fetch_products_named


@dataclass(frozen=True, slots=True)
class Names:
    """Ids by folded name; deals by the ids that other systems gave them."""

    owners: Mapping[str, Sequence[UUID]]
    companies: Mapping[str, Sequence[UUID]]
    contacts: Mapping[str, Sequence[UUID]]
    products: Mapping[str, Record]
    deals: Mapping[tuple[str | None, str], UUID]


@dataclass(slots=True)
class Meant:
    """What a row means; `notes` tell of names that were read otherwise or are not known."""

    owner_id: UUID | None = None
    company_id: UUID | None = None
    contact_id: UUID | None = None
    product: Record | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def product_id(self) -> UUID | None:
        """The product's id."""
        return self.product["product_id"] if self.product is not None else None


async def look_up(run: ImportRun, rows: Iterable[DealRow]) -> Names:
    """Five queries, however many rows."""
    found, workspace = list(rows), run.workspace
    owners, companies, contacts = (
        _folded(getattr(row, name) for row in found) for name in ("owner", "company", "contact")
    )
    products = {squeezed(row.product) for row in found if row.product}
    ids = {row.external_id for row in found if row.external_id}
    async with run.service.work.connection(workspace) as c:
        return Names(
            await ids_by_name(c, workspace, KNOWN_USERS_TABLE, "user_id", owners),
            await ids_by_name(c, workspace, KNOWN_COMPANIES_TABLE, "company_id", companies),
            await ids_by_name(c, workspace, KNOWN_PEOPLE_TABLE, "person_id", contacts),
            await fetch_products_named(c, workspace, products),
            await fetch_ids_of(c, workspace, ids),
        )


def _folded(names: Iterable[str | None]) -> set[str]:
    return {folded(name) for name in names if name}


def meant(row: DealRow, names: Names) -> Meant:
    """What a row means."""
    found = Meant()
    found.owner_id = _one(found, "owner", row.owner, names.owners)
    found.company_id = _one(found, "company", row.company, names.companies)
    found.contact_id = _one(found, "contact", row.contact, names.contacts)
    if row.product is not None:
        found.product = names.products.get(squeezed(row.product))
        if found.product is None:
            found.notes.append(f'product "{row.product}" is not in the catalogue: no product')
        elif found.product["name"] != row.product:
            found.notes.append(f'product "{row.product}" read as "{found.product["name"]}"')
    return found


def _one(
    found: Meant, what: str, name: str | None, ids: Mapping[str, Sequence[UUID]]
) -> UUID | None:
    if name is None:
        if what != "contact":
            found.notes.append(f"no {what} given")
        return None
    there = ids.get(folded(name), ())
    if len(there) == 1:
        return there[0]
    why = "not known" if not there else f"the name of {len(there)}"
    found.notes.append(f'{what} "{name}" is {why}: no {what}')
    return None
