"""How many people do we know at each company?"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, Column, Uuid

from chassis.events import Recorded
from chassis.projection import Add, Change, Projection, read_table
from contacts.domain.person.events import (
    PersonAdded,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonUnmerged,
)

HEADCOUNTS = read_table(
    "headcounts",
    Column("company_id", Uuid),
    Column("people", BigInteger, nullable=False, server_default="0"),
    key=("company_id",),
)


MemberEvent = (
    PersonAdded
    | PersonJoinedCompany
    | PersonLeftCompany
    | PersonMerged
    | PersonUnmerged
    | PersonErased
)


def project(recorded: Recorded[MemberEvent]) -> Iterable[Change]:
    """One more, one less. Many people touch a company's row: it is only added to."""
    match recorded.event:
        case PersonAdded() as e:
            if e.company_id is not None:
                yield Add(HEADCOUNTS, (e.company_id,), {"people": 1})
        case PersonJoinedCompany() as e:
            yield Add(HEADCOUNTS, (e.company_id,), {"people": 1})
        case PersonLeftCompany() as e:
            yield Add(HEADCOUNTS, (e.company_id,), {"people": -1})
        case PersonMerged() | PersonUnmerged() | PersonErased() as e:
            one = 1 if isinstance(e, PersonUnmerged) else -1
            for company_id in e.company_ids:
                yield Add(HEADCOUNTS, (company_id,), {"people": one})


HEADCOUNTS_PROJECTION = Projection(
    "headcounts",
    2,
    (
        PersonAdded,
        PersonJoinedCompany,
        PersonLeftCompany,
        PersonMerged,
        PersonUnmerged,
        PersonErased,
    ),
    (HEADCOUNTS,),
    project,
    shared=(HEADCOUNTS,),
)
