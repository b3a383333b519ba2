"""Wrong passwords cost time, more each time, and are forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from identity.domain.throttle import FREE, Attempts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(count: int, every: timedelta = timedelta(seconds=1)) -> tuple[Attempts, datetime]:
    attempts, now = Attempts(), NOON
    for _ in range(count):
        attempts, now = attempts.failed(now), now + every
    return attempts, now - every


def test_the_first_few_cost_nothing() -> None:
    attempts, now = after(FREE - 1)
    assert attempts.wait_s(now) == 0


def test_each_further_one_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    waits = []
    for count in range(FREE, FREE + 8):
        attempts, now = after(count)
        waits.append(attempts.wait_s(now) - 1)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_the_wait_ends() -> None:
    attempts, now = after(FREE)
    assert attempts.wait_s(now + timedelta(seconds=29)) > 0
    assert attempts.wait_s(now + timedelta(seconds=30)) == 0


def test_after_an_hour_counting_begins_anew() -> None:
    attempts, now = after(FREE + 3)
    later = attempts.failed(now + timedelta(hours=1, seconds=1))
    assert later.failures == 1
    assert later.wait_s(now + timedelta(hours=1, seconds=1)) == 0
