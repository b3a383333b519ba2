"""What requests bring: checked for their form here, for their sense by the domain."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")

Text = Annotated[str, StringConstraints(max_length=200)]
LongText = Annotated[str, StringConstraints(max_length=20_000)]


def _language(text: str) -> str:
    if not _LANGUAGE.match(text):
        raise ValueError("write it like de or en-GB")
    return text.replace("_", "-")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(text: str) -> str:
    if text not in _time_zones():
        raise ValueError("there is no such time zone; write it like Europe/Berlin")
    return text


Language = Annotated[Text, AfterValidator(_language)]
TimeZone = Annotated[Text, AfterValidator(_time_zone)]
Tag = Annotated[str, StringConstraints(max_length=60)]


class Body(BaseModel):
    """A field that is not known here is refused rather than lost."""

    model_config = ConfigDict(extra="forbid")

    def given(self, *names: str) -> dict[str, Any]:
        """Those of these fields that the request has, null or not."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class EmailBody(Body):
    """`kind`: work, home or other."""

    address: Text
    kind: Text | None = None
    primary: bool = False


class PhoneBody(Body):
    """`kind`: mobile, work, home, fax or other."""

    number: Text
    kind: Text | None = None
    primary: bool = False


class Money(Body):
    """An amount in the currency's minor units (cents)."""

    amount_minor: Annotated[int, Field(ge=0, le=10**15)]
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]


class PersonFields(Body):
    """A person's fields. `email` and `phone` are the primary ones; numbers without + belong to the
    person's country. `company` is a name (made if it is not known yet) or an id."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    emails: Annotated[list[EmailBody], Field(max_length=20)] | None = None
    phone: Text | None = None
    phones: Annotated[list[PhoneBody], Field(max_length=20)] | None = None
    company: Text | None = None
    company_id: UUID | None = None
    company_role: Text | None = None
    owner_id: UUID | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] | None = None
    birthday: date | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    city: Text | None = None
    country: Text | None = None
    source: Text | None = None
    custom: dict[str, Any] | None = None
    external_id: Text | None = None
    external_source: Text | None = None


class NewPerson(PersonFields):
    """`at`: since when the person is known, if not since now."""

    at: AwareDatetime | None = None


class PersonChanges(PersonFields):
    """Only the fields that are given change; null takes a value away."""


class CompanyFields(Body):
    """A company's fields. `revenue` is that of a year."""

    name: Text | None = None
    sector: Text | None = None
    country: Text | None = None
    city: Text | None = None
    employees: Annotated[int, Field(ge=0)] | None = None
    revenue: Money | None = None
    founded: int | None = None
    website: Text | None = None
    parent_id: UUID | None = None
    owner_id: UUID | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] | None = None
    external_id: Text | None = None
    external_source: Text | None = None


class NewCompany(CompanyFields):
    """`at`: since when the company is known, if not since now."""

    name: Text
    at: AwareDatetime | None = None


class CompanyChanges(CompanyFields):
    """Only the fields that are given change; null takes a value away."""


class NewInteraction(Body):
    """`kind`: note, call, meeting, email or chat. `at`: when it happened, if not now."""

    kind: Text
    text: LongText = ""
    at: AwareDatetime | None = None


class NewJob(Body):
    """A place in a company."""

    company_id: UUID
    role: Text | None = None


class ConsentBody(Body):
    """Where the consent comes from, and which text the person agreed to."""

    source: Text | None = None
    text_version: Text | None = None


class PurchaseLineBody(Body):
    """So many of one thing, negative for what came back. `unit_price_minor`, in cents, may be a
    fraction."""

    quantity: int = 1
    unit_price_minor: Annotated[Decimal, Field(max_digits=24, decimal_places=6)]
    sku: Annotated[str, StringConstraints(max_length=100)] | None = None
    title: Annotated[str, StringConstraints(max_length=300)] | None = None


class NewPurchase(Body):
    """`contact_id`: who bought, if that is known. `number`: what the order, receipt or invoice is
    called by `source`, the system it comes from: unique there. `channel`: where it was bought, e.g.
    shop or web. `bought_at`: when, if not now."""

    contact_id: UUID | None = None
    number: Annotated[str, StringConstraints(max_length=100)] | None = None
    source: Text | None = None
    channel: Text | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    lines: Annotated[list[PurchaseLineBody], Field(min_length=1, max_length=1_000)]
    bought_at: AwareDatetime | None = None


class Merging(Body):
    """`choices`: fields, and whose value counts, `survivor` or `duplicate`; those without one keep
    what the survivor says. Besides single fields also `email` and `phone` (the primary one),
    `company` (the main one) and `custom.<name>`."""

    duplicate_id: UUID
    choices: dict[str, Literal["survivor", "duplicate"]] = {}


class Unmerging(Body):
    """`attributions`: single fields that were changed since the merge, and to whom the change
    belongs, `survivor` or `duplicate`, where that is not as the preview says."""

    duplicate_id: UUID
    attributions: dict[str, Literal["survivor", "duplicate"]] = {}


class Undoing(Body):
    """`fields`: those that are to be restored, also where somebody changed them since; left out:
    those that nobody did."""

    fields: Annotated[list[Text], Field(max_length=500)] | None = None


class TellingApart(Body):
    """The record that looks alike and is of somebody else."""

    other_id: UUID


class Cancelling(Body):
    """Why, if there is more to say."""

    reason: Text | None = None
