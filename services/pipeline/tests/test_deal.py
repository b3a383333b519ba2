"""Deals: what can be done with them, what is refused, and how the past is restated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.testing.deciders import given
from pipeline.domain.deal import (
    DEAL,
    AssignDeal,
    ChangeDeal,
    DealAssigned,
    DealLost,
    DealMoved,
    DealRelinked,
    DealReopened,
    DealRescheduled,
    DealRetitled,
    DealRevalued,
    DealWon,
    LoseDeal,
    MoveDeal,
    OpenDeal,
    Overtaken,
    RelinkDeal,
    ReopenDeal,
    RescheduleDeal,
    RetitleDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.testing.lives import (
    ACME,
    ADA,
    BEN,
    DEAL_ID,
    PERSON,
    PRODUCT,
    SALES,
    on,
    opened,
    with_,
    won,
)

NOW = on(28)


def moved(at: datetime, source: str = "lead", target: str = "offer") -> DealMoved:
    chance = {"lead": 10, "offer": 40, "talks": 80}
    return DealMoved(
        deal_id=DEAL_ID,
        from_stage=source,
        to_stage=target,
        from_probability=chance[source],
        to_probability=chance[target],
        value_minor=100_000,
        currency="EUR",
        occurred_at=at,
    )


def reopened(at: datetime, **changes: object) -> DealReopened:
    event = DealReopened(
        deal_id=DEAL_ID,
        closing=1,
        was="won",
        closed_on=date(2026, 3, 10),
        value_minor=100_000,
        currency="EUR",
        stage="lead",
        probability=10,
        opened_at=on(1),
        owner_id=ADA,
        company_id=ACME,
        contact_id=PERSON,
        product_id=None,
        source="web",
        pipeline_id=SALES.pipeline_id,
        closed_value_minor=100_000,
        occurred_at=at,
    )
    return with_(event, **changes)


def open_deal(**changes: object) -> OpenDeal:
    asked: dict[str, object] = {
        "deal_id": DEAL_ID,
        "title": " Autumn  list ",
        "pipeline": SALES,
        "value_minor": 100_000,
        "currency": "eur",
        "now": NOW,
        "at": on(1),
        "contact_id": PERSON,
        "company_id": ACME,
        "owner_id": ADA,
        "source": "web",
        "expected_close": date(2026, 4, 30),
    }
    return OpenDeal(**(asked | changes))  # type: ignore[arg-type]


# --- opening


def test_a_deal_opens_in_the_first_stage_with_its_probability() -> None:
    given(DEAL).when(open_deal()).then(opened())


def test_a_deal_may_open_in_a_stage_named_by_key_or_name() -> None:
    there = opened(stage="talks", probability=80)
    given(DEAL).when(open_deal(stage="talks")).then(there)
    given(DEAL).when(open_deal(stage=" TALKS")).then(there)


def test_a_deal_does_not_open_in_a_stage_that_is_not_there() -> None:
    given(DEAL).when(open_deal(stage="nowhere")).then_refused(BadInput, "lead, offer, talks")
    given(DEAL).when(open_deal(stage="demo")).then_refused(Conflict, "retired")
    given(DEAL).when(open_deal(stage="Won")).then_refused(BadInput, "/win")


def test_a_deal_does_not_open_in_the_future() -> None:
    given(DEAL).when(open_deal(at=NOW + timedelta(seconds=1))).then_refused(BadInput, "future")


def test_a_deal_needs_a_title_an_amount_and_a_currency() -> None:
    given(DEAL).when(open_deal(title="  ")).then_refused(BadInput, "name")
    given(DEAL).when(open_deal(value_minor=-1)).then_refused(BadInput, "amount")
    given(DEAL).when(open_deal(currency="euro")).then_refused(BadInput, "ISO 4217")


def test_what_was_never_opened_cannot_be_changed() -> None:
    for command in (MoveDeal("offer", SALES, NOW), WinDeal(NOW.date(), NOW), AssignDeal(BEN, NOW)):
        given(DEAL).when(command).then_refused(NotFound)


# --- moving and revaluing


def test_a_move_says_from_where_to_where() -> None:
    given(DEAL, opened()).when(MoveDeal("offer", SALES, NOW, at=on(5))).then(moved(on(5)))


def test_a_move_to_where_it_is_already_changes_nothing() -> None:
    given(DEAL, opened()).when(MoveDeal("lead", SALES, NOW)).then_nothing()


@pytest.mark.parametrize("at", [on(1, 11), on(4, 11)])
def test_a_move_cannot_be_dated_before_what_came_last(at: datetime) -> None:
    deal = given(DEAL, opened(), moved(on(4)))
    deal.when(MoveDeal("talks", SALES, NOW, at=at)).then_refused(Conflict, "2026-03-04T12:00")


def test_a_closed_deal_cannot_be_moved_or_revalued() -> None:
    deal = given(DEAL, opened(), won())
    deal.when(MoveDeal("offer", SALES, NOW)).then_refused(Conflict, "Reopen it first")
    deal.when(RevalueDeal(5, NOW)).then_refused(Conflict, "won on 2026-03-10")


def revalued(at: datetime, before: int, after: int, currency: str = "EUR") -> DealRevalued:
    return DealRevalued(
        deal_id=DEAL_ID,
        from_value_minor=before,
        to_value_minor=after,
        currency=currency,
        stage="lead",
        probability=10,
        entered_at=on(1),
        occurred_at=at,
    )


def test_a_revaluation_says_from_which_to_which_value() -> None:
    deal = given(DEAL, opened())
    deal.when(RevalueDeal(80_000, NOW)).then(revalued(NOW, 100_000, 80_000))
    deal.when(RevalueDeal(100_000, NOW)).then_nothing()
    deal.when(RevalueDeal(1, NOW, at=on(1, 11))).then_refused(Conflict, "dated before")


def test_a_change_of_currency_takes_the_old_amount_out_and_puts_the_new_one_in() -> None:
    given(DEAL, opened()).when(RevalueDeal(90_000, NOW, "USD", at=on(3))).then(
        revalued(on(3), 100_000, 0), revalued(on(3), 0, 90_000, "USD")
    )


# --- closing


def test_a_deal_won_today_is_won_now() -> None:
    won_now = won(NOW)
    given(DEAL, opened()).when(WinDeal(NOW.date(), NOW)).then(won_now)


def test_a_deal_won_in_the_past_was_won_at_noon_of_that_day() -> None:
    given(DEAL, opened()).when(WinDeal(date(2026, 3, 10), NOW)).then(won(on(10)))


def test_a_deal_won_on_the_day_it_was_opened_was_won_after_it_was_opened() -> None:
    late = opened(on(1, 17))
    given(DEAL, late).when(WinDeal(date(2026, 3, 1), NOW)).then(won(on(1, 17), opened_at=on(1, 17)))


def test_winning_may_change_the_value_and_remembers_the_open_one() -> None:
    given(DEAL, opened()).when(WinDeal(date(2026, 3, 10), NOW, 120_000)).then(
        won(value_minor=120_000)
    )


def test_the_final_value_is_in_the_currency_of_the_deal() -> None:
    command = WinDeal(date(2026, 3, 10), NOW, 120_000, "USD")
    given(DEAL, opened()).when(command).then_refused(BadInput, "EUR")


def test_a_deal_is_not_closed_before_it_was_opened_nor_in_the_future() -> None:
    deal = given(DEAL, opened())
    deal.when(WinDeal(date(2026, 2, 28), NOW)).then_refused(Conflict, "opened on 2026-03-01")
    deal.when(LoseDeal(date(2026, 2, 28), NOW)).then_refused(Conflict, "lost before")
    deal.when(WinDeal(date(2026, 3, 29), NOW)).then_refused(BadInput, "future")


def test_today_is_the_day_where_the_workspace_is() -> None:
    auckland = timezone(timedelta(hours=13))
    evening = datetime(2026, 3, 28, 18, tzinfo=UTC)
    tomorrow = date(2026, 3, 29)
    deal = given(DEAL, opened())
    deal.when(WinDeal(tomorrow, evening, zone=auckland)).then(won(evening, closed_on=tomorrow))
    deal.when(WinDeal(tomorrow, evening)).then_refused(BadInput, "future")


def test_losing_keeps_the_reason_and_what_was_lost() -> None:
    lost = DealLost(**_fields(won()), reason="too dear", was_open=True, overtaken_closings=())
    given(DEAL, opened()).when(LoseDeal(date(2026, 3, 10), NOW, " too  dear ")).then(lost)


def _fields(event: DealWon) -> dict[str, Any]:
    skipped = ("was_open", "overtaken_closings")
    return {n: getattr(event, n) for n in event.__struct_fields__ if n not in skipped}


def test_closing_twice_the_same_way_changes_nothing() -> None:
    deal = given(DEAL, opened(), won())
    deal.when(WinDeal(date(2026, 3, 10), NOW)).then_nothing()
    deal.when(WinDeal(date(2026, 3, 10), NOW, 100_000)).then_nothing()


def test_closing_a_closed_deal_otherwise_needs_a_reopening() -> None:
    deal = given(DEAL, opened(), won())
    for command in (
        WinDeal(date(2026, 3, 11), NOW),
        WinDeal(date(2026, 3, 10), NOW, 1),
        LoseDeal(date(2026, 3, 10), NOW),
    ):
        deal.when(command).then_refused(Conflict, "Reopen it first")


def test_a_closing_dated_in_the_past_overtakes_what_was_entered_before_it() -> None:
    past = (opened(), moved(on(5)), moved(on(15), "offer", "talks"))
    overtaken = Overtaken(on(15), "offer", "talks", 40, 80, 100_000, 100_000, "EUR")
    given(DEAL, *past).when(WinDeal(date(2026, 3, 10), NOW)).then(
        won(stage="offer", probability=40, overtaken=(overtaken,))
    )


def test_what_happened_on_the_day_of_the_closing_is_not_overtaken() -> None:
    deal = given(DEAL, opened(), moved(on(10, 16)))
    deal.when(WinDeal(date(2026, 3, 10), NOW)).then(won(on(10, 16), stage="offer", probability=40))


# --- reopening


def test_a_reopened_deal_is_where_it_was_with_its_open_value() -> None:
    deal = given(DEAL, opened(), won(value_minor=120_000))
    deal.when(ReopenDeal(NOW)).then(reopened(NOW, closed_value_minor=120_000))


def test_reopening_an_open_deal_changes_nothing() -> None:
    given(DEAL, opened()).when(ReopenDeal(NOW)).then_nothing()


def test_a_reopened_deal_is_where_it_was_seen_last_even_if_that_was_overtaken() -> None:
    early = won(overtaken=(Overtaken(on(15), "lead", "offer", 10, 40, 100_000, 100_000),))
    state = given(DEAL, opened(), moved(on(15)), early).state()
    (event,) = DEAL.decide(ReopenDeal(NOW), state)
    assert isinstance(event, DealReopened)
    assert (event.stage, event.probability) == ("offer", 40)


def test_a_deal_is_not_reopened_before_it_was_closed() -> None:
    deal = given(DEAL, opened(), won())
    deal.when(ReopenDeal(NOW, at=on(10, 11))).then_refused(Conflict, "2026-03-10")
    deal.when(ReopenDeal(NOW, at=on(10))).then(reopened(on(10)))


def test_the_second_closing_has_the_number_two() -> None:
    deal = given(DEAL, opened(), won(), reopened(on(20)))
    deal.when(WinDeal(date(2026, 3, 25), NOW)).then(won(on(25), closing=2))


def test_a_closing_dated_before_the_reopening_ends_the_closing_before() -> None:
    deal = given(DEAL, opened(), won(), reopened(on(20)))
    again = Overtaken(on(20), "lead", "lead", 10, 10, 0, 100_000, "EUR", from_open=False)
    deal.when(WinDeal(date(2026, 3, 12), NOW)).then(
        won(
            on(12),
            closing=2,
            position_value_minor=0,
            was_open=False,
            overtaken=(again,),
            overtaken_closings=(1,),
        )
    )


def test_a_closing_dated_before_the_earlier_one_takes_its_place() -> None:
    deal = given(DEAL, opened(), won(), reopened(on(20)))
    gone = Overtaken(on(10), "lead", "lead", 10, 10, 100_000, 0, "EUR", to_open=False)
    again = Overtaken(on(20), "lead", "lead", 10, 10, 0, 100_000, "EUR", from_open=False)
    deal.when(WinDeal(date(2026, 3, 8), NOW)).then(
        won(on(8), closing=2, overtaken=(gone, again), overtaken_closings=(1,))
    )


# --- the rest of a deal


def test_the_rest_of_a_deal_changes_one_thing_at_a_time() -> None:
    deal = given(DEAL, opened())
    deal.when(AssignDeal(BEN, NOW)).then(
        DealAssigned(deal_id=DEAL_ID, owner_id=BEN, former_owner_id=ADA, occurred_at=NOW)
    )
    deal.when(RetitleDeal(" Spring list", NOW)).then(
        DealRetitled(deal_id=DEAL_ID, title="Spring list", occurred_at=NOW)
    )
    deal.when(RescheduleDeal(None, NOW)).then(
        DealRescheduled(deal_id=DEAL_ID, expected_close=None, occurred_at=NOW)
    )
    deal.when(RelinkDeal(NOW, company_id=None, product_id=PRODUCT)).then(
        DealRelinked(
            deal_id=DEAL_ID,
            contact_id=PERSON,
            company_id=None,
            product_id=PRODUCT,
            occurred_at=NOW,
        )
    )


def test_what_is_so_already_is_no_change() -> None:
    deal = given(DEAL, opened())
    for command in (
        AssignDeal(ADA, NOW),
        RetitleDeal("Autumn list", NOW),
        RescheduleDeal(date(2026, 4, 30), NOW),
        RelinkDeal(NOW, contact_id=PERSON),
    ):
        deal.when(command).then_nothing()


def test_several_changes_go_together_or_not_at_all() -> None:
    deal = given(DEAL, opened())
    both = ChangeDeal((MoveDeal("offer", SALES, NOW, at=on(5)), WinDeal(date(2026, 3, 10), NOW)))
    deal.when(both).then(moved(on(5)), won(stage="offer", probability=40))
    impossible = ChangeDeal((WinDeal(date(2026, 3, 10), NOW), MoveDeal("offer", SALES, NOW)))
    deal.when(impossible).then_refused(Conflict)


def test_an_external_id_belongs_to_one_deal_per_system() -> None:
    (claim,) = DEAL.claims(opened(external_id="A1", external_source="hubspot"))
    (other,) = DEAL.claims(opened(external_id="A1"))
    assert claim != other
    assert not list(DEAL.claims(opened()))
