"""Sent, opened and clicked messages as facts."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.facts.campaign_message import CAMPAIGN_MESSAGES, PROJECTION
from analytics.testing import Story, noon
from chassis.testing.projections import project


def rows(story: Story) -> Any:
    return project(PROJECTION, *story.events, workspace=story.workspace)[CAMPAIGN_MESSAGES]


def test_opening_and_clicking_are_noted_with_their_own_times_at_the_message(story: Story) -> None:
    message = story.message(story.broadcast("Spring"), "2017-01-31")
    message.open("2017-02-02", known="2017-02-03").click("2017-02-04")
    [row] = rows(story)
    assert row["day"] == date(2017, 1, 31)
    assert (row["opened_at"], row["opened_recorded_at"]) == (
        noon("2017-02-02"),
        noon("2017-02-03"),
    )
    assert row["clicked_at"] == noon("2017-02-04")
    assert [row[n] for n in ("event_id", "opened_event_id", "clicked_event_id")] == [
        event.id for event in story.events[1:]
    ]


def test_only_the_first_time_counts(story: Story) -> None:
    message = story.message(story.broadcast("Spring"), "2017-01-31")
    message.open("2017-02-02").open("2017-02-05", first=False)
    [row] = rows(story)
    assert row["opened_at"] == noon("2017-02-02")


def test_what_machines_do_does_not_count(story: Story) -> None:
    message = story.message(story.broadcast("Spring"), "2017-01-31")
    message.open("2017-02-01", machine=True).click("2017-02-01", machine=True)
    [row] = rows(story)
    assert row["opened_at"] is None
    assert row["clicked_at"] is None
