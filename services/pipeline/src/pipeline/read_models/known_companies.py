"""What is a company's name, and which companies have a given name?"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Index, Table, Text, Uuid

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.naming import folded
from pipeline.received import CompanyAdded, CompanyRenamed

KNOWN_COMPANIES_TABLE: Table = read_table(
    "known_companies",
    Column("company_id", Uuid),
    Column("name", Text),
    Column("name_folded", Text),
    Index("known_companies_name", "workspace_id", "name_folded"),
    key=("company_id",),
)


def project(recorded: Recorded[CompanyAdded | CompanyRenamed]) -> Iterable[Change]:
    """One row per company."""
    event = recorded.event
    columns = {"name": event.name, "name_folded": folded(event.name)}
    yield Put(KNOWN_COMPANIES_TABLE, (event.company_id,), columns)


KNOWN_COMPANIES = Projection(
    "known_companies", 1, (CompanyAdded, CompanyRenamed), (KNOWN_COMPANIES_TABLE,), project
)
