"""Which company is meant, and of what sector and country is it?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Text, Uuid

from analytics.received import CompanyAdded, CompanyProfileChanged, CompanyRenamed
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

KNOWN_COMPANIES = read_table(
    "known_companies",
    Column("company_id", Uuid),
    Column("name", Text),
    Column("sector", Text),
    Column("country", Text),
    key=("company_id",),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    match recorded.event:
        case CompanyAdded() as e:
            columns = {"name": e.name, "sector": e.sector, "country": e.country}
            yield Put(KNOWN_COMPANIES, (e.company_id,), columns)
        case CompanyRenamed() as e:
            yield Put(KNOWN_COMPANIES, (e.company_id,), {"name": e.name})
        case CompanyProfileChanged() as e:
            columns = {"sector": e.sector, "country": e.country}
            yield Put(KNOWN_COMPANIES, (e.company_id,), columns)


PROJECTION = Projection(
    "known_companies",
    1,
    (CompanyAdded, CompanyRenamed, CompanyProfileChanged),
    (KNOWN_COMPANIES,),
    project,
)
