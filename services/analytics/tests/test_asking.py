"""What can be asked of a KPI, and what is refused with a sentence that says what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from analytics.asking import ask_of
from analytics.catalogue import kpi_named
from analytics.testing import principal
from chassis.errors import BadInput, Forbidden, NotFound
from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id

WORKSPACE = new_id()


def ask(kpi: str, who: Any = None, **parameters: str) -> Any:
    asked = {f"filter[{k[7:]}]" if k[:7] == "filter_" else k: v for k, v in parameters.items()}
    return ask_of(kpi_named(kpi), who or principal(WORKSPACE), asked.items())


def test_a_question_has_days_groups_filters_and_a_moment() -> None:
    owner = new_id()
    asked = ask(
        "win_rate",
        **{"from": "2017-01-01"},
        to="2017-06-30",
        group_by="product, month",
        as_of="2017-07-01T00:00:00Z",
        filter_owner=str(owner),
        filter_region="(none)",
    )
    assert (asked.first, asked.last) == (date(2017, 1, 1), date(2017, 6, 30))
    assert (asked.period, asked.dimension.name) == ("month", "product")
    assert asked.moment.as_of == datetime(2017, 7, 1, tzinfo=UTC)
    assert [(d.name, key) for d, key in asked.filters] == [("owner", owner), ("region", None)]


@pytest.mark.parametrize(
    ("parameters", "saying"),
    [
        ({"group_by": "colour"}, "owner, team, region"),
        ({"group_by": "broadcast"}, "by day, week, month"),
        ({"group_by": "owner,team"}, "one of each"),
        ({"group_by": "day,month"}, "one of each"),
        ({"filter[colour]": "red"}, "knows no 'colour'"),
        ({"filter[owner]": "Ada"}, "must be an id"),
        ({"from": "2017-02-01", "to": "2017-01-01"}, "lies after"),
        ({"form": "2017-02-01"}, "no parameter `form`"),
        ({"currency": "EUR"}, "win_rate is a ratio"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters: dict[str, str], saying: str) -> None:
    with pytest.raises(BadInput, match=saying):
        ask_of(kpi_named("win_rate"), principal(WORKSPACE), parameters.items())


def test_a_currency_must_be_one() -> None:
    assert ask("revenue_won", currency="eur").currency == "EUR"
    with pytest.raises(BadInput, match="ISO 4217"):
        ask("revenue_won", currency="Euro")


def test_an_unknown_kpi_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="win_rate"):
        ask("happiness")


def test_who_sees_aggregates_gets_no_figures_of_single_owners_and_customers() -> None:
    manager = principal(WORKSPACE, "marketing_manager", sees=AGGREGATE)
    assert not ask("win_rate", manager, group_by="team").singles
    for parameters in (
        {"group_by": "owner,month"},
        {"group_by": "company"},
        {"filter_owner": str(new_id())},
    ):
        with pytest.raises(Forbidden, match="single"):
            ask("win_rate", manager, **parameters)


def test_a_sales_representative_asks_about_the_own_team() -> None:
    owners = {new_id(), new_id()}
    rep = principal(WORKSPACE, "sales_representative", sees=OWN, owners=owners)
    assert ask("win_rate", rep).owners == owners
    assert ask("win_rate").owners is None
