"""People to whom much happened, some of it entered late: for tests that look into the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    ConsentGiven,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonTagged,
    PersonUnmerged,
    PersonUntagged,
)
from contacts.domain.phone_number import PhoneNumber

FIRST_NAMES = ("Ada", "Zoë", "Anna Maria", "")
LAST_NAMES = ("King", "van der Berg", "O'Connor", "Östergård")
TAGS = ("VIP", "Neu", "spring fair")
COUNTRIES = ("Germany", "FR", "Narnia", None)
PHONES = (("030 123456", "+4930123456"), ("+44 20 7946 0958", "+442079460958"), ("12345", None))
_LATE = timedelta(days=3)


@dataclass(frozen=True)
class World:
    """Whom people meet: companies, owners, and one another."""

    companies: Sequence[UUID]
    owners: Sequence[UUID]
    others: Sequence[UUID]


@dataclass
class Somebody:
    """One person's life. Jobs are entered in order; all else may be entered late."""

    id: UUID
    random: Random
    world: World
    now: datetime
    tags: list[str] = field(default_factory=list)
    jobs: list[UUID] = field(default_factory=list)
    merged: UUID | None = None

    def events(self, most: int) -> list[Any]:
        """What happened, in the order in which it was recorded."""
        known = [self._added()]
        for _ in range(self.random.randint(0, most)):
            self.now += timedelta(hours=self.random.randint(0, 40))
            known.append(self.random.choice(_CHANGES)(self))
        return known

    def _late(self) -> datetime:
        return self.now - self.random.choice((0, 0, 1)) * _LATE * self.random.random()

    def _added(self) -> PersonAdded:
        random = self.random
        self.tags = random.sample(TAGS, random.randint(0, 2))
        self.jobs = random.sample(self.world.companies, random.randint(0, 1))
        return PersonAdded(
            self.id,
            random.choice(FIRST_NAMES),
            random.choice(LAST_NAMES),
            emails=self._emails(),
            phones=self._phones(),
            tags=tuple(self.tags),
            custom={},
            company_id=self.jobs[0] if self.jobs else None,
            company_role=random.choice(("Boss", None)) if self.jobs else None,
            owner_id=random.choice((*self.world.owners, None)),
            city=random.choice(("Rome", None)),
            country=random.choice(COUNTRIES),
            occurred_at=self.now,
        )

    def _emails(self) -> tuple[EmailAddress, ...]:
        address = self.random.choice(("Ada@X.de", "zoe@y.example", None))
        return (EmailAddress(address, "work", True, address.lower()),) if address else ()

    def _phones(self) -> tuple[PhoneNumber, ...]:
        if self.random.random() < 0.4:
            return ()
        number, e164 = self.random.choice(PHONES)
        return (PhoneNumber(number, "work", True, e164),)

    def renamed(self) -> Any:
        first, last = self.random.choice(FIRST_NAMES), self.random.choice(LAST_NAMES)
        return PersonRenamed(self.id, first, last, occurred_at=self._late())

    def reached(self) -> Any:
        if self.random.random() < 0.5:
            return PersonEmailsChanged(self.id, self._emails(), occurred_at=self._late())
        return PersonPhonesChanged(self.id, self._phones(), occurred_at=self._late())

    def moved(self) -> Any:
        city, country = self.random.choice(("Paris", None)), self.random.choice(COUNTRIES)
        changed = ("city", "country")
        return PersonProfileChanged(
            self.id, changed, city=city, country=country, occurred_at=self._late()
        )

    def assigned(self) -> Any:
        owner = self.random.choice((*self.world.owners, None))
        return PersonAssigned(self.id, owner, None, occurred_at=self._late())

    def tagged(self) -> Any:
        tag = self.random.choice(TAGS)
        if tag in self.tags:
            self.tags.remove(tag)
            return PersonUntagged(self.id, tag, occurred_at=self._late())
        self.tags.append(tag)
        return PersonTagged(self.id, tag, occurred_at=self._late())

    def worked(self) -> Any:
        company, at = self.random.choice(self.world.companies), self.now
        if company not in self.jobs:
            main = company if not self.jobs or self.random.random() < 0.5 else self.jobs[0]
            self.jobs = [company, *self.jobs] if main == company else [*self.jobs, company]
            return PersonJoinedCompany(self.id, company, "New", main, occurred_at=at)
        if self.random.random() < 0.3:
            return PersonRoleChanged(self.id, company, "Other", occurred_at=at)
        self.jobs.remove(company)
        main_now = self.jobs[0] if self.jobs else None
        return PersonLeftCompany(self.id, company, main_now, occurred_at=at)

    def merged_or_not(self) -> Any:
        if self.merged is not None:
            before, self.merged = self.merged, None
            return PersonUnmerged(self.id, before, occurred_at=self._late())
        self.merged = self.random.choice([id_ for id_ in self.world.others if id_ != self.id])
        return PersonMerged(self.id, self.merged, occurred_at=self._late())

    def agreed(self) -> Any:
        return ConsentGiven(self.id, "email", "news", occurred_at=self._late())


_CHANGES: tuple[Callable[[Somebody], Any], ...] = (
    Somebody.renamed,
    Somebody.reached,
    Somebody.moved,
    Somebody.assigned,
    Somebody.tagged,
    Somebody.worked,
    Somebody.worked,
    Somebody.merged_or_not,
    Somebody.agreed,
)
