"""What happened, in words: events as the rows of a timeline. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape

from gateway.web import formatting


@dataclass(frozen=True, slots=True)
class Said:
    """How an event is shown."""

    icon: str
    tone: str
    text: str


_KNOWN: Mapping[str, Said] = {
    "person-added": Said("user-plus", "accent", "Contact added"),
    "person-renamed": Said("pencil", "", "Contact renamed"),
    "person-emails-changed": Said("at", "", "E-mail addresses changed"),
    "person-phones-changed": Said("phone", "", "Phone numbers changed"),
    "person-profile-changed": Said("pencil", "", "Contact details changed"),
    "person-tagged": Said("tag", "", "Tag added"),
    "person-untagged": Said("tag", "", "Tag removed"),
    "person-assigned": Said("user-check", "", "Contact assigned"),
    "person-joined-company": Said("building", "", "Joined a company"),
    "person-left-company": Said("building", "", "Left a company"),
    "person-erased": Said("eraser", "bad", "Contact erased"),
    "interaction-logged": Said("message", "calm", "Interaction logged"),
    "consent-given": Said("circle-check", "good", "Consent given"),
    "consent-withdrawn": Said("circle-x", "bad", "Consent withdrawn"),
    "export-made": Said("download", "warn", "Everything kept of them taken out"),
    "retention-rule-made": Said("clock", "", "Rule of retention made"),
    "retention-rule-changed": Said("clock", "", "Rule of retention changed"),
    "retention-rule-removed": Said("clock", "", "Rule of retention removed"),
    "retention-rule-run": Said("eraser", "bad", "Rule of retention run"),
    "company-added": Said("building", "accent", "Company added"),
    "company-renamed": Said("pencil", "", "Company renamed"),
    "company-profile-changed": Said("pencil", "", "Company details changed"),
    "company-assigned": Said("user-check", "", "Company assigned"),
    "person-change-undone": Said("arrow-back-up", "calm", "Change undone"),
    "company-change-undone": Said("arrow-back-up", "calm", "Change undone"),
    "purchase-recorded": Said("shopping-bag", "good", "Purchase"),
    "purchase-lines-added": Said("shopping-bag", "", "Purchase grew"),
    "purchase-cancelled": Said("receipt-off", "warn", "Purchase cancelled"),
    "pipeline-designed": Said("layout-kanban", "", "Pipeline designed"),
    "pipeline-redesigned": Said("layout-kanban", "", "Pipeline redesigned"),
    "product-listed": Said("package", "", "Product listed"),
    "product-repriced": Said("package", "", "Product repriced"),
    "deal-opened": Said("briefcase", "accent", "Deal opened"),
    "deal-moved": Said("arrow-right", "", "Deal moved"),
    "deal-revalued": Said("coin", "", "Deal revalued"),
    "deal-won": Said("trophy", "good", "Deal won"),
    "deal-lost": Said("circle-x", "bad", "Deal lost"),
    "deal-reopened": Said("refresh", "warn", "Deal reopened"),
    "deal-assigned": Said("user-check", "", "Deal assigned"),
    "deal-retitled": Said("pencil", "", "Deal renamed"),
    "deal-rescheduled": Said("calendar", "", "Expected close changed"),
    "deal-relinked": Said("link", "", "Deal linked anew"),
    "template-drafted": Said("template", "", "Template written"),
    "template-revised": Said("template", "", "Template revised"),
    "broadcast-planned": Said("send", "", "Broadcast planned"),
    "broadcast-launched": Said("send", "accent", "Broadcast launched"),
    "broadcast-scheduled": Said("clock", "", "Broadcast scheduled"),
    "broadcast-cancelled": Said("circle-x", "", "Broadcast cancelled"),
    "broadcast-started": Said("send", "accent", "Broadcast started"),
    "broadcast-paused": Said("player-pause", "warn", "Broadcast paused"),
    "broadcast-resumed": Said("player-play", "", "Broadcast resumed"),
    "broadcast-finished": Said("checks", "good", "Broadcast finished"),
    "message-sent": Said("mail", "", "Mail sent"),
    "message-refused": Said("mail-x", "warn", "Mail not sent"),
    "message-uncertain": Said("zoom-question", "warn", "Mail with unknown outcome"),
    "message-opened": Said("mail-opened", "good", "Mail opened"),
    "link-clicked": Said("pointer", "good", "Link clicked"),
    "person-unsubscribed": Said("bell-off", "bad", "Unsubscribed"),
    "workspace-opened": Said("rocket", "accent", "Workspace opened"),
    "team-formed": Said("users-group", "", "Team formed"),
    "team-renamed": Said("users-group", "", "Team renamed"),
    "user-added": Said("user-plus", "", "User added"),
    "user-renamed": Said("pencil", "", "User renamed"),
    "user-role-changed": Said("shield-check", "", "Role changed"),
    "user-joined-team": Said("users-group", "", "Team changed"),
    "user-deactivated": Said("user-off", "bad", "User deactivated"),
    "user-reactivated": Said("user-check", "good", "User reactivated"),
}
_KINDS: Mapping[str, Said] = {
    "note": Said("note", "calm", "Note"),
    "call": Said("phone", "calm", "Call"),
    "meeting": Said("users", "calm", "Meeting"),
    "email": Said("mail", "calm", "E-mail"),
    "chat": Said("message-circle", "calm", "Chat"),
}
_RECORDS: Mapping[str, str] = {
    "person": "/contacts/",
    "company": "/companies/",
    "deal": "/pipeline/deals/",
    "broadcast": "/campaigns/",
}


def word_of(wire_name: str) -> str:
    """The middle of a wire name: `pipeline.deal-won.v1` → `deal-won`."""
    return wire_name.split(".")[1] if wire_name.count(".") >= 2 else wire_name


def said(wire_name: str, kind: str | None = None) -> Said:
    """How an event of this type is shown; unknown ones by their name."""
    word = word_of(wire_name)
    if word == "interaction-logged" and kind is not None and kind in _KINDS:
        return _KINDS[kind]
    found = _KNOWN.get(word)
    text = word.replace("-", " ")
    return found or Said("point", "", text[:1].upper() + text[1:])


def kind_said(kind: str) -> Said:
    """How a kind of interaction is shown."""
    return _KINDS.get(kind, Said("point", "", kind.capitalize()))


def record_url(stream: str | None) -> str | None:
    """The page of the record that a stream is the history of, if it has one."""
    category, _, id_ = (stream or "").partition("-")
    return f"{_RECORDS[category]}{id_}" if category in _RECORDS and id_ else None


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An entry of a record's history, as any service tells it."""

    said: Said
    who: str
    text: str
    at: str
    recorded_at: str
    changes: tuple[Change, ...]
    id: str = ""
    undoable: bool = False
    undone: bool = False
    partly: bool = False

    @property
    def is_beginning(self) -> bool:
        """Whether everything is new: its values are the record's first ones."""
        return len(self.changes) > 3 and not any(change.old for change in self.changes)

    @property
    def late(self) -> bool:
        """Whether it was entered on a later day than it happened on."""
        return bool(self.recorded_at) and self.recorded_at[:10] > self.at[:10]


def history_rows(items: Iterable[Mapping[str, Any]]) -> list[HistoryRow]:
    """Entries of a history in one shape; what an undo brought is told in its own row."""
    listed = list(items)
    known = {str(item.get("id")) for item in listed}
    undone_by = {str(item.get("id")): item.get("undone_by") for item in listed}
    partial = {str(item.get("id")) for item in listed if item.get("kept")}
    brought: dict[str, list[Mapping[str, Any]]] = {}
    own: list[Mapping[str, Any]] = []
    for item in listed:
        whole = str(item.get("part_of") or "")
        if whole in known:
            brought.setdefault(whole, []).extend(item.get("changes") or ())
        else:
            own.append(item)
    rows = [_row(item, brought.get(str(item.get("id")), ()), undone_by) for item in own]
    return [
        replace(row, partly=row.undone and str(undone_by.get(row.id)) in partial) for row in rows
    ]


def _row(
    item: Mapping[str, Any],
    brought: Iterable[Mapping[str, Any]],
    undone_by: Mapping[str, Any],
) -> HistoryRow:
    id_ = str(item.get("id") or "")
    return HistoryRow(
        said(str(item.get("type") or "")),
        who_of(item),
        str(item.get("sentence") or ""),
        str(item.get("occurred_at") or item.get("at") or ""),
        str(item.get("recorded_at") or ""),
        tuple(_change(change) for change in (*(item.get("changes") or ()), *brought)),
        id_,
        bool(item.get("undoable")),
        _is_undone(id_, undone_by),
    )


def _is_undone(id_: str, undone_by: Mapping[str, Any]) -> bool:
    """Whether a change was taken back, and that was not taken back itself."""
    undone = False
    while id_ := str(undone_by.get(id_) or ""):
        undone = not undone
    return undone


def who_of(item: Mapping[str, Any]) -> str:
    """Who did it, if it was somebody with a name."""
    actor = item.get("actor")
    name = actor.get("name") if isinstance(actor, Mapping) else None
    return str(name or item.get("actor_name") or "")


def _change(change: Mapping[str, Any]) -> Change:
    field = str(change.get("field") or "").removesuffix("_id")
    old = change.get("old", change.get("from"))
    return Change(field, readable(old), readable(change.get("new", change.get("to"))))


def readable(value: Any) -> str:
    """A value of the API as people read it."""
    match value:
        case None | "":
            return ""
        case bool():
            return "yes" if value else "no"
        case {"amount_minor": _}:
            return formatting.money_of(value)
        case {"name": name}:
            return str(name or "")
        case Mapping():
            return ", ".join(f"{key}: {readable(each)}" for key, each in value.items())
        case list() | tuple():
            return ", ".join(readable(each) for each in value)
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\d(T.*)?", value):
            return formatting.day(value)
        case _:
            return str(value)


_AMOUNT = re.compile(r"(-?[\d,]+\.\d\d) ([A-Z]{3})\b")
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def _for_people(sentence: str) -> str:
    """Amounts and days of a sentence as they are written everywhere else on the pages."""
    text = _AMOUNT.sub(
        lambda found: formatting.money(float(found[1].replace(",", "")), found[2], cents=True),
        sentence,
    )
    return _DAY.sub(lambda found: formatting.day(found[0]), text)


def timeline_text(row: Mapping[str, Any], name: str = "") -> Markup:
    """A row of a timeline as a sentence with links. `name`: whom the timeline is about. Mails are
    read and purchases made by them, everything else was done by who wrote it down."""
    type_ = str(row.get("type") or "")
    by_them = type_.startswith("campaigns.") or word_of(type_) == "purchase-recorded"
    person = row.get("person")
    whom = str(person.get("name") or "") if isinstance(person, Mapping) else ""
    who = (whom or name) if by_them else who_of(row)
    text = _linked(row, str(row.get("sentence") or said(type_).text))
    if whom and not by_them and isinstance(person, Mapping):
        # In the timeline of a company: whom it is about.
        link = _LINK.format("/contacts/", person["id"], whom)
        there = "this person" in text
        text = Markup(text.replace("this person", link)) if there else text + Markup(": ") + link
    if not who:
        return text[:1].upper() + text[1:]
    return Markup("<b>{}</b> {}").format(who, text)


_LINK = Markup('<a href="{}{}">{}</a>')
_LINKED = (("deal", "/pipeline/deals/"), ("broadcast", "/campaigns/"))


def _linked(row: Mapping[str, Any], told: str) -> Markup:
    """A sentence with links, its amounts and days as on the pages, but not those within titles."""
    links: dict[str, Markup] = {}
    for number, (what, base) in enumerate(_LINKED):
        linked = row.get(what)
        if isinstance(linked, Mapping) and (title := linked.get("name") or linked.get("title")):
            place = f"\x00{number}"
            links[place] = _LINK.format(base, linked["id"], title)
            told = told.replace(str(title), place, 1)
    text = str(escape(_for_people(told)))
    for place, link in links.items():
        text = text.replace(place, str(link))
    return Markup(text)
