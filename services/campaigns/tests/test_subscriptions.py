"""Who wants no mail, folded from recipients' events."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from campaigns.domain.recipient import (
    Lifted,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientReleased,
    RecipientSuppressed,
)
from campaigns.read_models.subscriptions import (
    PROJECTION,
    SAME_PERSON,
    SILENT,
    SUPPRESSED,
    UNSUBSCRIBED,
)
from campaigns.received import PersonMerged, PersonUnmerged
from chassis.ids import new_id
from chassis.testing.projections import History, project

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
ADA, TWIN, BROADCAST = new_id(), new_id(), new_id()


def out(person: UUID, topic: str | None, hashed: str | None = "h") -> PersonUnsubscribed:
    return PersonUnsubscribed(
        person, BROADCAST, None, topic, "page", True, hashed, occurred_at=NOON
    )


def test_topics_and_everything_are_kept_and_addresses_only_as_hashes() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("recipient", ADA, out(ADA, "News")),
        book.add("recipient", ADA, out(ADA, None)),
        book.add("recipient", TWIN, out(TWIN, "News")),
        book.add("recipient", TWIN, out(TWIN, "Offers", None)),
    )
    assert sorted((r["person_id"], r["topic"]) for r in rows[UNSUBSCRIBED]) == sorted(
        [(ADA, "News"), (ADA, ""), (TWIN, "News"), (TWIN, "Offers")]
    )
    assert [(r["topic"], r["people"]) for r in rows[SILENT]] == [("", 1), ("News", 2)]


def test_an_address_is_silent_until_the_last_person_with_it_is_back() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("recipient", ADA, out(ADA, "News")),
        book.add("recipient", TWIN, out(TWIN, "News")),
        book.add(
            "recipient",
            ADA,
            PersonResubscribed(ADA, [Lifted("News", "h")], "page", occurred_at=NOON),
        ),
    )
    assert [(r["person_id"], r["topic"]) for r in rows[UNSUBSCRIBED]] == [(TWIN, "News")]
    assert [(r["topic"], r["people"]) for r in rows[SILENT]] == [("News", 1)]


def test_suppressions_come_and_go_by_reason() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("recipient", ADA, RecipientSuppressed(ADA, "erased", occurred_at=NOON)),
        book.add("recipient", ADA, RecipientSuppressed(ADA, "consent:x", occurred_at=NOON)),
        book.add("recipient", ADA, RecipientReleased(ADA, "consent:x", occurred_at=NOON)),
    )
    assert [(r["person_id"], r["reason"]) for r in rows[SUPPRESSED]] == [(ADA, "erased")]


def test_records_of_one_person_are_so_both_ways_and_until_when_is_remembered() -> None:
    book = History()
    merged = book.add("person", TWIN, PersonMerged(TWIN, ADA, occurred_at=NOON))
    apart = book.add("person", TWIN, PersonUnmerged(TWIN, ADA, occurred_at=NOON))
    for events, until in (((merged,), None), ((merged, apart), NOON)):
        rows = project(PROJECTION, *events)[SAME_PERSON]
        assert {(r["person_id"], r["other_id"], r["until"]) for r in rows} == {
            (ADA, TWIN, until),
            (TWIN, ADA, until),
        }
