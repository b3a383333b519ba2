"""Which deals are open, stage by stage, what are they worth, and since when are they there?"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from chassis.testing.projections import project
from pipeline.api import board_shapes
from pipeline.domain.deal import DEAL
from pipeline.read_models.deal_board import DEAL_BOARD, DEAL_BOARD_TABLE, BoardRows
from pipeline.testing.lives import ACME, ADA, DEAL_ID, PIPELINE_ID, SALES, on, random_life


@pytest.mark.parametrize("seed", range(60))
def test_a_row_stands_for_each_open_deal_and_for_no_other(seed: int) -> None:
    life = random_life(Random(seed))
    deal = DEAL.fold(recorded.event for recorded in life)
    assert deal is not None
    place = deal.position
    expected = {
        "deal_id": DEAL_ID,
        "pipeline_id": PIPELINE_ID,
        "owner_id": deal.owner_id,
        "stage": place.stage,
        "probability": place.probability,
        "value_minor": place.value_minor,
        "currency": place.currency,
        "entered_at": deal.entered_at,
    }
    rows = project(DEAL_BOARD, *life)[DEAL_BOARD_TABLE]
    assert rows == ([expected] if deal.closing is None else [])


def sums(stage: str, deals: int, value: int, weighted: int, currency: str = "EUR") -> Any:
    return {
        "stage": stage,
        "currency": currency,
        "deals": deals,
        "value": value,
        "weighted": weighted,
    }


def card(stage: str, day: int) -> dict[str, Any]:
    names = dict.fromkeys(("company_name", "contact_name", "owner_name", "product_name"))
    names["company_name"] = "Acme"
    return names | {
        "deal_id": DEAL_ID,
        "version": 1,
        "title": "Autumn list",
        "status": "open",
        "pipeline_id": PIPELINE_ID,
        "stage": stage,
        "probability": 10,
        "value_minor": 100,
        "currency": "EUR",
        "company_id": ACME,
        "contact_id": None,
        "owner_id": ADA,
        "product_id": None,
        "source": None,
        "expected_close": None,
        "opened_at": on(1),
        "entered_at": on(day),
        "closed_on": None,
        "external_id": None,
        "external_source": None,
    }


def test_a_board_shows_its_stages_in_order_with_sums_per_currency() -> None:
    rows = BoardRows(
        [
            sums("offer", 2, 1_001, 1_001 * 40),
            sums("offer", 1, 5_000, 5_000 * 40, "USD"),
            sums("lead", 1, 5, 5 * 10),
        ],
        [],
    )
    board = board_shapes.board(SALES, rows, 50, on(28))
    assert [(s["key"], s["count"]) for s in board["stages"]] == [
        ("lead", 1),
        ("offer", 3),
        ("talks", 0),
    ]
    offer = board["stages"][1]
    assert offer["sum"] == [
        {"amount_minor": 5_000, "currency": "USD"},
        {"amount_minor": 1_001, "currency": "EUR"},
    ]
    assert offer["weighted"][1] == {"amount_minor": 400, "currency": "EUR"}
    assert board["totals"]["weighted"][1] == {"amount_minor": 401, "currency": "EUR"}


def test_a_card_is_rotten_when_it_has_been_there_for_too_long() -> None:
    rows = BoardRows([], [card("lead", 15), card("lead", 14), card("talks", 1)])
    board = board_shapes.board(SALES, rows, 50, on(28))
    lead, _, talks = board["stages"]
    assert [(c["days_in_stage"], c["rotten"]) for c in lead["deals"]] == [(13, False), (14, True)]
    assert [(c["days_in_stage"], c["rotten"]) for c in talks["deals"]] == [(27, False)]


def test_a_stage_says_when_there_are_more_cards_than_it_shows() -> None:
    rows = BoardRows([sums("lead", 3, 300, 3_000)], [card("lead", day) for day in (3, 2, 1)])
    board = board_shapes.board(SALES, rows, 2, on(28))
    lead = board["stages"][0]
    assert (len(lead["deals"]), lead["more"], lead["count"]) == (2, True, 3)
    assert lead["next"] is not None
    assert board["stages"][1]["next"] is None


def test_a_retired_stage_is_shown_while_there_are_deals_in_it() -> None:
    board = board_shapes.board(SALES, BoardRows([sums("demo", 1, 1, 20)], []), 2, on(28))
    assert [(s["key"], s["retired"]) for s in board["stages"]][-1] == ("demo", True)
    assert board["totals"]["count"] == 1


def test_a_summary_leaves_out_groups_that_are_too_small_also_from_its_totals() -> None:
    small = [sums("lead", 5, 50, 500), sums("lead", 4, 9, 90, "USD"), sums("offer", 1, 7, 70)]
    summary = board_shapes.summary(SALES, small, on(28))
    assert [(s["count"], s["suppressed"]) for s in summary["stages"]] == [
        (5, True),
        (0, True),
        (0, False),
    ]
    assert summary["totals"]["sum"] == [{"amount_minor": 50, "currency": "EUR"}]
    assert "USD" not in str(summary)
