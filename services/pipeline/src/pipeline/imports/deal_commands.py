"""What a row of a file of deals asks for: to open a deal, or to change one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.errors import Forbidden
from pipeline.domain.deal import (
    AssignDeal,
    Deal,
    DealCommand,
    LoseDeal,
    MoveDeal,
    OpenDeal,
    RelinkDeal,
    ReopenDeal,
    RescheduleDeal,
    RetitleDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.domain.naming import NAME_MOST
from pipeline.imports.cells import noon
from pipeline.imports.deal_ground import Ground
from pipeline.imports.deal_names import Meant
from pipeline.imports.deal_rows import DealRow

_LINKS = ("contact_id", "company_id", "product_id")


@dataclass(frozen=True, slots=True)
class Case:
    """A row with all that is known about it. `owners`: whose deals the importing user may touch."""

    row: DealRow
    meant: Meant
    ground: Ground
    now: datetime
    user_id: UUID
    owners: frozenset[UUID] | None = None

    def note(self, text: str) -> None:
        """Tell about it, if the row is taken."""
        self.meant.notes.append(text)

    def noon(self, day: date) -> datetime:
        """A day of the file as a moment."""
        return noon(day, self.now, self.ground.zone)

    def check_owner(self, owner_id: UUID | None, what: str) -> None:
        """Raises Forbidden if the importing user must not touch deals of this owner."""
        if self.owners is not None and owner_id is not None and owner_id not in self.owners:
            raise Forbidden(f"{what} belongs to somebody outside of your team.")


def opening(case: Case, deal_id: UUID) -> tuple[DealCommand, ...]:
    """Open the deal of a row; close it, if the row says so."""
    row, pipeline = case.row, case.ground.pipeline(case.row)
    stage = row.stage
    if stage is None:
        stage = case.ground.closed_from[pipeline.pipeline_id]
        case.note(f'deals closed in the file were open before in stage "{stage}"')
    owner_id = case.meant.owner_id
    if owner_id is None and case.owners is not None:
        owner_id = case.user_id
    case.check_owner(owner_id, "This deal")
    value_minor, currency = _open_value(case)
    opened = OpenDeal(
        deal_id=deal_id,
        title=row.title or _title(case),
        pipeline=pipeline,
        value_minor=value_minor,
        currency=currency,
        now=case.now,
        at=case.noon(_opened_on(case)),
        stage=stage,
        contact_id=case.meant.contact_id,
        company_id=case.meant.company_id,
        product_id=case.meant.product_id,
        owner_id=owner_id,
        source=row.source,
        expected_close=row.expected_close,
        external_id=row.external_id,
        external_source=row.external_source,
    )
    return (opened, *_closing(case))


def _opened_on(case: Case) -> date:
    row = case.row
    if row.opened_on is not None:
        return row.opened_on
    if row.closed_on is not None:
        case.note("no opening day: taken as the day on which the deal was closed")
        return row.closed_on
    last = case.ground.last_day
    case.note(f"no opening day: taken as {last}, the last day the file speaks of")
    return last


def _open_value(case: Case) -> tuple[int, str]:
    """The value while it is open: what the row says of it, else the product's list price."""
    row, product = case.row, case.meant.product
    said = row.value_minor if row.status == "open" or row.value_minor else None
    if said is not None and row.status != "won":
        return said, row.currency
    if product is not None and product["price_minor"] is not None:
        price, currency = product["price_minor"], product["currency"]
        if said is None or currency == row.currency:
            case.note("value while open: taken as the product's list price")
            return price, currency
    if said is None:
        case.note("no value and no list price: taken as 0")
    return said or 0, row.currency


def _title(case: Case) -> str:
    """The product and whom it is for, as far as the row says."""
    row, product = case.row, case.meant.product
    what = product["name"] if product is not None else row.product
    parts = [part for part in (what, row.company) if part]
    return (" – ".join(parts) or f"Deal {row.external_id or ''}").strip()[:NAME_MOST]


def _closing(case: Case) -> Iterable[DealCommand]:
    row, zone = case.row, case.ground.zone
    if row.closed_on is None:
        return
    if row.status == "won":
        value, currency = row.value_minor, row.currency if row.value_minor is not None else None
        yield WinDeal(row.closed_on, case.now, value, currency, zone)
    else:
        yield LoseDeal(row.closed_on, case.now, row.reason, zone)


def changes(case: Case, deal: Deal) -> Iterable[DealCommand]:
    """What has to be done to a deal so that it is as the row says; what it leaves out stays."""
    case.check_owner(deal.owner_id, "This deal")
    row, meant, now = case.row, case.meant, case.now
    if row.title is not None:
        yield RetitleDeal(row.title, now)
    if meant.owner_id is not None:
        case.check_owner(meant.owner_id, "The new owner")
        yield AssignDeal(meant.owner_id, now)
    links: dict[str, Any] = {n: id_ for n in _LINKS if (id_ := getattr(meant, n)) is not None}
    if links:
        yield RelinkDeal(now, **links)
    if row.expected_close is not None:
        yield RescheduleDeal(row.expected_close, now)
    if row.status == "open":
        yield from _progress(case, deal)
    else:
        if deal.closing is not None and not _closed_so(row, deal):
            # The closing was a mistake, so it never counted: undone as of its own time.
            yield ReopenDeal(now, deal.closing.at)
        yield from _closing(case)


def _progress(case: Case, deal: Deal) -> Iterable[DealCommand]:
    row, now, place = case.row, case.now, deal.position
    if deal.closing is not None:
        case.note(f"open in the file, {deal.closing.was} here: left as it is here")
        return
    pipeline = case.ground.pipeline(row)
    if pipeline.pipeline_id != deal.pipeline_id:
        case.note("in another pipeline here: not moved")
    elif row.stage is not None:
        since = case.noon(row.opened_on) if row.opened_on is not None else None
        at = since if since is not None and since > place.at else None
        yield MoveDeal(row.stage, pipeline, now, at)
    if row.value_minor is not None:
        yield RevalueDeal(row.value_minor, now, row.currency)


def _closed_so(row: DealRow, deal: Deal) -> bool:
    closing = deal.closing
    if closing is None or (closing.was, closing.closed_on) != (row.status, row.closed_on):
        return False
    return row.status == "lost" or row.value_minor in (None, closing.value_minor)
