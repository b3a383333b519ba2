from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.web import formatting as f

NOW = datetime(2026, 4, 3, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (1250, "EUR", "€1,250"),
        (10005534, "USD", "$10,005,534"),
        (-3.6, "EUR", "−€4"),
        (-0.2, "EUR", "€0"),
        (12, "SEK", "SEK 12"),
        (7, None, "7"),
        (None, "EUR", "–"),
    ],
)
def test_money_reads_with_its_sign_and_thousands(
    amount: float | None, currency: str | None, expected: str
) -> None:
    assert f.money(amount, currency) == expected


def test_cents_are_shown_only_where_there_are_some() -> None:
    assert f.money_of({"amount_minor": 125050, "currency": "EUR"}) == "€1,250.50"
    assert f.money_of({"amount_minor": 125000, "currency": "EUR"}) == "€1,250"
    assert f.money_of({"amount_minor": 1250, "currency": "JPY"}) == "¥1,250"
    assert f.money_of(None) == "–"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1250", 125000),
        ("1,250", 125000),
        ("1,250.50", 125050),
        ("1.250,50", 125050),
        ("1.250", 125000),
        ("1250,5", 125050),
        ("€ 99.90", 9990),
        ("99.90 EUR", 9990),
        ("1 250 000", 125000000),
        ("0.005", 1),
    ],
)
def test_an_amount_is_read_the_way_people_write_it(typed: str, expected: int) -> None:
    assert f.minor(typed, "EUR") == expected


def test_the_minor_unit_is_the_currencys_own() -> None:
    assert f.minor("1,250", "JPY") == 1250
    assert f.minor("1.250", "KWD") == 1250


@pytest.mark.parametrize("typed", ["", "about 5", "1.2.3", "12k", "--3"])
def test_what_is_no_amount_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ValueError, match=r"1,250\.50"):
        f.minor(typed, "EUR")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (950, "€950"),
        (9999, "€9,999"),
        (84_000, "€84K"),
        (84_250, "€84.2K"),
        (999_999, "€1M"),
        (1_260_000, "€1.3M"),
        (-84_000, "−€84K"),
        (2_500_000_000, "€2.5B"),
    ],
)
def test_large_amounts_are_shortened_for_tiles(amount: float, expected: str) -> None:
    assert f.short_money(amount, "EUR") == expected


def test_a_figure_reads_in_its_unit() -> None:
    assert f.figure(0.6315, "ratio") == "63.1%"
    assert f.figure(51.78, "days") == "51.8 days"
    assert f.figure(10005534, "money", "USD") == "$10,005,534"
    assert f.figure(4238, "count") == "4,238"
    assert f.figure(None, "money", "USD") == "–"


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=26), "yesterday"),
        (timedelta(days=12), "12 days ago"),
        (timedelta(days=80), "13 Jan"),
        (timedelta(days=400), "27 Feb 2025"),
        (timedelta(seconds=-2), "just now"),
    ],
)
def test_recent_times_read_as_how_long_ago(past: timedelta, expected: str) -> None:
    assert f.ago(NOW - past, NOW) == expected


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (0, "today"),
        (1, "tomorrow"),
        (5, "in 5 days"),
        (-3, "3 days overdue"),
        (-400, "overdue since 27 Feb 2025"),
        (90, "2 Jul"),
    ],
)
def test_days_ahead_read_as_how_soon(ahead: int, expected: str) -> None:
    assert f.due(NOW.date() + timedelta(days=ahead), NOW.date()) == expected


def test_a_day_to_look_back_from_is_its_end_and_not_its_midnight() -> None:
    berlin = f.zone("Europe/Berlin")
    assert f.point("2026-07-01", berlin) == "the end of 1 Jul 2026"
    assert f.point("2026-07-01T22:30:00Z", berlin) == "2 Jul 2026, 00:30"


def test_a_moment_is_shown_in_the_workspaces_time_zone() -> None:
    assert f.moment("2026-07-01T22:30:00Z", f.zone("Europe/Berlin")) == "2 Jul 2026, 00:30"
    assert f.moment("2026-07-01T22:30:00Z", f.zone("No/Where")) == "1 Jul 2026, 22:30"


def test_dates_leave_out_the_present_year() -> None:
    assert f.day("2026-04-01", today=NOW.date()) == "1 Apr"
    assert f.day("2025-04-01", today=NOW.date()) == "1 Apr 2025"
    assert f.month("2025-04") == "April 2025"
    assert f.day(None) == "–"
    assert f.parse_day("2025-04-01T10:00:00Z") == date(2025, 4, 1)


def test_avatars_have_initials_and_a_lasting_colour() -> None:
    assert f.initials("Ada Lovelace") == "AL"
    assert f.initials("ada@example.com") == "AC"
    assert f.initials("Jean-Luc Picard") == "JP"
    assert f.initials("") == "?"
    assert f.tone("Ada Lovelace") == f.tone("Ada Lovelace") < 8
