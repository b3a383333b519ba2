"""What a value of an own field is kept as, by type, and which are none."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.errors import BadInput
from chassis.ids import new_id
from contacts.domain.own_field import OwnField, Type
from contacts.domain.own_values import check_required, clean, cleaned
from contacts.imports.cells import day


def field(type_: Type, **more: Any) -> OwnField:
    return OwnField(new_id(), "it", type_, "It", ("Small", "Large", "Größe 3"), **more)


@pytest.mark.parametrize(
    ("type_", "said", "kept"),
    [
        ("text", "  two  words ", "two words"),
        ("text", 38, "38"),
        ("number", 38, 38),
        ("number", 38.0, 38),
        ("number", "38.50", 38.5),
        ("number", "1,100.04", 1100.04),
        ("number", "1.100,04", 1100.04),
        ("number", "-1100,5", -1100.5),
        ("number", "1 100", 1100),
        ("number", "1,100", 1100),
        ("number", "0", 0),
        ("date", "2026-03-30", "2026-03-30"),
        ("yes_no", True, True),
        ("yes_no", "No", False),
        ("yes_no", "JA", True),
        ("yes_no", 0, False),
        ("choice", "small", "Small"),
        ("choice", "grosse 3", "Größe 3"),
        ("choices", ["Large", "small", "LARGE"], ["Small", "Large"]),
        ("choices", "large; small", ["Small", "Large"]),
        ("choices", [], None),
        ("url", "example.org/a?b=c", "https://example.org/a?b=c"),
        ("url", "http://example.org", "http://example.org"),
        *(
            (type_, nothing, None)
            for type_ in ("text", "number", "choice")
            for nothing in ("", None)
        ),
    ],
)
def test_a_value_is_kept_as_its_type_has_it(type_: Type, said: Any, kept: Any) -> None:
    found = clean(field(type_), said)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("type_", "said", "expected"),
    [
        ("text", ["a"], "a text"),
        ("text", True, "a text"),
        ("text", "x" * 1_001, "too many"),
        ("number", "many", "no number"),
        ("number", "NaN", "no number"),
        ("number", "1_000", "no number"),
        ("number", "1,00,0", "no number"),
        ("number", True, "no number"),
        ("number", [1], "no number"),
        ("number", 10**15, "digits"),
        ("number", "1e999999", "digits"),
        ("number", "0.1234567890123456", "digits"),
        ("date", "30.3.2026", "no day"),
        ("date", 2026, "no day"),
        ("yes_no", "maybe", "neither"),
        ("yes_no", 2, "neither"),
        ("choice", "Medium", "Small, Large"),
        ("choice", 1, "no choice"),
        ("choices", ["Small", "Medium"], "“Medium” is no choice"),
        ("choices", {"a": 1}, "list"),
        ("url", "nowhere", "no address"),
        ("url", "javascript://example.org/%0aalert(1)", "no address"),
        ("url", "https://exa mple.org", "no address"),
        ("url", "https://[x", "no address"),
    ],
)
def test_what_is_no_such_value_is_refused_at_the_field(
    type_: Type, said: Any, expected: str
) -> None:
    with pytest.raises(BadInput, match=expected) as refused:
        clean(field(type_), said)
    assert refused.value.extra["field"] == "custom.it"
    assert refused.value.extra["errors"][0]["pointer"] == "#/custom.it"


def test_a_file_says_in_which_order_its_days_are_written() -> None:
    assert clean(field("date"), "3/4/2026", lambda text: day(text, "x", "mdy")) == "2026-03-04"
    with pytest.raises(BadInput, match="no day"):
        clean(field("date"), "soon", lambda text: day(text, "x", "mdy"))


def test_what_nobody_defined_stays_as_it_is() -> None:
    said = {"it": "38", "other": "38", "list": [1], "gone": None}
    assert cleaned({"it": field("number")}, said) == {**said, "it": 38}


def test_what_is_needed_is_asked_for_by_title() -> None:
    needed = field("text", required=True)
    check_required([needed, field("number")], {"it": "x"})
    for nothing in ({}, {"it": None}):
        with pytest.raises(BadInput, match="It") as refused:
            check_required([needed], nothing)
        assert refused.value.extra["field"] == "custom.it"
