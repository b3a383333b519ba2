"""Which deals were there, and how did the board look, at any moment, as far as it was known?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from chassis.events import Recorded
from chassis.testing.projections import History, project
from pipeline.domain.deal import DEAL, Deal, DealEvent, ReopenDeal, WinDeal
from pipeline.domain.pipeline import PipelineDesigned
from pipeline.read_models.deal_changes import (
    DEAL_CHANGES,
    DEAL_DETAILS_TABLE,
    DEAL_POSITIONS_TABLE,
    DEAL_SPANS_TABLE,
    FAR,
    NONE_ID,
)
from pipeline.read_models.deal_record import columns_of
from pipeline.testing.lives import (
    ADA,
    DEAL_ID,
    PIPELINE_ID,
    SALES,
    lives,
    on,
    opened,
    random_life,
    won,
)

Life = Sequence[Recorded[Any]]


def fold(life: Iterable[Recorded[Any]], as_of: datetime, known_at: datetime) -> Deal | None:
    """The deal at a point, by the definition."""
    return DEAL.fold(r.event for r in life if r.occurred_at <= as_of and r.recorded_at <= known_at)


@pytest.mark.parametrize("seed", range(60))
def test_the_last_place_up_to_a_point_is_the_place_of_the_fold(seed: int) -> None:
    life = random_life(Random(seed))
    places = project(DEAL_CHANGES, *life)[DEAL_POSITIONS_TABLE]
    for known_day in range(1, 29, 3):
        for day in range(1, 29):
            as_of, known_at = on(day, 13), on(known_day)
            deal = fold(life, as_of, known_at)
            up_to = [
                p for p in places if p["occurred_at"] <= as_of and p["recorded_at"] <= known_at
            ]
            if deal is None:
                assert up_to == []
                continue
            last = max(up_to, key=lambda p: p["version"])
            expected = columns_of(deal)
            for name in ("status", "stage", "probability", "value_minor", "currency"):
                assert last[name] == expected[name], (name, day, known_day)
            assert last["entered_at"] == expected["entered_at"]
            assert last["closed_on"] == expected["closed_on"]


@pytest.mark.parametrize("seed", range(60))
def test_a_span_is_settled_only_when_no_fold_finds_the_deal_open(seed: int) -> None:
    life = random_life(Random(seed))
    (span,) = project(DEAL_CHANGES, *life)[DEAL_SPANS_TABLE]
    for known_day in range(1, 29, 2):
        for day in range(1, 29):
            as_of, known_at = on(day, 13), on(known_day)
            if span["settled_at"] <= as_of and span["settled_recorded_at"] <= known_at:
                deal = fold(life, as_of, known_at)
                assert deal is not None
                assert deal.closing is not None


def test_what_was_taken_away_differs_from_what_did_not_change() -> None:
    event = opened(owner_id=None, expected_close=None)
    (row,) = project(DEAL_CHANGES, History().add("deal", DEAL_ID, event))[DEAL_DETAILS_TABLE]
    assert row["owner_id"] == NONE_ID
    assert row["expected_close"].year == 9999
    assert row["title_folded"] == "autumn list"


def test_a_second_closing_settles_nothing() -> None:
    book = History()
    past: list[DealEvent] = [opened(), won()]
    state = DEAL.fold(past)
    (again,) = DEAL.decide(ReopenDeal(on(20)), state)
    (closed,) = DEAL.decide(WinDeal(on(21).date(), on(22)), DEAL.fold([*past, again]))
    life = [book.add("deal", DEAL_ID, event) for event in (*past, again, closed)]
    assert project(DEAL_CHANGES, *life[:2])[DEAL_SPANS_TABLE][0]["settled_at"] == on(10)
    assert project(DEAL_CHANGES, *life)[DEAL_SPANS_TABLE][0]["settled_at"] == FAR


# --- on the real database: boards and lists of the past are folds of the log


def expected_board(deals: Iterable[Deal]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Count, value, weighted value (x 100) by stage and currency."""
    sums: dict[tuple[str, str], tuple[int, int, int]] = {}
    for deal in deals:
        place = deal.position
        key = (place.stage, place.currency)
        count, value, weighted = sums.get(key, (0, 0, 0))
        share = place.value_minor * place.probability
        sums[key] = (count + 1, value + place.value_minor, weighted + share)
    return sums


def shown_board(board: Any) -> dict[tuple[str, str], tuple[int, int]]:
    shown = {}
    for stage in board["stages"]:
        weighted = {money["currency"]: money["amount_minor"] for money in stage["weighted"]}
        for money in stage["sum"]:
            currency = money["currency"]
            shown[stage["key"], currency] = (money["amount_minor"], weighted[currency])
    return shown


POINTS = [(on(d, 13), on(k, 13)) for d in (1, 5, 9, 14, 20, 28) for k in (3, 8, 15, 22, 28)]


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_boards_and_lists_of_the_past_are_folds_of_the_log(office: Any, publish: Any) -> None:
    ask, _ = office
    workspace = ask.principal.workspace
    many = lives(7, workspace, 60)
    designed = PipelineDesigned(
        pipeline_id=PIPELINE_ID, name="Sales", stages=SALES.stages, occurred_at=on(1)
    )
    book = History(workspace)
    await publish([[book.add("pipeline", PIPELINE_ID, designed)], *many])
    tokens = ",".join(f"{life[-1].stream}@{life[-1].version}" for life in many)
    for as_of, known_at in POINTS:
        query = f"as_of={quote(as_of.isoformat())}&known_at={quote(known_at.isoformat())}"
        folds = [deal for life in many if (deal := fold(life, as_of, known_at)) is not None]
        await _check_board(ask, query, tokens, [deal for deal in folds if deal.closing is None])
        await _check_list(ask, query, folds)
        await _check_list(
            ask, f"{query}&status=open", [deal for deal in folds if deal.closing is None]
        )
        mine = [deal for deal in folds if deal.owner_id == ADA]
        await _check_list(ask, f"{query}&owner={ADA}", mine)
        board = (await ask("GET", f"/api/v1/board?owner={ADA}&{query}"))[1]
        assert board["totals"]["count"] == sum(deal.closing is None for deal in mine)


async def _check_board(ask: Any, query: str, tokens: str, deals: Sequence[Deal]) -> None:
    _, board, _ = await ask.fresh(f"/api/v1/board?limit_per_stage=200&{query}", tokens)
    sums = expected_board(deals)
    assert board["totals"]["count"] == len(deals)
    assert shown_board(board) == {
        key: (value, (weighted + 50) // 100) for key, (_, value, weighted) in sums.items()
    }
    cards = {card["id"]: card for stage in board["stages"] for card in stage["deals"]}
    assert cards.keys() == {str(deal.deal_id) for deal in deals}
    for stage in board["stages"]:
        order = [(card["entered_at"], card["id"]) for card in stage["deals"]]
        assert order == sorted(order, reverse=True)
    for deal in deals:
        _check_deal(cards[str(deal.deal_id)], deal)


async def _check_list(ask: Any, query: str, deals: Sequence[Deal]) -> None:
    _, answer, _ = await ask("GET", f"/api/v1/deals?limit=200&sort=opened&{query}")
    items = {item["id"]: item for item in answer["items"]}
    assert items.keys() == {str(deal.deal_id) for deal in deals}
    for deal in deals:
        _check_deal(items[str(deal.deal_id)], deal)


def _check_deal(shown: Any, deal: Deal) -> None:
    expected = columns_of(deal)
    for name in ("title", "status", "stage", "probability"):
        assert shown[name] == expected[name], name
    assert shown["value"] == {
        "amount_minor": expected["value_minor"],
        "currency": expected["currency"],
    }
    for name in ("owner_id", "contact_id", "company_id", "product_id"):
        assert shown[name] == (str(expected[name]) if expected[name] else None), name
    for name in ("expected_close", "closed_on"):
        assert shown[name] == (expected[name].isoformat() if expected[name] else None), name
    for name in ("opened_at", "entered_at"):
        assert datetime.fromisoformat(shown[name]) == expected[name], name


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_the_past_as_known_now_up_to_now_is_the_present(office: Any, publish: Any) -> None:
    ask, _ = office
    workspace = ask.principal.workspace
    many = lives(11, workspace, 40)
    designed = PipelineDesigned(
        pipeline_id=PIPELINE_ID, name="Sales", stages=SALES.stages, occurred_at=on(1)
    )
    await publish([[History(workspace).add("pipeline", PIPELINE_ID, designed)], *many])
    tokens = ",".join(f"{life[-1].stream}@{life[-1].version}" for life in many)
    for path in ("/deals?limit=200&", "/deals?limit=200&sort=-entered&", "/board?"):
        _, now, _ = await ask("GET", f"/api/v1{path}", Everlog_Token=tokens)
        _, then, _ = await ask("GET", f"/api/v1{path}as_of=2026-12-31", Everlog_Token=tokens)
        for one in (now, then):
            one.pop("as_of", None)
            one.pop("known_at", None)
            for item in one.get("items", []) + [
                d for s in one.get("stages", []) for d in s["deals"]
            ]:
                item.pop("days_in_stage"), item.pop("rotten")
        assert now == then
