"""What is asked of a KPI: period, groups, filters, the moment, and who asks. Pure.

GET /kpis/win_rate?from=2017-01-01&to=2017-06-30&group_by=owner,month&filter[region]=West
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from analytics.dimensions import DIMENSIONS, Dimension
from analytics.kpi import Kind, Kpi, Unit
from analytics.moment import NOW, Moment
from analytics.periods import PERIODS, parse_day, parse_moment
from chassis.errors import BadInput, Forbidden
from chassis.http.principal import AGGREGATE, Principal

OF_SINGLES = frozenset({"owner", "company"})
"""Dimensions whose groups are single users or customers: not for roles that see aggregates."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a KPI, checked. `owners` None: everybody's. `singles`: may see single facts."""

    kpi: Kpi
    workspace: UUID
    first: date | None = None
    last: date | None = None
    period: str | None = None
    dimension: Dimension | None = None
    filters: tuple[tuple[Dimension, Any], ...] = ()
    moment: Moment = NOW
    currency: str | None = None
    owners: frozenset[UUID] | None = None
    singles: bool = True

    @property
    def by_currency(self) -> bool:
        """Amounts of different currencies are not added up."""
        return self.kpi.unit is Unit.MONEY

    @property
    def last_counted(self) -> date | None:
        """The last day that counts, if there is a limit."""
        limits = [self.last] if self.last is not None else []
        if self.moment.as_of is not None:
            limits.append(self.moment.as_of.date())
        return min(limits) if limits else None

    def bases(self) -> set[str]:
        """The facts' columns that groups and filters look at."""
        wanted = [dimension for dimension, _ in self.filters]
        return {d.base for d in (*wanted, *([self.dimension] if self.dimension else []))}

    def narrowed(self, dimension: Dimension, key: Any) -> Ask:
        """The same question about one group."""
        kept = tuple((d, k) for d, k in self.filters if d is not dimension)
        return replace(self, filters=(*kept, (dimension, key)))


def ask_of(kpi: Kpi, principal: Principal, parameters: Iterable[tuple[str, str]]) -> Ask:
    """The question in a request's parameters. Raises BadInput, Forbidden."""
    ask = _for(kpi, principal)
    as_of: datetime | None = None
    known_at: datetime | None = None
    for name, text in parameters:
        match name:
            case "from":
                ask = replace(ask, first=parse_day(text, name))
            case "to":
                ask = replace(ask, last=parse_day(text, name))
            case "as_of":
                as_of = parse_moment(text, name)
            case "known_at":
                known_at = parse_moment(text, name)
            case "group_by":
                ask = _grouped(ask, text)
            case "currency":
                ask = replace(ask, currency=_currency(kpi, text))
            case _ if name.startswith("filter[") and name.endswith("]"):
                dimension = _dimension(kpi, name[7:-1], name)
                ask = ask.narrowed(dimension, dimension.key(text))
            case _:
                raise BadInput(
                    f"There is no parameter `{name}`; there are from, to, group_by, as_of, "
                    "known_at, currency and filter[dimension]."
                )
    if ask.first and ask.last and ask.first > ask.last:
        raise BadInput(f"`from` ({ask.first}) lies after `to` ({ask.last}).")
    ask = replace(ask, moment=Moment(as_of, known_at))
    _check_rights(ask, principal)
    return ask


def _for(kpi: Kpi, principal: Principal) -> Ask:
    if principal.sees == AGGREGATE:
        return Ask(kpi, principal.workspace, singles=False)
    return Ask(kpi, principal.workspace, owners=principal.visible_owners())


def _grouped(ask: Ask, text: str) -> Ask:
    names = [name.strip() for name in text.split(",") if name.strip()]
    periods = [name for name in names if name in PERIODS]
    others = [name for name in names if name not in PERIODS]
    if len(periods) > 1 or len(others) > 1:
        raise BadInput("`group_by` takes one period, one dimension, or one of each: owner,month.")
    dimension = _dimension(ask.kpi, others[0], "group_by") if others else None
    return replace(ask, period=periods[0] if periods else None, dimension=dimension)


def _dimension(kpi: Kpi, name: str, parameter: str) -> Dimension:
    if name not in kpi.dimensions:
        periods = f" or by {', '.join(PERIODS)}" if parameter == "group_by" else ""
        raise BadInput(
            f"`{parameter}`: {kpi.name} knows no {name!r}. It can be taken by "
            f"{', '.join(kpi.dimensions)}{periods}.",
            possible=[*kpi.dimensions, *(PERIODS if periods else ())],
        )
    return DIMENSIONS[name]


def _currency(kpi: Kpi, text: str) -> str:
    if kpi.unit is not Unit.MONEY:
        raise BadInput(f"`currency` is for amounts of money; {kpi.name} is a {kpi.unit}.")
    code = text.strip().upper()
    if len(code) != 3 or not code.isalpha():
        raise BadInput(f"`currency` must be an ISO 4217 code like EUR, not {text!r}.")
    return code


def _check_rights(ask: Ask, principal: Principal) -> None:
    named = [dimension.name for dimension, _ in ask.filters]
    named += [ask.dimension.name] if ask.dimension else []
    singles = OF_SINGLES.intersection(named)
    if singles and not ask.singles:
        raise Forbidden(
            f"The role {principal.role} works with figures about groups, not about a single "
            f"{' or '.join(sorted(singles))}. Take them by team, region, sector or product.",
            code="aggregates-only",
        )


def to_moment(at: datetime | None) -> str | None:
    """A moment as it is written in an answer."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def is_stock(ask: Ask) -> bool:
    """Whether the value is how things stand, not what happened."""
    return ask.kpi.kind is Kind.STOCK
