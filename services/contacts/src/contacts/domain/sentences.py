"""What an event says, in a sentence: for histories and timelines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contacts.domain.money import readable

Said = Mapping[str, Any]
"""What the event says; `deal`, `company`, `broadcast` and `owner` hold names where they matter. Of
a purchase also what its first line says, and how many `lines` there are."""

_FIELDS = {
    "first_name": "first name",
    "last_name": "last name",
    "emails": "e-mail addresses",
    "phones": "phone numbers",
    "time_zone": "time zone",
    "custom": "own fields",
    "companies": "companies",
    "owner_id": "owner",
    "external_ids": "ids in other systems",
    "external_id": "id in another system",
    "external_source": "other system",
    "parent_id": "parent company",
    "revenue": "yearly revenue",
    "revenue_minor": "yearly revenue",
    "revenue_currency": "yearly revenue",
}


def field_name(field: str) -> str:
    """A field as people call it; one of several by what it is about: `tags.vip` → `tag vip`."""
    kind, dot, which = field.partition(".")
    match kind:
        case "custom" if dot:
            return which
        case "tags" if dot:
            return f"tag {which}"
        case "companies" if dot:
            return "company"
        case "consents" if dot:
            channel, _, purpose = which.partition(".")
            return f"consent to {purpose} by {channel}"
        case _:
            return _FIELDS.get(field) or field.replace("_", " ")


def _changed(said: Said) -> str:
    return "changed " + ", ".join(dict.fromkeys(map(field_name, said["changed"])))


def _undone(said: Said) -> str:
    """`undid a change of city, tag vip`; of somebody who was erased nothing is known of it."""
    fields = ", ".join(field_name(name) for name in said["fields"])
    return f"undid a change of {fields}" if fields else "undid a change"


def _closed(how: str) -> Callable[[Said], str]:
    def sentence(said: Said) -> str:
        amount = readable(said["value_minor"], said["currency"])
        because = f": {said['reason']}" if said.get("reason") else ""
        return f"{how} the deal {said['deal']} ({amount}) on {said['closed_on']}{because}"

    return sentence


def _revalued(said: Said) -> str:
    before = readable(said["from_value_minor"], said["currency"])
    after = readable(said["to_value_minor"], said["currency"])
    return f"changed the value of the deal {said['deal']} from {before} to {after}"


def _consent(verb: str) -> Callable[[Said], str]:
    return lambda said: f"{verb} consent to {said['purpose']} by {said['channel']}"


def _bought(said: Said) -> str:
    """`bought 2 × Tea and 3 more for 12.00 EUR`"""
    if said.get("lines") is None:  # the list of purchases does not have it
        return "bought something"
    total, pieces, others = said["total_minor"], abs(said["first_quantity"]), said["lines"] - 1
    what = f"{pieces} × {said['first_title']}" if pieces > 1 else said["first_title"]
    more = f" and {others} more" if others else ""
    verb = "returned" if total < 0 else "bought"
    return f"{verb} {what}{more} for {readable(abs(total), said['currency'])}"


def _cancelled(said: Said) -> str:
    which = f"the purchase {said['number']}" if said.get("number") else "a purchase"
    because = f": {said['reason']}" if said.get("reason") else ""
    return f"cancelled {which} of {readable(said['total_minor'], said['currency'])}{because}"


_LOGGED = {
    "note": "wrote a note about this person",
    "call": "called this person",
    "meeting": "met this person",
    "email": "exchanged e-mails with this person",
    "chat": "chatted with this person",
}

_SENTENCES: Mapping[str, Callable[[Said], str]] = {
    "contacts.person-added.v1": lambda said: "added this person",
    "contacts.person-renamed.v1": lambda said: (
        f"changed the name to {said['first_name']} {said['last_name']}".rstrip()
    ),
    "contacts.person-emails-changed.v1": lambda said: "changed e-mail addresses",
    "contacts.person-phones-changed.v1": lambda said: "changed phone numbers",
    "contacts.person-profile-changed.v1": _changed,
    "contacts.person-identified.v1": lambda said: f"learned the id {said['external_id']}",
    "contacts.person-tagged.v1": lambda said: f"put on the tag {said['tag']}",
    "contacts.person-untagged.v1": lambda said: f"took off the tag {said['tag']}",
    "contacts.person-assigned.v1": lambda said: f"made {said['owner']} the owner",
    "contacts.person-joined-company.v1": lambda said: f"linked to {said['company']}",
    "contacts.person-role-changed.v1": lambda said: (
        f"changed the role at {said['company']} to {said['role']}"
    ),
    "contacts.person-left-company.v1": lambda said: f"unlinked from {said['company']}",
    "contacts.interaction-logged.v1": lambda said: _LOGGED.get(
        said["kind"], f"logged: {said['kind']}"
    ),
    "contacts.consent-given.v1": _consent("recorded"),
    "contacts.consent-withdrawn.v1": _consent("recorded the end of"),
    "contacts.person-absorbed.v1": lambda said: "merged a duplicate into this person",
    "contacts.person-merged.v1": lambda said: "merged this record into another one",
    "contacts.person-separated.v1": lambda said: "took a merge with a duplicate back",
    "contacts.person-unmerged.v1": lambda said: "took this record out of another one again",
    "contacts.person-told-apart.v1": lambda said: "told this person apart from one who looks alike",
    "contacts.purchase-recorded.v1": _bought,
    "contacts.purchase-cancelled.v1": _cancelled,
    "contacts.company-added.v1": lambda said: "added this company",
    "contacts.company-renamed.v1": lambda said: f"changed the name to {said['name']}",
    "contacts.company-profile-changed.v1": _changed,
    "contacts.company-identified.v1": lambda said: f"learned the id {said['external_id']}",
    "contacts.company-assigned.v1": lambda said: f"made {said['owner']} the owner",
    "contacts.person-change-undone.v1": _undone,
    "contacts.company-change-undone.v1": _undone,
    "pipeline.deal-opened.v1": lambda said: (
        f"opened the deal {said['deal']} ({readable(said['value_minor'], said['currency'])})"
    ),
    "pipeline.deal-moved.v1": lambda said: (
        f"moved the deal {said['deal']} from {said['from_stage']} to {said['to_stage']}"
    ),
    "pipeline.deal-revalued.v1": _revalued,
    "pipeline.deal-won.v1": _closed("won"),
    "pipeline.deal-lost.v1": _closed("lost"),
    "pipeline.deal-reopened.v1": lambda said: f"reopened the deal {said['deal']}",
    "campaigns.message-sent.v1": lambda said: f"was sent {said['broadcast']}",
    "campaigns.message-opened.v1": lambda said: f"opened {said['broadcast']}",
    "campaigns.link-clicked.v1": lambda said: f"clicked {said['url']} in {said['broadcast']}",
    "campaigns.person-unsubscribed.v1": lambda said: "unsubscribed",
}


def sentence(type_: str, said: Said) -> str:
    """What an event of this type says. Who did it stands before it."""
    tell = _SENTENCES.get(type_)
    return tell(said) if tell else type_.partition(".")[2].rpartition(".")[0].replace("-", " ")
