"""Days, weeks, months, quarters, years."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from analytics.periods import (
    begin_of,
    begins,
    key_of,
    label_of,
    last_day,
    next_begin,
    parse_day,
    parse_moment,
)
from chassis.errors import BadInput

DAY = date(2017, 12, 31)


def test_a_day_lies_in_a_week_that_begins_on_monday() -> None:
    assert begin_of("week", DAY) == date(2017, 12, 25)
    assert last_day("week", date(2017, 12, 25)) == DAY


@pytest.mark.parametrize(
    ("period", "begin", "following", "key", "label"),
    [
        ("day", DAY, date(2018, 1, 1), "2017-12-31", "31 Dec 2017"),
        ("week", date(2017, 12, 25), date(2018, 1, 1), "2017-W52", "week 52 of 2017"),
        ("month", date(2017, 12, 1), date(2018, 1, 1), "2017-12", "Dec 2017"),
        ("quarter", date(2017, 10, 1), date(2018, 1, 1), "2017-Q4", "Q4 2017"),
        ("year", date(2017, 1, 1), date(2018, 1, 1), "2017", "2017"),
    ],
)
def test_a_period_begins_ends_and_has_a_name(
    period: str, begin: date, following: date, key: str, label: str
) -> None:
    assert begin_of(period, DAY) == begin
    assert next_begin(period, begin) == following
    assert (key_of(period, begin), label_of(period, begin)) == (key, label)


def test_a_walk_leaves_no_period_out() -> None:
    found = begins("month", date(2017, 11, 15), date(2018, 2, 1))
    assert [key_of("month", begin) for begin in found] == [
        "2017-11",
        "2017-12",
        "2018-01",
        "2018-02",
    ]


def test_an_endless_walk_is_refused() -> None:
    with pytest.raises(BadInput, match="group by a longer period"):
        begins("day", date(1990, 1, 1), date(2020, 1, 1))


def test_a_day_alone_means_its_end() -> None:
    assert parse_moment("2017-06-30", "as_of") == datetime(
        2017, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC
    )
    assert parse_moment("2017-06-30T14:00:00+02:00", "as_of") == datetime(
        2017, 6, 30, 12, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["yesterday", "2017-13-01", "2017-06-30T12:00:00"])
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match="as_of"):
        parse_moment(text, "as_of")


def test_what_is_no_day_is_refused_with_an_example() -> None:
    with pytest.raises(BadInput, match="2017-03-31"):
        parse_day("31.3.2017", "from")
