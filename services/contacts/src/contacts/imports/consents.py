"""What a row says of whether somebody may be written to or called. Pure.

Whoever opted out anywhere stays out: a file never takes back what a person said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.imports import ImportRow
from contacts.domain.person import PERSON
from contacts.domain.person.commands import GiveConsent, WithdrawConsent
from contacts.domain.person.events import PersonEvent
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person
from contacts.domain.words import folded
from contacts.imports.cells import moment

MARKETING, COMPLAINT = "marketing", "complaint"
_YES = frozenset(("1", "true", "yes", "y", "x", "on", "ja", "oui", "si"))
_YES |= {"subscribed", "confirmed", "active", "opted in", "opted-in", "opt-in"}
_NO = frozenset(("0", "false", "no", "n", "off", "nein", "non"))
_NO |= {"unsubscribed", "cleaned", "inactive", "opted out", "opted-out", "opt-out"}
_NO |= {"non-subscribed", "not subscribed"}
_ABUSE = frozenset({"abuse", "spam", "complaint"})
_FIELDS = (
    "email_consent",
    "email_opt_out",
    "sms_consent",
    "do_not_call",
    "consent_at",
    "unsubscribed_at",
    "unsubscribe_reason",
    "bounced",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A person's decision; `at`: when, if the row says so."""

    channel: str
    purpose: str
    given: bool
    source: str
    at: datetime | None = None


def said_yes(text: str | None) -> bool | None:
    """Whether a cell says yes or no; None: neither."""
    word = folded(text) if text else ""
    return True if word in _YES else False if word in _NO else None


def choices(row: ImportRow, options: Mapping[str, Any]) -> tuple[tuple[Choice, ...], list[str]]:
    """What a row says of consents, and remarks on what it says unclearly. Raises BadInput."""
    subscribed = options.get("subscribed")
    if subscribed is None and not any(name in row.values for name in _FIELDS):
        return (), []
    source = f"import {options['external_source']}" if options.get("external_source") else "import"
    order = options.get("dates")
    notes: list[str] = []

    def answer(field: str) -> bool | None:
        text = row.get(field)
        said = said_yes(text)
        if text and said is None and folded(text) not in ("unknown", "pending"):
            notes.append(f"{field} {text} says neither yes nor no: left out")
        return said

    when = row.get("consent_at")
    agreed = moment(when, "consent_at", order) if when else None
    gone = row.get("unsubscribed_at")
    left = moment(gone, "unsubscribed_at", order) if gone else None
    wants, out = answer("email_consent"), answer("email_opt_out")
    found: list[Choice] = []
    reason = row.get("unsubscribe_reason") or options.get("reason")
    if row.get("bounced"):
        reason = reason or "bounced"
    if out or wants is False or left or row.get("bounced") or subscribed is False:
        why = f"{source}: {reason.lower()}" if reason else source
        found.append(Choice("email", MARKETING, False, why, left))
        if reason and folded(reason) in _ABUSE:
            found.append(Choice("email", COMPLAINT, False, why, left))
    elif wants or agreed or subscribed:
        found.append(Choice("email", MARKETING, True, source, agreed))
    if (sms := answer("sms_consent")) is not None:
        found.append(Choice("sms", MARKETING, sms, source))
    if answer("do_not_call"):
        found.append(Choice("phone", MARKETING, False, source))
    return tuple(found), notes


def consent_events(
    person: Person, chosen: Iterable[Choice], now: datetime
) -> tuple[list[PersonEvent], list[str]]:
    """What follows for a person, and remarks on what does not."""
    events: list[PersonEvent] = []
    notes: list[str] = []
    for choice in chosen:
        held = {(c.channel, c.purpose): c.given for c in person.consents}
        known = held.get((choice.channel, choice.purpose))
        if known is False and choice.given:
            notes.append(f"opted out of {choice.channel} here already: stays so")
        if known is not None and (known is False or choice.given):
            continue
        at = min(max(choice.at or now, person.added_at), now)
        command: GiveConsent | WithdrawConsent
        if choice.given:
            command = GiveConsent(choice.channel, choice.purpose, choice.source, None, at)
        else:
            command = WithdrawConsent(choice.channel, choice.purpose, choice.source, at)
        new = PERSON.decide(command, person)
        for event in new:
            person = there(PERSON.evolve(person, event))
        events += new
    return events, notes
