"""What a command leads to: one small function each, and one place that chooses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from chassis.decider import Decider
from chassis.errors import Conflict
from chassis.ports import Claim
from contacts.domain.company.changing import change, company_name, tidy_profile
from contacts.domain.company.commands import (
    AddCompany,
    ChangeCompany,
    CompanyCommand,
    CompanyProfile,
)
from contacts.domain.company.events import (
    COMPANY_EVENTS,
    CompanyAdded,
    CompanyEvent,
    CompanyIdentified,
)
from contacts.domain.company.state import Company, evolve, there
from contacts.domain.company.undoing import undo
from contacts.domain.external_id import ExternalId, external_id_claim
from contacts.domain.undoing import UndoChange
from contacts.domain.words import folded, malformed, tidy


def decide(command: CompanyCommand, company: Company | None) -> list[CompanyEvent]:
    """The events that follow, or a refusal."""
    match command:
        case AddCompany():
            return add(command, company)
        case ChangeCompany():
            return change(command, there(company))
        case UndoChange():
            return undo(command, there(company))
        case _:
            assert_never(command)


def add(command: AddCompany, company: Company | None) -> list[CompanyEvent]:
    if company is not None:
        raise Conflict("This company is known already. Change the record instead.")
    since = command.since or command.at
    if since > command.at:
        raise malformed("at", "A company cannot have been added in the future.")
    profile = tidy_profile(command.profile, command.at, command.company_id)
    known = command.external_id
    return [
        CompanyAdded(
            company_id=command.company_id,
            name=company_name(command.name),
            **{name: getattr(profile, name) for name in CompanyProfile.__slots__},
            owner_id=command.owner_id,
            external_id=tidy(known.id, "external_id") if known else None,
            external_source=tidy(known.source, "external_source") if known else None,
            by_name=command.by_name,
            occurred_at=since,
        )
    ]


def claims(event: CompanyEvent) -> Iterable[Claim]:
    """Another system's id belongs to one company. A company that was only named holds its name, so
    that naming it twice at the same moment does not make two."""
    if isinstance(event, CompanyAdded | CompanyIdentified) and event.external_id:
        known = ExternalId(event.external_id, event.external_source)
        yield external_id_claim("company", known)
    if isinstance(event, CompanyAdded) and event.by_name:
        yield Claim("company_name", folded(event.name))


COMPANY: Decider[CompanyCommand, Company | None, CompanyEvent] = Decider(
    "company", None, decide, evolve, COMPANY_EVENTS, claims
)
