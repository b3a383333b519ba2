"""How `everlog import` is told how to read files."""

from __future__ import annotations

import pytest

from embedded.errors import Trouble
from everlog.commands.importing import options_of


def test_options_are_named_one_by_one_or_as_json_or_both() -> None:
    assert options_of("{}", []) == {}
    assert options_of("{}", ["currency=GBP", " external_source = till=2 "]) == {
        "currency": "GBP",
        "external_source": "till=2",
    }
    stages = '{"stages": {"New": "lead"}, "currency": "EUR"}'
    assert options_of(stages, ["currency=GBP"]) == {"stages": {"New": "lead"}, "currency": "GBP"}


@pytest.mark.parametrize("pair", ["currency", "=GBP", " =GBP", ""])
def test_an_option_without_name_or_value_is_refused(pair: str) -> None:
    with pytest.raises(Trouble, match="has no value") as trouble:
        options_of("{}", [pair])
    assert "--option currency=GBP" in trouble.value.advice


@pytest.mark.parametrize("text", ["", "currency=GBP", "[]", "7", "null"])
def test_options_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(Trouble, match="no JSON object"):
        options_of(text, [])
