"""Misspelt words are read as those they are close to; cells are values or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chassis.errors import BadInput
from contacts.imports.cells import day, listed, moment, number, whole
from contacts.imports.spelling import Countries, Reading, Vocabulary, often_used, sectors


def test_a_slip_is_mended_and_said() -> None:
    reading = sectors([], ["technolgy"] * 12).read("technolgy")
    assert reading == Reading("technology", "sector technolgy read as technology")
    assert Countries().read("Philipines").word == "Philippines"


def test_what_is_known_or_close_to_nothing_stays_as_it_is() -> None:
    vocabulary = sectors(["fintech"], [])
    for word in ("retail", "fintech", "space travel", "art", "reta"):
        assert vocabulary.read(word) == Reading(word)
    for country in ("DE", "Deutschland", "united states", "Korea", "Narnia"):
        assert Countries().read(country) == Reading(country)


def test_of_two_that_are_as_close_none_is_guessed() -> None:
    vocabulary = Vocabulary("colour", ["green", "greek"])
    assert vocabulary.read("gree") == Reading("gree")
    assert vocabulary.read("greep") == Reading("greep")


def test_a_known_word_in_another_case_takes_the_known_spelling() -> None:
    assert sectors(["Retail"], []).read("RETAIL") == Reading(
        "Retail", "sector RETAIL read as Retail"
    )


def test_a_file_teaches_the_words_it_uses_often_but_not_its_slips() -> None:
    words = ["fintech"] * 9 + ["fintec"] * 3 + ["other"]
    assert often_used(words) == ["fintech"]
    vocabulary = sectors([], words)
    assert vocabulary.read("fintec").word == "fintech"
    assert vocabulary.read("other") == Reading("other")


def test_cells_are_read_as_they_are_usually_written() -> None:
    assert moment("2024-03-10 09:14", "x") == datetime(2024, 3, 10, 9, 14, tzinfo=UTC)
    assert day("1985-12-10", "x") == date(1985, 12, 10)
    assert number("1,100.04", "x") == Decimal("1100.04")
    assert whole("2822", "x") == 2822
    assert listed("a, b;c,,") == ("a", "b", "c")
    assert listed("") == ()


@pytest.mark.parametrize("text", ["1.5.2024", "", "tomorrow"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="birthday"):
        day(text, "birthday")


@pytest.mark.parametrize("text", ["much", "1.2.3", "NaN", "Infinity"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="employees"):
        whole(text, "employees")
    with pytest.raises(BadInput, match="whole"):
        whole("1.5", "employees")
