"""Of whom something changed, and what: from an event's envelope, as far as it goes. Pure.

Most events need not be opened for it, so nobody's key is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.events import Event, wire_name
from contacts.domain.company import COMPANY_EVENTS
from contacts.domain.conditions.fields import (
    COMPANY,
    CONSENTS,
    EVERYTHING,
    INTERACTIONS,
    MAILS,
    OWNER,
    PERSON,
    PURCHASES,
    SUPPRESSION,
    TAGS,
)
from contacts.domain.person import events as person
from contacts.domain.purchase import PURCHASE_EVENTS
from contacts.domain.segment import SEGMENT_EVENTS
from contacts.received import (
    DealLost,
    DealOpened,
    DealRelinked,
    DealReopened,
    DealWon,
    LinkClicked,
    MessageOpened,
    MessageSent,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientReleased,
    RecipientSuppressed,
)

_OWN: Mapping[type[Event], frozenset[str]] = {
    person.PersonAdded: EVERYTHING,
    person.PersonRenamed: frozenset((PERSON,)),
    person.PersonEmailsChanged: frozenset((PERSON,)),
    person.PersonPhonesChanged: frozenset((PERSON,)),
    person.PersonProfileChanged: frozenset((PERSON,)),
    person.PersonTagged: frozenset((TAGS,)),
    person.PersonUntagged: frozenset((TAGS,)),
    person.PersonAssigned: frozenset((OWNER,)),
    person.PersonJoinedCompany: frozenset((COMPANY,)),
    person.PersonLeftCompany: frozenset((COMPANY,)),
    person.InteractionLogged: frozenset((INTERACTIONS,)),
    person.ConsentGiven: frozenset((CONSENTS,)),
    person.ConsentWithdrawn: frozenset((CONSENTS,)),
    person.PersonAbsorbed: EVERYTHING,
    person.PersonMerged: EVERYTHING,
    person.PersonSeparated: EVERYTHING,
    person.PersonUnmerged: EVERYTHING,
    person.PersonErased: EVERYTHING,
    PersonUnsubscribed: frozenset((SUPPRESSION,)),
    PersonResubscribed: frozenset((SUPPRESSION,)),
    RecipientSuppressed: frozenset((SUPPRESSION,)),
    RecipientReleased: frozenset((SUPPRESSION,)),
}


def _named(types: Mapping[type[Event], Any]) -> dict[str, Any]:
    return {wire_name(type_): value for type_, value in types.items()}


OF_THE_STREAM = _named(_OWN)
"""Streams that carry the person's id: what moved."""
OF_THE_BODY = _named(
    {
        **dict.fromkeys(PURCHASE_EVENTS, frozenset((PURCHASES,))),
        **dict.fromkeys((MessageSent, MessageOpened, LinkClicked), frozenset((MAILS,))),
    }
)
"""Events that name the person inside."""
OF_COMPANIES = frozenset(wire_name(event) for event in COMPANY_EVENTS)
"""Everybody who works there is meant: what moved is `COMPANY`."""
OF_DEALS = frozenset(
    wire_name(event) for event in (DealOpened, DealRelinked, DealWon, DealLost, DealReopened)
)
"""Everybody whom the deal is or was with is meant: what moved is `DEALS`."""
OF_SEGMENTS = frozenset(wire_name(event) for event in SEGMENT_EVENTS)
OF_STANDING = frozenset(
    wire_name(event) for event in (person.PersonMerged, person.PersonUnmerged, person.PersonErased)
)
"""Whether somebody is there at all, and answers for themselves."""
OPENED_UP = frozenset((*OF_THE_BODY, *OF_SEGMENTS))
"""Events that have to be read whole. None of them holds personal data."""
