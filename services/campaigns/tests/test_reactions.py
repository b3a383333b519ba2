"""When a date comes, a broadcast starts; when a person withdraws or is erased, they get no mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.domain.audience import Audience
from campaigns.domain.broadcast import (
    BROADCAST,
    BroadcastCancelled,
    BroadcastLaunched,
    BroadcastPlanned,
    BroadcastScheduled,
    LaunchWhenDue,
)
from campaigns.domain.recipient import RECIPIENT, Release, Suppress
from campaigns.reactions import (
    START,
    forget_the_erased,
    heed_consent,
    keep_the_date,
    start_when_due,
)
from campaigns.received import ConsentGiven, ConsentWithdrawn, PersonErased
from chassis.ids import new_id
from chassis.reaction import Ask, Later, NoLonger
from chassis.testing.projections import History

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=3)
ID, PERSON = new_id(), new_id()


def told(event: Any) -> Any:
    return History().add("broadcast", ID, event)


def test_a_date_is_kept_moved_and_dropped() -> None:
    everyone = Audience(everyone=True)
    planned = BroadcastPlanned(ID, "a", ID, "b", everyone, LATER, occurred_at=NOON)
    undated = BroadcastPlanned(ID, "a", ID, "b", everyone, occurred_at=NOON)
    assert list(keep_the_date(told(planned))) == [Later(START, str(ID), LATER)]
    assert list(keep_the_date(told(undated))) == []
    moved = BroadcastScheduled(ID, LATER, occurred_at=NOON)
    assert list(keep_the_date(told(moved))) == [Later(START, str(ID), LATER)]
    for event in (
        BroadcastScheduled(ID, None, occurred_at=NOON),
        BroadcastLaunched(ID, occurred_at=NOON),
        BroadcastCancelled(ID, occurred_at=NOON),
    ):
        assert list(keep_the_date(told(event))) == [NoLonger(START, str(ID))]


def test_the_date_launches_it() -> None:
    orders = list(start_when_due(new_id(), str(ID), {}, LATER))
    assert orders == [Ask(BROADCAST, ID, LaunchWhenDue(LATER))]


def test_consent_to_mail_is_heeded_and_to_other_channels_is_not_ours() -> None:
    withdrawn = ConsentWithdrawn(PERSON, "Email", "marketing", occurred_at=NOON)
    reason = "consent-withdrawn:marketing"
    assert list(heed_consent(told(withdrawn))) == [
        Ask(RECIPIENT, PERSON, Suppress(PERSON, reason, NOON))
    ]
    given = ConsentGiven(PERSON, "email", "marketing", occurred_at=NOON)
    assert list(heed_consent(told(given))) == [Ask(RECIPIENT, PERSON, Release(reason, NOON))]
    by_phone = ConsentWithdrawn(PERSON, "phone", "marketing", occurred_at=NOON)
    assert list(heed_consent(told(by_phone))) == []


def test_an_erased_person_is_silenced() -> None:
    [order] = forget_the_erased(told(PersonErased(PERSON, occurred_at=NOON)))
    assert order == Ask(RECIPIENT, PERSON, Suppress(PERSON, "erased", NOON))
