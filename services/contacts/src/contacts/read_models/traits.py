"""What do we know of this person, as conditions of segments compare it? Texts are folded, so that
what is compared needs no function, which row-level security would keep from its index.

Purchases, companies, tags and consents are asked where they are kept anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, DateTime, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.country import country_key
from contacts.domain.entry import primary_of
from contacts.domain.person.events import (
    InteractionLogged,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonUnmerged,
)
from contacts.domain.words import folded
from contacts.received import (
    LinkClicked,
    MessageOpened,
    MessageSent,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientReleased,
    RecipientSuppressed,
)

TRAITS = read_table(
    "traits",
    Column("person_id", Uuid),
    *(
        Column(name, Text(collation="C"))
        for name in ("first_name", "last_name", "email", "phone", "city", "country")
    ),
    *(Column(name, Text(collation="C")) for name in ("language", "source")),
    Column("birthday", DateTime(timezone=True)),
    Column("custom", JSONB),
    Column("owner_id", Uuid),
    Column("company_id", Uuid),
    Column("created_at", DateTime(timezone=True)),
    Column("merged_into", Uuid),
    Index("traits_by_company", "workspace_id", "company_id", "person_id"),
    key=("person_id",),
)
DEEDS = read_table(
    "deeds",
    Column("person_id", Uuid),
    Column("kind", Text(collation="C")),
    Column("thing_id", Uuid),
    Column("at", DateTime(timezone=True)),
    Index("deeds_by_time", "workspace_id", "person_id", "kind", "at"),
    key=("person_id", "kind", "thing_id"),
)
SUPPRESSIONS = read_table(
    "suppressions",
    Column("person_id", Uuid),
    Column("kind", Text(collation="C")),
    Column("reason", Text(collation="C")),
    key=("person_id", "kind", "reason"),
)
INTERACTION, SENT, OPENED, CLICKED = "interaction", "sent", "opened", "clicked"
UNSUBSCRIBED, SUPPRESSED, EVERYTHING = "unsubscribed", "suppressed", ""

_EVENTS = (
    PersonAdded,
    PersonRenamed,
    PersonEmailsChanged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonAssigned,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonUnmerged,
    PersonErased,
    InteractionLogged,
    MessageSent,
    MessageOpened,
    LinkClicked,
    PersonUnsubscribed,
    PersonResubscribed,
    RecipientSuppressed,
    RecipientReleased,
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """What an event changes of what is compared."""
    event = recorded.event
    match event:
        case InteractionLogged():
            key = (event.person_id, INTERACTION, event.interaction_id)
            yield Put(DEEDS, key, {"at": event.at})
        case MessageSent() | MessageOpened() | LinkClicked():
            yield from _mail(event)
        case PersonUnsubscribed():
            yield Put(SUPPRESSIONS, (event.person_id, UNSUBSCRIBED, event.topic or EVERYTHING), {})
        case PersonResubscribed():
            yield Remove(SUPPRESSIONS, (event.person_id, UNSUBSCRIBED))
        case RecipientSuppressed():
            yield Put(SUPPRESSIONS, (event.person_id, SUPPRESSED, event.reason), {})
        case RecipientReleased():
            yield Remove(SUPPRESSIONS, (event.person_id, SUPPRESSED, event.reason))
        case PersonErased():
            yield Remove(TRAITS, (event.person_id,))
            yield Remove(DEEDS, (event.person_id, INTERACTION))
        case _:
            yield Put(TRAITS, (event.person_id,), _columns(event))


def _mail(event: MessageSent | MessageOpened | LinkClicked) -> Iterable[Change]:
    """The first time that a reader, and no machine, opened a mail or clicked in it."""
    kind = {MessageSent: SENT, MessageOpened: OPENED, LinkClicked: CLICKED}[type(event)]
    if isinstance(event, MessageSent) or (event.first and not event.machine):
        yield Put(DEEDS, (event.person_id, kind, event.message_id), {"at": event.occurred_at})


def _columns(event: Any) -> dict[str, Any]:
    match event:
        case PersonAdded():
            return {
                **_names(event),
                **_email(event),
                **_phone(event),
                **_profile(event),
                "owner_id": event.owner_id,
                "company_id": event.company_id,
                "created_at": event.occurred_at,
            }
        case PersonRenamed():
            return _names(event)
        case PersonEmailsChanged():
            return _email(event)
        case PersonPhonesChanged():
            return _phone(event)
        case PersonProfileChanged():
            return _profile(event)
        case PersonAssigned():
            return {"owner_id": event.owner_id}
        case PersonJoinedCompany() | PersonLeftCompany():
            return {"company_id": event.main_company_id}
        case PersonMerged():
            return {"merged_into": event.into_id}
        case _:
            return {"merged_into": None}


def _text(text: str | None) -> str | None:
    return folded(text) or None if text else None


def _names(event: PersonAdded | PersonRenamed) -> dict[str, Any]:
    return {"first_name": _text(event.first_name), "last_name": _text(event.last_name)}


def _email(event: PersonAdded | PersonEmailsChanged) -> dict[str, Any]:
    primary = primary_of(event.emails)
    return {"email": _text(primary.address) if primary else None}


def _phone(event: PersonAdded | PersonPhonesChanged) -> dict[str, Any]:
    primary = primary_of(event.phones)
    return {"phone": _text(primary.number) if primary else None}


def _profile(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    born = event.birthday
    return {
        **{name: _text(getattr(event, name)) for name in ("city", "language", "source")},
        "country": country_key(event.country),
        "birthday": datetime(born.year, born.month, born.day, tzinfo=UTC) if born else None,
        "custom": _custom(event.custom),
    }


def _custom(custom: dict[str, Any]) -> dict[str, str | list[str]]:
    """Own fields that are one value as folded texts, several texts as a list of them."""
    found = {
        name: _text(value if isinstance(value, str) else _written(value))
        for name, value in custom.items()
        if isinstance(value, str | int | float)
    }
    several = {
        name: list(filter(None, map(_text, value)))
        for name, value in custom.items()
        if isinstance(value, list) and all(isinstance(each, str) for each in value)
    }
    return {name: value for name, value in (found | several).items() if value}


def _written(value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{Decimal(str(value)).normalize():f}" if isinstance(value, float) else str(value)


TRAITS_PROJECTION = Projection("traits", 2, _EVENTS, (TRAITS, DEEDS, SUPPRESSIONS), project)
