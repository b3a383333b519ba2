"""A purchase: one order, receipt or invoice of one person, or of nobody the business knows.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.

What came back is a purchase of its own, with negative quantities. A purchase says nothing about
its person but who it is: an erased person's purchases stay, so that totals do not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event
from chassis.ports import Claim
from contacts.domain.purchase_line import AMOUNT_MOST, PurchaseLine
from contacts.domain.words import malformed, tidy

# --- events


class PurchaseRecorded(Event, frozen=True, tag="contacts.purchase-recorded.v1"):
    """Somebody bought something, or brought it back. `occurred_at`: when that was.

    `number`: what the order, receipt or invoice is called by `source`, the system that it comes
    from. `channel`: where it was bought, e.g. shop or web. `total_minor`: what `lines` come to.
    """

    purchase_id: UUID
    person_id: UUID | None
    currency: str
    lines: tuple[PurchaseLine, ...]
    total_minor: int
    number: str | None = None
    source: str | None = None
    channel: str | None = None


class PurchaseLinesAdded(Event, frozen=True, tag="contacts.purchase-lines-added.v1"):
    """More lines of a purchase became known. `occurred_at`: when the purchase was made.

    `added_minor`: what these lines come to, `total_minor`: the purchase with them.
    """

    purchase_id: UUID
    person_id: UUID | None
    currency: str
    lines: tuple[PurchaseLine, ...]
    added_minor: int
    total_minor: int


class PurchaseCancelled(Event, frozen=True, tag="contacts.purchase-cancelled.v1"):
    """A purchase does not count any more. `total_minor`: what it came to."""

    purchase_id: UUID
    person_id: UUID | None
    currency: str
    total_minor: int
    number: str | None = None
    reason: str | None = None


PurchaseEvent = PurchaseRecorded | PurchaseLinesAdded | PurchaseCancelled
PURCHASE_EVENTS: tuple[type[PurchaseEvent], ...] = (
    PurchaseRecorded,
    PurchaseLinesAdded,
    PurchaseCancelled,
)

# --- commands


@dataclass(frozen=True, slots=True)
class RecordPurchase:
    """`bought_at`: when that was; not later than now."""

    purchase_id: UUID
    lines: tuple[PurchaseLine, ...]
    currency: str
    bought_at: datetime
    at: datetime
    person_id: UUID | None = None
    number: str | None = None
    source: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class AddPurchaseLines:
    """They were bought when the purchase was: only the news of them is new."""

    lines: tuple[PurchaseLine, ...]


@dataclass(frozen=True, slots=True)
class CancelPurchase:
    at: datetime
    reason: str | None = None


PurchaseCommand = RecordPurchase | AddPurchaseLines | CancelPurchase

# --- state


@dataclass(frozen=True, slots=True)
class Purchase:
    purchase_id: UUID
    person_id: UUID | None
    number: str | None
    currency: str
    bought_at: datetime
    lines: tuple[PurchaseLine, ...]
    total_minor: int
    cancelled_at: datetime | None = None


def evolve(purchase: Purchase | None, event: PurchaseEvent) -> Purchase | None:
    """The purchase after an event."""
    if isinstance(event, PurchaseRecorded):
        return Purchase(
            event.purchase_id,
            event.person_id,
            event.number,
            event.currency,
            event.occurred_at,
            event.lines,
            event.total_minor,
        )
    assert purchase is not None, "the log holds an event of a purchase that was never recorded"
    match event:
        case PurchaseLinesAdded():
            lines = (*purchase.lines, *event.lines)
            return replace(purchase, lines=lines, total_minor=event.total_minor)
        case PurchaseCancelled():
            return replace(purchase, cancelled_at=event.occurred_at)
        case _:
            assert_never(event)


# --- decisions

LINES_MOST = 250
"""Lines in one event: a message has to fit through Kafka, whatever the titles are."""

_CURRENCY = re.compile(r"^[A-Z]{3}$")
_NUMBER_MOST = 100
_CLOCKS_DIFFER = timedelta(minutes=5)


def decide(command: PurchaseCommand, purchase: Purchase | None) -> list[PurchaseEvent]:
    """The events that follow, or a refusal."""
    match command:
        case RecordPurchase():
            return record(command, purchase)
        case AddPurchaseLines():
            return add_lines(command, there(purchase))
        case CancelPurchase():
            return cancel(command, there(purchase))
        case _:
            assert_never(command)


def there(purchase: Purchase | None) -> Purchase:
    """The purchase, if there is one. Raises NotFound."""
    if purchase is None:
        raise NotFound("There is no such purchase in this workspace.")
    return purchase


def record(command: RecordPurchase, purchase: Purchase | None) -> list[PurchaseEvent]:
    if purchase is not None:
        raise Conflict("This purchase is recorded already. Cancel it and record another one.")
    if not command.lines:
        raise malformed("lines", "A purchase needs at least one line.")
    if not _CURRENCY.match(command.currency):
        why = f"{command.currency!r} is no currency; write it like EUR."
        raise malformed("currency", why)
    if command.bought_at > command.at + _CLOCKS_DIFFER:
        raise malformed("bought_at", "This lies in the future. Record it when it has happened.")
    first, rest = command.lines[:LINES_MOST], command.lines[LINES_MOST:]
    recorded = PurchaseRecorded(
        purchase_id=command.purchase_id,
        person_id=command.person_id,
        currency=command.currency,
        lines=first,
        total_minor=sum(line.amount_minor for line in first),
        number=tidy(command.number, "number", most=_NUMBER_MOST),
        source=tidy(command.source, "source"),
        channel=tidy(command.channel, "channel"),
        occurred_at=command.bought_at,
    )
    begun = there(evolve(None, recorded))
    _check_total(begun.total_minor)
    return [recorded, *add_lines(AddPurchaseLines(rest), begun)]


def add_lines(command: AddPurchaseLines, purchase: Purchase) -> list[PurchaseEvent]:
    if purchase.cancelled_at is not None and command.lines:
        raise Conflict(
            f"This purchase was cancelled on {purchase.cancelled_at:%Y-%m-%d}; nothing can be "
            "added to it. Record another one.",
            code="cancelled",
        )
    events: list[PurchaseEvent] = []
    total = purchase.total_minor
    for begin in range(0, len(command.lines), LINES_MOST):
        lines = command.lines[begin : begin + LINES_MOST]
        added = sum(line.amount_minor for line in lines)
        total += added
        _check_total(total)
        events.append(
            PurchaseLinesAdded(
                purchase.purchase_id,
                purchase.person_id,
                purchase.currency,
                lines,
                added,
                total,
                occurred_at=purchase.bought_at,
            )
        )
    return events


def _check_total(total_minor: int) -> None:
    if abs(total_minor) >= AMOUNT_MOST:
        raise malformed("lines", f"A total of {total_minor} minor units is out of bounds.")


def cancel(command: CancelPurchase, purchase: Purchase) -> list[PurchaseEvent]:
    if purchase.cancelled_at is not None:
        return []  # asking twice is not an error
    return [
        PurchaseCancelled(
            purchase.purchase_id,
            purchase.person_id,
            purchase.currency,
            purchase.total_minor,
            purchase.number,
            tidy(command.reason, "reason"),
            occurred_at=command.at,
        )
    ]


def claims(event: PurchaseEvent) -> Iterable[Claim]:
    """A number belongs to one purchase of its source, for good: a cancelled one keeps it, so that
    importing the same file again does not bring it back."""
    if isinstance(event, PurchaseRecorded) and event.number is not None:
        yield Claim("purchase_number", f"{event.source or ''}\x1f{event.number}")


PURCHASE: Decider[PurchaseCommand, Purchase | None, PurchaseEvent] = Decider(
    "purchase", None, decide, evolve, PURCHASE_EVENTS, claims
)
