"""What is there to know about one deal, now? The row is what a fold of the log gives."""

from __future__ import annotations

from random import Random

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from chassis.testing.projections import project
from pipeline.domain.deal import DEAL
from pipeline.read_models.deal_record import DEAL_RECORD, DEAL_RECORD_TABLE, columns_of
from pipeline.testing.lives import random_life


@for_all(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_row_of_a_deal_is_the_fold_of_its_events(random: Random) -> None:
    life = random_life(random)
    (row,) = project(DEAL_RECORD, *life)[DEAL_RECORD_TABLE]
    deal = DEAL.fold(recorded.event for recorded in life)
    assert deal is not None
    last = {"version": life[-1].version, "changed_at": life[-1].recorded_at}
    assert row == columns_of(deal) | last


def test_a_life_has_all_kinds_of_events() -> None:
    types = {recorded.type for seed in range(40) for recorded in random_life(Random(seed))}
    assert types == {event.__struct_config__.tag for event in DEAL.events}
