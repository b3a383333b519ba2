"""What takes guards out works, tried on the cheapest; `make mutation` tries them all."""

from __future__ import annotations

from dataclasses import replace

from tests.mutation.manifest import MUTANTS
from tests.mutation.workshop import workshop

CHEAPEST = ("expected version in memory", "version guard: what was seen is dropped")


def test_a_guard_that_is_taken_out_is_missed_and_a_harmless_change_is_not() -> None:
    chosen = [mutant for mutant in MUTANTS if mutant.guard in CHEAPEST]
    assert [mutant.in_memory for mutant in chosen] == [True, True]
    harmless = replace(chosen[0], replacement=chosen[0].text + "  # as before")
    with workshop(servers=False) as shop:
        assert [shop.judge(mutant).word for mutant in chosen] == ["caught", "caught"]
        assert shop.judge(harmless).word == "survived"
        unreadable = replace(chosen[0], replacement="if if:")
        assert shop.judge(unreadable).word == "broken"
