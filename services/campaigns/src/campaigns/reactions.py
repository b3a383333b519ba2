"""When a date comes, a broadcast starts; when a person withdraws or is erased, they get no mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.domain.broadcast import (
    BROADCAST,
    BroadcastCancelled,
    BroadcastLaunched,
    BroadcastPlanned,
    BroadcastScheduled,
    LaunchWhenDue,
)
from campaigns.domain.recipient import RECIPIENT, Release, Suppress
from campaigns.received import ConsentGiven, ConsentWithdrawn, PersonErased
from chassis.events import Recorded
from chassis.reaction import Ask, Due, Later, NoLonger, Order, Reaction

START = "start-broadcast"
_BY_MAIL = frozenset({"email", "e-mail", "mail", "any", "all"})


def keep_the_date(recorded: Recorded[Any]) -> Iterable[Order]:
    """A broadcast with a date waits for it; without one, or once launched, it does not."""
    event: BroadcastPlanned | BroadcastScheduled | BroadcastLaunched | BroadcastCancelled
    event = recorded.event
    key = str(event.broadcast_id)
    match event:
        case BroadcastPlanned(send_at=None):
            return
        case BroadcastPlanned(send_at=send_at) | BroadcastScheduled(send_at=send_at) if send_at:
            yield Later(START, key, send_at)
        case _:
            yield NoLonger(START, key)


def start_when_due(_: UUID, key: str, __: Mapping[str, Any], due_at: datetime) -> Iterable[Order]:
    """The date has come."""
    yield Ask(BROADCAST, UUID(key), LaunchWhenDue(due_at))


def heed_consent(recorded: Recorded[Any]) -> Iterable[Order]:
    """Consent to mail that is withdrawn silences it, for as long as it is not given again."""
    event: ConsentGiven | ConsentWithdrawn = recorded.event
    if event.channel.strip().lower() not in _BY_MAIL:
        return
    reason = f"consent-withdrawn:{event.purpose[:100]}"
    command = (
        Suppress(event.person_id, reason, event.occurred_at)
        if isinstance(event, ConsentWithdrawn)
        else Release(reason, event.occurred_at)
    )
    yield Ask(RECIPIENT, event.person_id, command)


def forget_the_erased(recorded: Recorded[PersonErased]) -> Iterable[Order]:
    """Whoever was erased gets no mail, not even one that is planned already."""
    event = recorded.event
    yield Ask(RECIPIENT, event.person_id, Suppress(event.person_id, "erased", event.occurred_at))


REACTIONS = (
    Reaction(
        "keep_the_date",
        (BroadcastPlanned, BroadcastScheduled, BroadcastLaunched, BroadcastCancelled),
        keep_the_date,
    ),
    Reaction("heed_consent", (ConsentGiven, ConsentWithdrawn), heed_consent),
    Reaction("forget_the_erased", (PersonErased,), forget_the_erased),
)
DUES = (Due(START, start_when_due),)
