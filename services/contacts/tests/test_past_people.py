"""What a list said of a person at any moment: the same as the log, for any history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.events import Recorded
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.history import known_by
from contacts.domain.person import PERSON, state
from contacts.domain.person.events import PersonAdded, PersonErased, PersonRenamed
from contacts.domain.words import folded
from contacts.read_models.past_people import (
    PAST_JOBS,
    PAST_PEOPLE,
    PAST_PEOPLE_PROJECTION,
    PAST_TAGS,
    put_together,
)
from contacts.testing.pasts import Somebody, World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, BOB, ACME, BETA = (UUID(int=n) for n in range(1, 5))
WORLD = World((ACME, BETA), (BOB,), (ADA, BOB))
_TOLD = ("first_name", "last_name", "email", "phone", "owner_id", "city", "country", "created_at")


def recorded(*events: Any) -> tuple[Recorded[Any], ...]:
    """They are recorded an hour apart, whenever they happened."""
    book = History()
    return tuple(
        book.add("person", ADA, event, recorded_at=NOON + n * DAY) for n, event in enumerate(events)
    )


def then(history: Any, as_of: datetime, known_at: datetime) -> dict[str, Any] | None:
    """What the rows say of a moment."""
    rows = project(PAST_PEOPLE_PROJECTION, *history)

    def last(table: Any, on: str) -> list[dict[str, Any]]:
        known = [r for r in rows[table] if r["at"] <= as_of and r["recorded_at"] <= known_at]
        return list({row[on]: row for row in sorted(known, key=lambda r: r["version"])}.values())

    person = put_together(last(PAST_PEOPLE, "told"))
    if person is None:
        return None
    return {
        **{name: person[name] for name in (*_TOLD, "merged_into", "company_id")},
        "tags": sorted(row["tag"] for row in last(PAST_TAGS, "folded") if row["carried"]),
        "jobs": {r["company_id"]: r["role"] for r in last(PAST_JOBS, "company_id") if r["held"]},
    }


def as_the_log_says(
    history: Any, as_of: datetime, known_at: datetime = datetime.max.replace(tzinfo=UTC)
) -> dict[str, Any] | None:
    """The fold of what had happened, and been recorded, by a moment."""
    kept = known_by(history, lambda r: r.occurred_at <= as_of and r.recorded_at <= known_at)
    person = PERSON.fold(each.event for each in kept)
    if person is None:
        return None
    facts, jobs = state.facts(person), person.jobs
    return {
        **{name: facts[name] for name in _TOLD},
        "merged_into": person.merged_into,
        "company_id": jobs[0].company_id if jobs else None,
        "tags": sorted(set(person.tags)),  # tagged anew before the untagging was entered
        "jobs": {job.company_id: job.role for job in jobs},
    }


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.integers(-1, 24), st.integers(-1, 14))
def test_the_rows_say_at_any_moment_what_the_log_says(seed: int, days: int, known: int) -> None:
    history = recorded(*Somebody(ADA, Random(seed), WORLD, NOON).events(14))
    as_of, known_at = NOON + days * DAY, NOON + known * DAY
    assert then(history, as_of, known_at) == as_the_log_says(history, as_of, known_at)


def test_a_row_says_what_one_event_says() -> None:
    added = PersonAdded(
        ADA, "Zoë", "Östergård", (), (), tags=("VIP",), custom={}, owner_id=BOB, occurred_at=NOON
    )
    renamed = PersonRenamed(ADA, "Zoe", "King", occurred_at=NOON - DAY)
    rows = project(PAST_PEOPLE_PROJECTION, *recorded(added, renamed))
    first, second = rows[PAST_PEOPLE]
    assert (first["told"], first["sort_name"], first["owner_id"]) == ("all", "ostergard zoe", BOB)
    assert {name: value for name, value in second.items() if value is not None} == {
        "person_id": ADA,
        "version": 2,
        "told": "name",
        "at": NOON - DAY,
        "recorded_at": NOON + DAY,
        "first_name": "Zoe",
        "last_name": "King",
        "sort_name": "king zoe",
        "spoken_name": "zoe king",
    }
    assert rows[PAST_TAGS][0]["folded"] == folded("VIP")


def test_nothing_stays_of_whoever_was_erased() -> None:
    random = Random(7)
    events = Somebody(ADA, random, WORLD, NOON).events(30)
    assert all(project(PAST_PEOPLE_PROJECTION, *recorded(*events)).values())
    erased = recorded(*events, PersonErased(ADA, occurred_at=NOON + 99 * DAY))
    assert not any(project(PAST_PEOPLE_PROJECTION, *erased).values())


def test_nobody_is_known_before_they_were_added() -> None:
    history = recorded(
        PersonAdded(new_id(), "A", "B", (), (), tags=(), custom={}, occurred_at=NOON),
    )
    assert then(history, NOON - DAY, NOON + DAY) is None
    assert then(history, NOON, NOON + DAY) is not None
