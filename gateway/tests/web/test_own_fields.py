"""Own fields as forms and records have them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.web.own_fields import OwnField, columns_named, sorted_out


def field(type_: str, **more: Any) -> OwnField:
    return OwnField.of({"key": "shoe_size", "title": "Shoe size", "type": type_, **more})


@pytest.mark.parametrize(
    ("type_", "kept", "value", "said"),
    [
        ("number", 1234.5, 1234.5, "1,234.5"),
        ("number", "from before", "from before", "from before"),
        ("yes_no", False, "no", "No"),
        ("yes_no", "perhaps", "perhaps", "perhaps"),
        ("choice", "Large", "Large", "Large"),
        ("choice", "Gone", "Gone", "Gone"),
        ("choices", ["Small", "Large"], ["Small", "Large"], "Small, Large"),
        ("date", "2026-03-30", "2026-03-30", "30 Mar 2026"),
        ("date", "soon", "soon", "soon"),
        ("url", 7, "7", "7"),
        ("text", None, None, ""),
    ],
)
def test_a_value_is_shown_by_its_type_and_what_is_older_as_it_is(
    type_: str, kept: Any, value: Any, said: str
) -> None:
    found = field(type_, choices=["Small", "Large"])
    assert found.value({"custom": {"shoe_size": kept}}) == value
    assert found.said(value) == said


def test_a_record_without_own_values_has_none() -> None:
    assert field("text").value({}) is None
    assert field("text").value({"custom": None}) is None


def test_what_is_typed_is_sent_as_a_text_and_nothing_takes_it_away() -> None:
    assert field("number").sent("38,5", {}, "EUR") == {"custom": {"shoe_size": "38,5"}}
    assert field("number").sent("", {}, "EUR") == {"custom": {"shoe_size": None}}


def test_a_hint_is_the_description_or_how_the_type_is_written() -> None:
    assert field("number", description="EU").hint == "EU"
    assert field("number").hint == "Like 1100.04"
    assert field("text").hint == ""


def test_what_nobody_defined_is_shown_beside() -> None:
    custom = {"shoe_size": 38, "Hat": ["L", "XL"], "member": True}
    assert sorted_out(custom, [field("number")]) == [("Hat", "L, XL"), ("member", "yes")]


def test_the_first_column_called_like_a_field_becomes_it_unless_another_one_does() -> None:
    columns = ["", "Shoe", "SHOE-SIZE", "shoe_size"]
    shoe, path = [field("number")], "custom.shoe_size"
    assert columns_named(columns, shoe, {"Shoe": ""}) == {"SHOE-SIZE": path}
    assert columns_named(columns, shoe, {"Shoe": path}) == {"Shoe": path}
    taken = {"SHOE-SIZE": "city", "shoe_size": "tags"}
    assert columns_named(columns, shoe, taken) == taken
