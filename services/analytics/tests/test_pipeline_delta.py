"""Changes of the open pipeline as facts that add up."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.facts.pipeline_delta import PIPELINE_DELTAS, PROJECTION
from analytics.received import Overtaken
from analytics.testing import Story, noon
from chassis.testing.projections import project


def rows(story: Story) -> Any:
    return project(PROJECTION, *story.events, workspace=story.workspace)[PIPELINE_DELTAS]


def changes(story: Story) -> list[tuple[str, int, int, int]]:
    """Stage, deals, value, weighted of every row, in the order of the log."""
    found = sorted(rows(story), key=lambda row: (row["version"], row["part"]))
    return [(r["stage"], r["deals"], r["value_minor"], r["weighted"]) for r in found]


def open_at(story: Story, day: str) -> tuple[int, int]:
    """Deals and value that are open at a moment."""
    before = [row for row in rows(story) if row["occurred_at"] <= noon(day)]
    return sum(r["deals"] for r in before), sum(r["value_minor"] for r in before)


def undone(on: str, from_value: int, to_value: int, **more: Any) -> Overtaken:
    """A change that lies after a closing, of a deal that stays in its stage."""
    return Overtaken(
        at=noon(on),
        from_stage="lead",
        to_stage="lead",
        from_probability=10,
        to_probability=10,
        from_value_minor=from_value,
        to_value_minor=to_value,
        **more,
    )


def test_an_opened_deal_adds_itself_to_its_stage(story: Story) -> None:
    story.deal(100_00, "2017-01-05", stage="lead", probability=10)
    assert changes(story) == [("lead", 1, 100_00, 100_00 * 10)]


def test_a_move_leaves_one_stage_and_enters_the_next(story: Story) -> None:
    story.deal(100_00, "2017-01-05", stage="lead", probability=10).move("offer", 60, "2017-01-09")
    assert changes(story)[1:] == [
        ("lead", -1, -100_00, -100_00 * 10),
        ("offer", 1, 100_00, 100_00 * 60),
    ]


def test_another_value_adds_the_difference(story: Story) -> None:
    story.deal(100_00, "2017-01-05", stage="lead", probability=10).revalue(70_00, "2017-01-09")
    assert changes(story)[1:] == [("lead", 0, -30_00, -30_00 * 10)]


def test_a_closing_takes_out_the_open_value_whatever_the_final_one_is(story: Story) -> None:
    story.deal(100_00, "2017-01-05", stage="lead", probability=10).win("2017-01-09", value=55_00)
    assert changes(story)[1:] == [("lead", -1, -100_00, -100_00 * 10)]


def test_a_reopening_puts_the_deal_back(story: Story) -> None:
    story.deal(100_00, "2017-01-05").lose("2017-01-09").reopen("2017-01-12")
    assert open_at(story, "2017-01-10") == (0, 0)
    assert open_at(story, "2017-01-13") == (1, 100_00)


def test_a_closing_dated_back_takes_back_what_came_after_it(story: Story) -> None:
    """Moved on 20 January; then it turns out that it was lost on the 10th."""
    deal = story.deal(100_00, "2017-01-05", stage="lead", probability=10)
    deal.move("offer", 60, "2017-01-20")
    back = deal.moved_back("lead", 10)
    deal.lose("2017-01-10", known="2017-01-25", stage="lead", probability=10, overtaken=(back,))
    assert open_at(story, "2017-01-09") == (1, 100_00)
    assert open_at(story, "2017-01-15") == (0, 0)
    assert open_at(story, "2017-01-21") == (0, 0)
    known_then = [row for row in rows(story) if row["recorded_at"] <= noon("2017-01-24")]
    assert sum(row["deals"] for row in known_then) == 1
    taken_back = [row for row in rows(story) if row["part"] > 0 and row["version"] == 3]
    assert {row["day"] for row in taken_back} == {date(2017, 1, 20)}


def test_so_it_does_with_an_earlier_closing_and_its_reopening(story: Story) -> None:
    """Won on the 10th, reopened on the 20th; then it turns out that it was lost on the 8th."""
    deal = story.deal(100_00, "2017-01-05", stage="lead", probability=10)
    deal.win("2017-01-10").reopen("2017-01-20")
    won = undone("2017-01-10", 100_00, 0, to_open=False)
    reopened = undone("2017-01-20", 0, 100_00, from_open=False)
    deal.lose("2017-01-08", known="2017-01-25", overtaken=(won, reopened), overtaken_closings=(1,))
    assert open_at(story, "2017-01-07") == (1, 100_00)
    for day in ("2017-01-09", "2017-01-11", "2017-01-21"):
        assert open_at(story, day) == (0, 0)


def test_a_closing_of_what_was_closed_already_takes_nothing_out_again(story: Story) -> None:
    """Won on the 10th, reopened on the 20th; then it turns out that it was lost on the 15th."""
    deal = story.deal(100_00, "2017-01-05", stage="lead", probability=10)
    deal.win("2017-01-10").reopen("2017-01-20")
    reopened = undone("2017-01-20", 0, 100_00, from_open=False)
    more: dict[str, Any] = {
        "was_open": False,
        "position_value_minor": 0,
        "overtaken_closings": (1,),
    }
    deal.lose("2017-01-15", known="2017-01-25", overtaken=(reopened,), **more)
    assert open_at(story, "2017-01-12") == (0, 0)
    assert open_at(story, "2017-01-16") == (0, 0)
    assert open_at(story, "2017-01-21") == (0, 0)


def test_a_deal_leaves_in_the_currency_it_had_then(story: Story) -> None:
    """Given another currency on the 20th; then it turns out that it was won on the 10th."""
    deal = story.deal(100_00, "2017-01-05", stage="lead", probability=10)
    deal.revalue(0, "2017-01-20")
    deal.currency = "USD"
    deal.revalue(120_00, "2017-01-20")
    gone = (
        undone("2017-01-20", 100_00, 0, currency="EUR"),
        undone("2017-01-20", 0, 120_00, currency="USD"),
    )
    deal.win("2017-01-10", known="2017-01-25", position_value_minor=100_00, overtaken=gone)
    for currency in ("EUR", "USD"):
        mine = [row for row in rows(story) if row["currency"] == currency]
        for day in ("2017-01-11", "2017-01-21"):
            assert sum(r["value_minor"] for r in mine if r["occurred_at"] <= noon(day)) == 0
