"""Shapes of requests. They check form; what makes sense is for the domain to decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pipeline.domain.money import AMOUNT_MOST
from pipeline.domain.naming import NAME_MOST

Name = Annotated[str, Field(min_length=1, max_length=NAME_MOST)]
Text = Annotated[str, Field(max_length=2000)]
Happened = Annotated[
    AwareDatetime | date,
    Field(
        union_mode="left_to_right",
        description="A time (RFC 3339), or a day, which stands for its noon (UTC).",
    ),
]


class Body(BaseModel):
    """What is not known is refused: a misspelt field would be lost silently."""

    model_config = ConfigDict(extra="forbid")


class Money(Body):
    """An amount in a currency's smallest unit."""

    amount_minor: int = Field(ge=0, le=AMOUNT_MOST)
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, e.g. EUR.")


class LineBody(Body):
    """Part of a deal."""

    name: Name
    quantity: int = Field(default=1, ge=1, le=1_000_000)
    price: Money
    product_id: UUID | None = None


class DealBody(Body):
    """A new deal. Without an owner it is yours; with `owner: null` it is nobody's."""

    title: Name
    pipeline: str | None = Field(default=None, description="Id or name; else the first one.")
    stage: str | None = Field(default=None, description="Key or name; else the first one.")
    value: Money | None = Field(
        default=None, description="Else the sum of the lines, or the product's list price."
    )
    contact_id: UUID | None = None
    company_id: UUID | None = None
    product_id: UUID | None = None
    lines: list[LineBody] = Field(default_factory=list, max_length=200)
    owner: str | None = Field(default=None, description="Id or full name of a user.")
    owner_id: UUID | None = None
    source: Text | None = None
    expected_close: date | None = None
    opened_at: Happened | None = Field(default=None, description="When it began, if not now.")
    external_id: Name | None = None
    external_source: Name | None = None


class DealChanges(Body):
    """What is to change; what is left out stays, what is null is taken away."""

    title: Name | None = None
    stage: str | None = None
    value: Money | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    product_id: UUID | None = None
    owner: str | None = None
    owner_id: UUID | None = None
    expected_close: date | None = None


class MoveBody(Body):
    """To which stage, and when, if not now."""

    stage: str
    at: Happened | None = None


class WinBody(Body):
    """On which day (else today), and for how much in the end."""

    closed_on: date | None = None
    value: Money | None = None


class LoseBody(Body):
    """Why, and on which day (else today)."""

    reason: Text | None = None
    closed_on: date | None = None


class ReopenBody(Body):
    """From when on, if not from now; from its closing on if that was a mistake."""

    at: Happened | None = None


class AssignBody(Body):
    """To whom; null: to nobody."""

    owner: str | None = Field(default=None, description="Id or full name of a user.")
    owner_id: UUID | None = None


class StageBody(Body):
    """A stage; without a key it keeps that of the stage with its name, or gets one."""

    name: Name
    probability: int = Field(ge=0, le=100, description="Percent.")
    rotten_after_days: int | None = Field(default=None, ge=1, le=3650)
    key: str | None = Field(default=None, min_length=1, max_length=60)


class PipelineBody(Body):
    """A new pipeline: a template, or a name and stages of your own."""

    name: Name | None = None
    template: str | None = None
    stages: list[StageBody] | None = None
    external_id: Name | None = None


class DesignBody(Body):
    """A pipeline's name and stages from now on."""

    name: Name
    stages: list[StageBody]


class ProductBody(Body):
    """A new product."""

    name: Name
    series: Name | None = None
    price: Money | None = None
    external_id: Name | None = None


class ProductChanges(Body):
    """What is to change; what is left out stays, what is null is taken away."""

    name: Name | None = None
    series: Name | None = None
    price: Money | None = None


def time_of(happened: datetime | date | None, now: datetime) -> datetime | None:
    """When it happened: a day stands for its noon (UTC), today at the latest for now."""
    if happened is None or isinstance(happened, datetime):
        return happened
    noon = datetime.combine(happened, time(12, tzinfo=UTC))
    return min(noon, now) if happened == now.astimezone(UTC).date() else noon
