"""Figures about too few people are held back."""

from __future__ import annotations

from analytics.group_sizes import held_back


def test_small_groups_are_held_back() -> None:
    assert held_back({"a": 4, "b": 1, "c": 5, "d": 50}) == {"a", "b"}


def test_a_single_one_takes_the_next_smallest_with_it() -> None:
    """Otherwise the whole less the others would tell it."""
    assert held_back({"a": 4, "c": 9, "d": 50}) == {"a", "c"}


def test_nobody_is_no_secret() -> None:
    assert held_back({"a": 0, "c": 9}) == set()


def test_if_there_is_but_one_group_it_is_held_back_alone() -> None:
    assert held_back({"a": 4}) == {"a"}
