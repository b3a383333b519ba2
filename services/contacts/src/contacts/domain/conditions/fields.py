"""What a condition may ask about a person, and how. Pure.

`reads` says which kind of happening moves the field: a segment is evaluated anew for a person only
if something happened that one of its fields reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["text", "choice", "number", "money", "date", "tags", "flag", "consent"]

PERSON, TAGS, OWNER, COMPANY = "person", "tags", "owner", "company"
CONSENTS, SUPPRESSION, INTERACTIONS = "consents", "suppression", "interactions"
PURCHASES, DEALS, MAILS = "purchases", "deals", "mails"
EVERYTHING = frozenset(
    (PERSON, TAGS, OWNER, COMPANY, CONSENTS, SUPPRESSION, INTERACTIONS, PURCHASES, DEALS, MAILS)
)

CUSTOM, CONSENT = "custom.", "consent."


@dataclass(frozen=True, slots=True)
class Field:
    """Something that is known of a person."""

    name: str
    label: str
    kind: Kind
    reads: str


_FIELDS = (
    Field("first_name", "First name", "text", PERSON),
    Field("last_name", "Last name", "text", PERSON),
    Field("email", "E-mail address", "text", PERSON),
    Field("phone", "Phone number", "text", PERSON),
    Field("city", "City", "text", PERSON),
    Field("country", "Country", "choice", PERSON),
    Field("language", "Language", "text", PERSON),
    Field("source", "Source", "text", PERSON),
    Field("birthday", "Birthday", "date", PERSON),
    Field("created_at", "Known since", "date", PERSON),
    Field("tags", "Tags", "tags", TAGS),
    Field("owner", "Owner", "choice", OWNER),
    Field("company.name", "Company", "text", COMPANY),
    Field("company.sector", "Company's sector", "text", COMPANY),
    Field("company.country", "Company's country", "choice", COMPANY),
    Field("company.employees", "Company's employees", "number", COMPANY),
    Field("interactions.count", "Number of conversations", "number", INTERACTIONS),
    Field("interactions.last_at", "Last conversation", "date", INTERACTIONS),
    Field("purchases.count", "Number of purchases", "number", PURCHASES),
    Field("purchases.total", "Bought in all", "money", PURCHASES),
    Field("purchases.average", "Average purchase", "money", PURCHASES),
    Field("purchases.first_at", "First purchase", "date", PURCHASES),
    Field("purchases.last_at", "Last purchase", "date", PURCHASES),
    Field("deals.open", "Open deals", "number", DEALS),
    Field("deals.won", "Won deals", "number", DEALS),
    Field("deals.lost", "Lost deals", "number", DEALS),
    Field("mails.sent", "Mails sent to them", "number", MAILS),
    Field("mails.opened", "Mails opened", "number", MAILS),
    Field("mails.clicked", "Mails with a click", "number", MAILS),
    Field("mails.last_sent_at", "Last mail sent", "date", MAILS),
    Field("mails.last_opened_at", "Last mail opened", "date", MAILS),
    Field("mails.last_clicked_at", "Last click in a mail", "date", MAILS),
    Field("mails.unsubscribed", "Unsubscribed from mail", "flag", SUPPRESSION),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _FIELDS}

OPERATORS: Mapping[Kind, Mapping[str, str]] = {
    "text": {
        "is": "is",
        "is_not": "is not",
        "contains": "contains",
        "contains_not": "does not contain",
        "begins_with": "begins with",
        "is_filled": "is filled in",
        "is_empty": "is empty",
    },
    "choice": {
        "is": "is",
        "is_not": "is not",
        "is_filled": "is filled in",
        "is_empty": "is empty",
    },
    "number": {
        "equals": "is",
        "at_least": "is at least",
        "at_most": "is at most",
        "more_than": "is more than",
        "less_than": "is less than",
    },
    "money": {
        "at_least": "is at least",
        "at_most": "is at most",
        "more_than": "is more than",
        "less_than": "is less than",
    },
    "date": {
        "in_last_days": "is in the last",
        "not_in_last_days": "is not in the last",
        "before": "is before",
        "since": "is on or after",
        "is_filled": "is known",
        "is_empty": "never was",
    },
    "tags": {"has": "include", "has_not": "do not include"},
    "flag": {"is_so": "is so", "is_not_so": "is not so"},
    "consent": {"is_given": "is given", "is_withdrawn": "is withdrawn", "is_unknown": "is unknown"},
}
"""How a kind of field may be asked about, in the words that stand between field and value."""

WITHOUT_VALUE = frozenset(
    ("is_filled", "is_empty", "is_so", "is_not_so", "is_given", "is_withdrawn", "is_unknown")
)
RELATIVE = frozenset(("in_last_days", "not_in_last_days"))


_OWN_KINDS: tuple[Kind, ...] = ("text", "number", "date", "tags")


def asked_by(field: Field, operator: object) -> Field:
    """The field as an operator asks about it. Values of own fields may be anything, so the
    question says what it takes them for; no two of these kinds share an operator they differ in."""
    if not field.name.startswith(CUSTOM):
        return field
    kind = next((kind for kind in _OWN_KINDS if operator in OPERATORS[kind]), field.kind)
    return replace(field, kind=kind)


def field_of(name: str) -> Field | None:
    """The field with this name; `custom.<name>` and `consent.<channel>.<purpose>` are made up."""
    if name.startswith(CUSTOM) and len(name) > len(CUSTOM):
        return Field(name, name.removeprefix(CUSTOM), "text", PERSON)
    if name.startswith(CONSENT):
        channel, _, purpose = name.removeprefix(CONSENT).partition(".")
        if channel and purpose:
            return Field(name, f"Consent to {purpose} by {channel}", "consent", CONSENTS)
        return None
    return FIELDS.get(name)
