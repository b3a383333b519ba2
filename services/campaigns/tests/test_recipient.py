"""Recipients: what they want no mail about, and why else they get none."""

from __future__ import annotations

from datetime import UTC, datetime

from campaigns.domain.recipient import (
    RECIPIENT,
    Lifted,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientReleased,
    RecipientSuppressed,
    Release,
    Resubscribe,
    Suppress,
    Unsubscribe,
)
from chassis.ids import new_id
from chassis.testing.deciders import given

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
PERSON, BROADCAST, MESSAGE = new_id(), new_id(), new_id()
FROM_NEWS = PersonUnsubscribed(
    PERSON, BROADCAST, MESSAGE, "News", "one-click", True, "h", occurred_at=NOON
)
FROM_ALL = PersonUnsubscribed(
    PERSON, BROADCAST, MESSAGE, None, "page", False, "h", occurred_at=NOON
)
OUT_OF_NEWS = Unsubscribe(PERSON, "News", "one-click", NOON, BROADCAST, MESSAGE, "h")
OUT_OF_ALL = Unsubscribe(PERSON, None, "page", NOON, BROADCAST, MESSAGE, "h")


def test_unsubscribing_twice_is_no_error_and_counts_once_per_broadcast() -> None:
    given(RECIPIENT).when(OUT_OF_NEWS).then(FROM_NEWS)
    given(RECIPIENT, FROM_NEWS).when(OUT_OF_NEWS).then_nothing()
    given(RECIPIENT, FROM_NEWS).when(OUT_OF_ALL).then(FROM_ALL)
    given(RECIPIENT, FROM_ALL).when(OUT_OF_NEWS).then_nothing()


def test_a_topic_is_refused_alone_and_everything_with_all_topics() -> None:
    assert given(RECIPIENT).state().refusal("News") is None
    assert given(RECIPIENT, FROM_NEWS).state().refusal("News") == "unsubscribed"
    assert given(RECIPIENT, FROM_NEWS).state().refusal("Offers") is None
    assert given(RECIPIENT, FROM_ALL).state().refusal("Offers") == "unsubscribed"


def test_whoever_subscribes_again_gets_everything_again() -> None:
    lifted = [Lifted("News", "h"), Lifted(None, "h")]
    back = PersonResubscribed(PERSON, lifted, "page", occurred_at=NOON)
    given(RECIPIENT, FROM_NEWS, FROM_ALL).when(Resubscribe("page", NOON)).then(back)
    given(RECIPIENT).when(Resubscribe("page", NOON)).then_nothing()
    assert given(RECIPIENT, FROM_NEWS, FROM_ALL, back).state().refusal("News") is None


def test_a_suppression_holds_for_every_topic_until_its_reason_is_gone() -> None:
    reason = "consent-withdrawn:marketing"
    suppressed = RecipientSuppressed(PERSON, reason, occurred_at=NOON)
    released = RecipientReleased(PERSON, reason, occurred_at=NOON)
    given(RECIPIENT).when(Suppress(PERSON, reason, NOON)).then(suppressed)
    given(RECIPIENT, suppressed).when(Suppress(PERSON, reason, NOON)).then_nothing()
    assert given(RECIPIENT, suppressed).state().refusal("News") == "consent-withdrawn"
    given(RECIPIENT, suppressed).when(Release(reason, NOON)).then(released)
    given(RECIPIENT).when(Release(reason, NOON)).then_nothing()
    assert given(RECIPIENT, suppressed, released).state().refusal("News") is None
