"""What a row changes of a person, as one would write it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.imports import Change
from contacts.domain.person import PERSON
from contacts.domain.person.events import PersonEvent
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person

_ANOTHER = "another company"


def described(person: Person, companies: Mapping[UUID, str]) -> dict[str, str]:
    """What is known of a person, by label. `companies`: names of those that are known."""
    profile = person.profile
    told = {
        "First name": person.first_name,
        "Last name": person.last_name,
        "E-mail": ", ".join(each.address for each in person.emails),
        "Phone": ", ".join(each.number for each in person.phones),
        "Company": ", ".join(
            f"{companies.get(job.company_id, _ANOTHER)}{f' ({job.role})' if job.role else ''}"
            for job in person.jobs
        ),
        "Tags": ", ".join(person.tags),
        "City": profile.city or "",
        "Country": profile.country or "",
        "Birthday": str(profile.birthday or ""),
        "Language": profile.language or "",
        "Time zone": profile.time_zone or "",
        "Source": profile.source or "",
        "Owner": "somebody" if person.owner_id else "",
        "External id": ", ".join(
            f"{known.id} ({known.source})" if known.source else known.id
            for known in person.external_ids
        ),
        "Consents": ", ".join(
            f"{each.channel} {each.purpose}: {'yes' if each.given else 'no'}"
            for each in person.consents
        ),
    }
    own = {
        name.replace("_", " ").capitalize(): _own(value) for name, value in profile.custom.items()
    }
    return {**own, **told}


def _own(value: Any) -> str:
    """The value of an own field for people to read."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def differences(
    before: Person | None, events: Sequence[PersonEvent], companies: Mapping[UUID, str]
) -> tuple[str, tuple[Change, ...]]:
    """Whom events are about, and what they change."""
    after = before
    for event in events:
        after = PERSON.evolve(after, event)
    person = there(after)
    then = described(before, companies) if before is not None else {}
    now = described(person, companies)
    changes = (
        Change(label, then.get(label, ""), text)
        for label, text in now.items()
        if then.get(label, "") != text
    )
    gone = (Change(label, text, "") for label, text in then.items() if label not in now)
    return person.name, (*changes, *gone)
