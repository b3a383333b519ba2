"""Which deals are there, by state, stage, owner, company, contact or words in their names?"""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from chassis.errors import BadInput
from chassis.testing.projections import History, project
from pipeline.read_models.deal_list import DEAL_LIST, DEAL_LIST_TABLE, NEVER, DealQuery
from pipeline.read_models.deal_record import DEAL_RECORD, DEAL_RECORD_TABLE
from pipeline.testing.lives import DEAL_ID, opened, random_life, won


@pytest.mark.parametrize("seed", range(30))
def test_the_list_says_the_same_as_the_record(seed: int) -> None:
    life = random_life(Random(seed))
    (row,) = project(DEAL_LIST, *life)[DEAL_LIST_TABLE]
    (record,) = project(DEAL_RECORD, *life)[DEAL_RECORD_TABLE]
    for name in row.keys() & record.keys():
        assert row[name] == record[name], name
    assert row["title_folded"] == record["title"].casefold()
    assert row["expected_sort"] == (record["expected_close"] or NEVER)
    assert row["closed_sort"] == (record["closed_on"] or NEVER)


def test_a_closed_deal_has_a_day_of_closing_and_its_final_value() -> None:
    book = History()
    events = (opened(), won(value_minor=7))
    rows = project(DEAL_LIST, *(book.add("deal", DEAL_ID, event) for event in events))
    (row,) = rows[DEAL_LIST_TABLE]
    assert (row["status"], row["closed_on"]) == ("won", date(2026, 3, 10))
    assert row["value_minor"] == 7


def test_a_list_is_sorted_by_what_it_can_be_sorted_by() -> None:
    assert DealQuery(sort="-value").order == ("value_minor", int, True)
    assert DealQuery(sort="title").order == ("title_folded", str, False)
    with pytest.raises(BadInput, match="-expected_close"):
        _ = DealQuery(sort="colour").order
