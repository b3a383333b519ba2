"""Taking one change of a company back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.errors import Conflict
from contacts.domain.company.changing import change
from contacts.domain.company.commands import ChangeCompany, CompanyProfile, UndoCompanyChange
from contacts.domain.company.events import (
    CompanyAdded,
    CompanyChangeUndone,
    CompanyEvent,
    CompanyIdentified,
)
from contacts.domain.company.state import Company, evolve, there
from contacts.domain.undoing import Reversal, choose, nothing_left, reversals
from contacts.domain.words import folded

_SEVERAL = ("tags", "revenue_minor", "revenue_currency")
_PROFILE = tuple(name for name in CompanyProfile.__slots__ if name not in _SEVERAL)


def compared(company: Company) -> dict[str, Any]:
    """All that is known of a company, field by field: what two moments differ in. Revenue is one
    field: an amount without its currency says nothing."""
    profile = company.profile
    revenue = (profile.revenue_minor, profile.revenue_currency)
    return {
        "name": company.name,
        **{name: getattr(profile, name) for name in _PROFILE},
        "revenue": revenue if profile.revenue_minor is not None else None,
        "owner_id": company.owner_id,
        **{f"tags.{folded(tag)}": tag for tag in profile.tags},
        "external_ids": company.external_ids or None,
    }


def undoable(company: Company) -> dict[str, Any]:
    """The same, of what an undo can restore: what other systems call it stays."""
    return {name: value for name, value in compared(company).items() if name != "external_ids"}


def can_be_undone(event: CompanyEvent) -> bool:
    """Whether an event is of a kind that can be taken back at all."""
    return not isinstance(event, CompanyAdded | CompanyIdentified)


def undo(command: UndoCompanyChange, company: Company) -> list[CompanyEvent]:
    """What restores the fields of a change. Raises Conflict and BadInput."""
    restored, kept = choose(company_reversals(command, company), command.fields)
    former = {each.field: each.before for each in restored}
    events = change(_changes(command, company, former), company)
    if not events:
        raise nothing_left()
    told = CompanyChangeUndone(
        undone_id=command.undone_id,
        brought=len(events),
        company_id=company.company_id,
        fields=tuple(former),
        kept=kept,
        occurred_at=command.at,
    )
    return [told, *events]


def company_reversals(command: UndoCompanyChange, company: Company) -> list[Reversal]:
    """Every field that the change had changed. Raises Conflict if it cannot be taken back."""
    match command.change[0]:
        case CompanyAdded():
            raise Conflict(
                "This is how the company became known; it cannot be undone. Change what is wrong "
                "about it instead.",
                code="added",
            )
        case CompanyIdentified():
            raise Conflict("What another system calls this company stays.", code="identified")
    made = before = there(command.before)
    for event in command.change:
        made = there(evolve(made, event))
    return reversals(undoable(before), undoable(made), undoable(company))


def _changes(
    command: UndoCompanyChange, company: Company, former: Mapping[str, Any]
) -> ChangeCompany:
    """The former values as a change of several fields."""
    changes = {name: former[name] for name in ("name", "owner_id") if name in former}
    profile: dict[str, Any] = {name: former[name] for name in _PROFILE if name in former}
    if "revenue" in former:
        minor, currency = former["revenue"] or (None, None)
        profile |= {"revenue_minor": minor, "revenue_currency": currency}
    tags = {name: tag for name, tag in former.items() if name.startswith("tags.")}
    if tags:
        worn = [tag for tag in company.profile.tags if f"tags.{folded(tag)}" not in tags]
        profile["tags"] = (*worn, *(tag for tag in tags.values() if tag))
    return ChangeCompany(command.at, profile=profile, **changes)
