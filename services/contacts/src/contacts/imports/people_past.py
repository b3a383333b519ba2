"""A person before an import, after it and now: what has to change to take the import back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contacts.domain.entry import with_one_primary
from contacts.domain.person.commands import Profile
from contacts.domain.person.state import ConsentState, Person
from contacts.domain.phone_number import matched_as
from contacts.domain.words import folded

_OWN = ("first_name", "last_name", "owner_id")
_PROFILE = tuple(name for name in Profile.__slots__ if name != "custom")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that somebody changed since: what it says now, and said before the import."""

    field: str
    now: str
    before: str


@dataclass(frozen=True, slots=True)
class Versions:
    """One person at the three moments that count, and at each change since."""

    before: Person
    after: Person
    now: Person
    later: tuple[Person, ...] = ()

    def restoring(self) -> tuple[dict[str, Any], list[Conflict]]:
        """What has to change for the person to be as before, and what somebody else changed."""
        conflicts: list[Conflict] = []
        changes = self._former(_OWN, getattr, conflicts)
        profile = self._former(_PROFILE, lambda p, name: getattr(p.profile, name), conflicts)
        own = dict.fromkeys([*self.before.profile.custom, *self.after.profile.custom])
        custom = self._former(own, lambda p, name: p.profile.custom.get(name), conflicts)
        profile |= {"custom": custom} if custom else {}
        changes |= {"profile": profile} if profile else {}
        return {**changes, **self._ways(conflicts), **self._work(conflicts)}, conflicts

    def _former(
        self, names: Iterable[str], value: Callable[[Person, str], Any], conflicts: list[Conflict]
    ) -> dict[str, Any]:
        """The former values of what the import changed and nobody since."""
        former: dict[str, Any] = {}
        for name in names:
            then, made, now = (value(p, name) for p in (self.before, self.after, self.now))
            if then == made or now == then:
                continue
            if now == made and all(value(p, name) == made for p in self.later):
                former[name] = then
            else:
                conflicts.append(Conflict(name, _said(now), _said(then)))
        return former

    def _ways(self, conflicts: list[Conflict]) -> dict[str, Any]:
        """Addresses, numbers and tags without those that were added then, and the tags that were
        taken away."""
        changes: dict[str, Any] = {}
        for name, same in (
            ("emails", lambda email: email.folded),
            ("phones", matched_as),
            ("tags", folded),
        ):
            added = self._added(name, same)
            if name == "tags":
                added -= self._moved(conflicts)
            now = getattr(self.now, name)
            kept = tuple(each for each in now if same(each) not in added)
            if name == "tags":
                kept += self._taken_away()
            if kept != now:
                changes[name] = kept if name == "tags" else with_one_primary(kept)
        return changes

    def _taken_away(self) -> tuple[str, ...]:
        there = {folded(tag) for tag in (*self.after.tags, *self.now.tags)} | self._moved([])
        return tuple(tag for tag in self.before.tags if folded(tag) not in there)

    def _moved(self, conflicts: list[Conflict]) -> set[str]:
        """Tags that were put on or taken off then, and are as they were made then, but not all the
        time: somebody took them into hand since, and meant it."""
        before, made = _tags(self.before), _tags(self.after)
        own = (before ^ made) - (made ^ _tags(self.now))
        moved = {tag for person in self.later for tag in own & (made ^ _tags(person))}
        if moved:
            conflicts.append(
                Conflict("tags", ", ".join(self.now.tags), ", ".join(self.before.tags))
            )
        return moved

    def _added(self, name: str, same: Callable[[Any], str]) -> set[str]:
        before = {same(each) for each in getattr(self.before, name)}
        return {same(each) for each in getattr(self.after, name)} - before

    def _work(self, conflicts: list[Conflict]) -> dict[str, Any]:
        """The former company and role."""
        if self.before.jobs in (self.after.jobs, self.now.jobs):
            return {}
        if self.now.jobs != self.after.jobs:
            conflicts.append(Conflict("company", "", ""))
            return {}
        if not self.before.jobs:
            return {"company_id": None}
        main = self.before.jobs[0]
        return {"company_id": main.company_id, "company_role": main.role}

    def consents_given(self) -> list[ConsentState]:
        """Consents that only the import had given."""
        before = _given(self.before)
        return [
            consent
            for consent in self.after.consents
            if consent.given
            and not before.get((consent.channel, consent.purpose))
            and consent in self.now.consents
        ]

    def kept(self) -> tuple[str, ...]:
        """Remarks on what stays although the import told it."""
        notes = []
        if self.after.external_ids != self.before.external_ids:
            notes.append("ids of other systems stay")
        before, after = _given(self.before), _given(self.after)
        if any(not given and before.get(about, True) for about, given in after.items()):
            notes.append("opt-outs stay")
        return tuple(notes)


def _tags(person: Person) -> set[str]:
    return {folded(tag) for tag in person.tags}


def _given(person: Person) -> Mapping[tuple[str, str], bool]:
    return {(each.channel, each.purpose): each.given for each in person.consents}


def _said(value: Any) -> str:
    return "" if value is None else str(value)
