"""The last hour in windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.live import RECENT_MOST, LastHour, Seen, Won
from chassis.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORKSPACE = new_id()
WON = "pipeline.deal-won.v1"


class Passing:
    """Events that go by one after the other."""

    def __init__(self) -> None:
        self.windows = LastHour()
        self.now = NOON
        self.offset = 0

    def event(self, **more: Any) -> bool:
        """One that is recorded now, unless said otherwise."""
        at = more.pop("recorded_at", self.now)
        offset = more.pop("offset", self.offset)
        self.offset = offset + 1
        seen = Seen(
            more.pop("place", ("everlog.pipeline", 3)),
            offset,
            more.pop("workspace", WORKSPACE),
            more.pop("type", "pipeline.deal-moved.v1"),
            "deal-1",
            more.pop("occurred_at", at),
            at,
            more.pop("won", None),
        )
        return self.windows.see(seen, self.now)

    def won(self, amount: int, owner: UUID | None = None, **more: Any) -> bool:
        """A deal is won."""
        return self.event(type=WON, won=Won(owner, more.pop("currency", "EUR"), amount), **more)

    def wait(self, **time: float) -> None:
        """Time passes."""
        self.now += timedelta(**time)

    def told(self, workspace: UUID = WORKSPACE) -> dict[str, Any]:
        """The snapshot now."""
        return self.windows.snapshot(workspace, self.now)


def test_events_are_counted_by_the_minute() -> None:
    passing = Passing()
    for _ in range(3):
        passing.event()
    passing.wait(seconds=30)
    passing.event()
    assert passing.told()["events_last_minute"] == 4
    passing.wait(seconds=40)
    told = passing.told()
    assert told["events_last_minute"] == 1
    assert told["minutes"][-2:] == [3, 1]
    assert told["events_last_hour"] == 4


def test_after_an_hour_all_is_forgotten() -> None:
    passing = Passing()
    passing.won(100_00)
    passing.wait(minutes=59)
    assert passing.windows.workspaces(passing.now) == [WORKSPACE]
    assert passing.told()["won"]
    passing.wait(minutes=2)
    told = passing.told()
    assert (told["events_last_hour"], told["won"]) == (0, [])
    assert passing.windows.workspaces(passing.now) == []


def test_what_was_won_is_added_up_by_owner_and_currency() -> None:
    passing, ada = Passing(), new_id()
    passing.won(100_00, ada)
    passing.wait(minutes=30)
    passing.won(50_00, ada)
    passing.won(7_00, ada, currency="USD")
    passing.won(1_00)
    won = {
        (w["owner_id"], w["currency"]): (w["deals"], w["amount_minor"])
        for w in passing.told()["won"]
    }
    assert won == {
        (str(ada), "EUR"): (2, 150_00),
        (str(ada), "USD"): (1, 7_00),
        (None, "EUR"): (1, 1_00),
    }


def test_a_closing_dated_back_is_no_news() -> None:
    passing = Passing()
    passing.won(100_00, occurred_at=NOON - timedelta(days=90))
    passing.won(50_00, occurred_at=NOON - timedelta(minutes=20))
    assert [w["amount_minor"] for w in passing.told()["won"]] == [50_00]
    assert passing.told()["events_last_minute"] == 2


def test_what_arrives_twice_counts_once() -> None:
    passing = Passing()
    assert passing.event(offset=5)
    assert not passing.event(offset=5)
    assert not passing.event(offset=4)
    assert passing.event(offset=5, place=("everlog.pipeline", 4))
    assert passing.told()["events_last_hour"] == 2
    assert passing.windows.positions == {("everlog.pipeline", 3): 6, ("everlog.pipeline", 4): 6}


def test_what_was_recorded_more_than_an_hour_ago_does_not_count() -> None:
    passing = Passing()
    assert not passing.event(recorded_at=NOON - timedelta(hours=2))
    assert passing.told()["events_last_hour"] == 0


def test_a_clock_that_is_ahead_does_no_harm() -> None:
    passing = Passing()
    passing.event(recorded_at=NOON + timedelta(seconds=30))
    assert passing.told()["events_last_minute"] == 1


def test_workspaces_are_kept_apart() -> None:
    passing, other = Passing(), new_id()
    passing.event()
    passing.won(100_00, workspace=other)
    assert passing.told()["events_last_hour"] == 1
    assert passing.told()["won"] == []
    assert passing.told(new_id())["events_last_hour"] == 0


def test_the_last_events_are_told_the_newest_first() -> None:
    passing = Passing()
    for _ in range(RECENT_MOST):
        passing.event()
    passing.won(100_00)
    recent = passing.told()["recent"]
    assert len(recent) == RECENT_MOST
    assert recent[0] == {
        "type": WON,
        "stream": "deal-1",
        "occurred_at": "2026-03-02T12:00:00Z",
        "recorded_at": "2026-03-02T12:00:00Z",
    }
    assert passing.told()["types"][0] == {"type": "pipeline.deal-moved.v1", "events": RECENT_MOST}


def test_a_broadcast_does_not_push_the_news_out() -> None:
    passing = Passing()
    passing.won(100_00)
    for _ in range(RECENT_MOST):
        passing.event(type="campaigns.message-sent.v1")
    told = passing.told()
    assert [event["type"] for event in told["recent"]] == [WON]
    assert told["events_last_hour"] == RECENT_MOST + 1


def test_the_last_events_are_in_the_order_of_recording_however_they_are_read() -> None:
    passing = Passing()
    for ago in (1, 30, 2, 20):
        passing.event(recorded_at=NOON - timedelta(minutes=ago), type=f"pipeline.minutes-{ago}.v1")
    shown = [event["type"].split(".")[1] for event in passing.told()["recent"]]
    assert shown == ["minutes-1", "minutes-2", "minutes-20", "minutes-30"]
