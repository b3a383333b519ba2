"""What becomes of a field of a workspace's own: added, called otherwise, arranged, retired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.own_field import (
    OWN_FIELD,
    AddOwnField,
    ChangeOwnField,
    OwnFieldAdded,
    OwnFieldArranged,
    OwnFieldRetired,
    OwnFieldRetitled,
    RetireOwnField,
    Type,
    Wording,
    field_id,
    key_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = new_id()
SIZES = ("Small", "Large")
added = OwnFieldAdded(ID, "size", "Size", "choice", SIZES, False, None, occurred_at=NOON)
retired = OwnFieldRetired(ID, occurred_at=NOON)


def add(type_: Type = "choice", **wording: Any) -> AddOwnField:
    said = {"title": "Size", "choices": SIZES, **wording}
    return AddOwnField(ID, "size", type_, Wording(**said), NOON)


def test_a_field_is_added_without_what_says_nothing() -> None:
    command = add(title="  Size ", choices=(" Small", "Large", " "), description=" ")
    given(OWN_FIELD).when(command).then(added)


def test_a_key_is_made_from_the_title_or_given() -> None:
    assert key_of("Größe der Schuhe (EU)") == "große_der_schuhe_eu".replace("ß", "ss")
    assert key_of("x" * 50) == "x" * 40
    assert key_of("Shoe", "size_2") == "size_2"
    for title, key in (("年齢", None), ("12 months", None), ("Shoe", "Shoe"), ("Shoe", "a" * 41)):
        with pytest.raises(BadInput) as refused:
            key_of(title, key)
        assert refused.value.extra["field"] == "key"


def test_a_key_is_one_field_in_each_workspace() -> None:
    here, there = new_id(), new_id()
    assert field_id(here, "size") == field_id(here, "size")
    assert len({field_id(here, "size"), field_id(there, "size"), field_id(here, "sizes")}) == 3


def test_a_key_is_taken_once_and_again_after_it_was_retired_with_the_same_type() -> None:
    given(OWN_FIELD, added).when(add()).then_refused(Conflict, "already")
    given(OWN_FIELD, added, retired).when(add()).then(added)
    other = add("text", choices=())
    given(OWN_FIELD, added, retired).when(other).then_refused(Conflict, "of the type choice")
    given(OWN_FIELD, added, retired, added).when(add()).then_refused(Conflict, "already")


def test_only_what_is_otherwise_changes() -> None:
    changes = {"title": "Shirt", "description": "As on the label", "choices": ("Large",)}
    given(OWN_FIELD, added).when(ChangeOwnField(NOON, {**changes, "required": True})).then(
        OwnFieldRetitled(ID, "Shirt", "As on the label", occurred_at=NOON),
        OwnFieldArranged(ID, ("Large",), True, occurred_at=NOON),
    )
    other_order = ChangeOwnField(NOON, {"choices": ("Large", "Small")})
    given(OWN_FIELD, added).when(other_order).then(
        OwnFieldArranged(ID, ("Large", "Small"), False, occurred_at=NOON)
    )
    same = {"title": "Size", "choices": SIZES, "required": False, "description": None}
    given(OWN_FIELD, added).when(ChangeOwnField(NOON, same)).then()


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 61}, "title"),
        ({"choices": ()}, "at least one"),
        ({"choices": ("Small", "SMALL")}, "twice"),
        ({"choices": ("Small; large",)}, "leave"),
        ({"choices": tuple(f"n{n}" for n in range(101))}, "too many"),
    ],
)
def test_a_wording_that_nobody_could_work_with_is_refused(changes: Any, saying: str) -> None:
    given(OWN_FIELD, added).when(ChangeOwnField(NOON, changes)).then_refused(BadInput, saying)


def test_only_a_choice_has_choices() -> None:
    given(OWN_FIELD).when(add("number")).then_refused(BadInput, "leave them out")


def test_a_field_that_was_retired_is_not_there() -> None:
    given(OWN_FIELD, added).when(RetireOwnField(NOON)).then(retired)
    for command in (RetireOwnField(NOON), ChangeOwnField(NOON, {"title": "x"})):
        given(OWN_FIELD, added, retired).when(command).then_refused(NotFound, "no such field")
        given(OWN_FIELD).when(command).then_refused(NotFound, "no such field")
